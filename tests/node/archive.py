"""Orthanc with its DICOMweb plug-in, on loopback, in a folder of its own."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import requests
from dicomweb_client.api import DICOMwebClient
from tests.node.running import free_port, program, running, until

PLUGIN_FOLDERS = ("/usr/share/orthanc/plugins", "/usr/lib/orthanc", "/usr/local/share/orthanc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """A running Orthanc."""

    dicom_port: int
    web_port: int

    @property
    def dicom(self) -> str:
        """Its address by DICOM."""
        return f"dicom://ORTHANC@127.0.0.1:{self.dicom_port}"

    @property
    def web(self) -> str:
        """Its address by DICOMweb."""
        return f"http://127.0.0.1:{self.web_port}/dicom-web"

    def client(self) -> DICOMwebClient:
        """A DICOMweb client that is not ours."""
        return DICOMwebClient(self.web)


@contextlib.contextmanager
def running_archive(folder: Path, **changes: object) -> Iterator[Archive]:
    """An empty archive that takes what comes and answers DICOMweb; skips where not installed."""
    orthanc = program("Orthanc")
    told: dict[str, object] = {
        "Name": "test",
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "storage"),
        "Plugins": [p for p in PLUGIN_FOLDERS if Path(p, "libOrthancDicomWeb.so").exists()],
        "DicomAet": "ORTHANC",
        "DicomPort": free_port(),
        "HttpPort": free_port(),
        "AuthenticationEnabled": False,
        "RemoteAccessAllowed": False,
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
        **changes,
    }
    dicom, web = int(str(told["DicomPort"])), int(str(told["HttpPort"]))
    folder.mkdir(parents=True, exist_ok=True)
    settings = folder / "orthanc.json"
    settings.write_text(json.dumps(told))
    with running([orthanc, str(settings)], folder / "orthanc.log"):
        until(lambda: _answers(web), "Orthanc answers")
        yield Archive(dicom_port=dicom, web_port=web)


def _answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/dicom-web/studies", timeout=5).ok
    except requests.ConnectionError:
        return False
