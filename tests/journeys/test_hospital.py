"""The hospital: a study goes to the node, the answers come to the archive, and are the same."""

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from tests.collection import DATA
from tests.node.archive import Archive, running_archive
from tests.node.running import Node, running_node, storescu, until
from tests.screened import phantom
from tests.validators import opinions

from ctsieve.jobs.records import Outcome
from ctsieve.phantoms.dicom import save_dicom

pytestmark = [pytest.mark.enable_socket, pytest.mark.slow]

SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
REPORT = "1.2.840.10008.5.1.4.1.1.88.34"
KEY_OBJECTS = "1.2.840.10008.5.1.4.1.1.88.59"
PARAMETRIC_MAP = "1.2.840.10008.5.1.4.1.1.30"
CAPTURES = {"1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.7.4"}
AS_STORED = (("application/dicom", "*"),)


def patient(folder: Path) -> Path:
    """The COVID-19 patient P001 where the collection is at hand, else a phantom."""
    real = DATA / "covid_ct_md" / "P001"
    if real.is_dir():
        return real
    save_dicom(phantom().volume, folder)
    return folder


def results_in(archive: Archive, study: str) -> dict[str, pydicom.Dataset]:
    """What the archive has of a study that is no CT, by SOP Instance UID."""
    client = archive.client()
    found = {}
    for row in client.search_for_series(study):
        if row["00080060"]["Value"][0] != "CT":
            series = row["0020000E"]["Value"][0]
            for ds in client.iter_series(study, series, media_types=AS_STORED):
                found[str(ds.SOPInstanceUID)] = ds
    return found


def names_nobody(log: Path, study: Path) -> None:
    """Check that a log quotes neither the patient nor a UID."""
    ds = pydicom.dcmread(next(p for p in sorted(study.iterdir()) if p.suffix != ".csv"))
    said = log.read_text()
    for secret in (ds.StudyInstanceUID, ds.PatientID, ds.get("PatientName", "")):
        assert not str(secret) or str(secret) not in said


def compare(node: Node, outcome: tuple[str, Outcome], archive: Archive) -> set[str]:
    """Check that the archive has every DICOM result, equal and valid; returns their classes."""
    job, made = outcome
    folder = node.home / "results" / job
    ours = [pydicom.dcmread(folder / n) for n in made.files if n.endswith(".dcm")]
    study = str(ours[0].StudyInstanceUID)
    until(lambda: len(results_in(archive, study)) >= len(ours), "the results arrive")
    theirs = results_in(archive, study)
    assert set(theirs) == {str(ds.SOPInstanceUID) for ds in ours}
    for number, ds in enumerate(ours):
        there = theirs[str(ds.SOPInstanceUID)]
        fetched = node.home.parent / f"fetched-{number}.dcm"
        there.save_as(fetched, enforce_file_format=True)
        assert [o for o in opinions(fetched) if o.problems] == [], there.SOPClassUID.name
        assert _elements(there) == _elements(ds)
        if "PixelData" in ds:
            np.testing.assert_array_equal(there.pixel_array, ds.pixel_array)
    return {str(ds.SOPClassUID) for ds in ours}


def _elements(ds: pydicom.Dataset) -> dict[str, object]:
    """Every element, codes and items included; group lengths and padding are the transport's."""
    return {k: v for k, v in ds.to_json_dict().items() if k != "7FE00010"}


@pytest.mark.parametrize("way", ["dicom", "web"])
def test_the_circle(way: str, tmp_path: Path) -> None:
    folder = patient(tmp_path / "study")
    with running_archive(tmp_path / "orthanc") as archive:
        address = archive.dicom if way == "dicom" else archive.web
        peers = {"archive": {"address": address}}
        with running_node(tmp_path, peers=peers, send_to=["archive"]) as node:
            assert storescu(node, folder).returncode == 0
            ((job, outcome),) = node.wait(1).items()
            classes = compare(node, (job, outcome), archive)
            names_nobody(node.log, folder)
    assert outcome.state == "screened", outcome
    assert {SEGMENTATION, REPORT, KEY_OBJECTS, PARAMETRIC_MAP} <= classes
    assert classes & CAPTURES


def test_a_peer_that_is_down_gets_its_results_later(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    save_dicom(phantom().volume, folder)
    with running_archive(tmp_path / "orthanc") as archive:
        pass
    peers = {"archive": {"address": archive.dicom}}
    with running_node(tmp_path, peers=peers, send_to=["archive"]) as node:
        assert storescu(node, folder).returncode == 0
        until(lambda: "not delivered to archive" in node.log.read_text(), "it is tried in vain")
        ports = {"DicomPort": archive.dicom_port, "HttpPort": archive.web_port}
        with running_archive(tmp_path / "orthanc", **ports):
            until(lambda: "delivered to archive" in _after_failure(node), "it is delivered")
            (outcome,) = node.outcomes().items()
            compare(node, outcome, archive)


def _after_failure(node: Node) -> str:
    lines = node.log.read_text().splitlines()
    return "\n".join(line for line in lines if "not delivered" not in line)


def test_the_archive_is_asked_for_new_chests(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    save_dicom(phantom().volume, folder)
    with running_archive(tmp_path / "orthanc") as archive:
        client = archive.client()
        client.store_instances([pydicom.dcmread(p) for p in sorted(folder.iterdir())])
        peers = {"archive": {"address": archive.web}}
        pull = {"peer": "archive", "days": 36500, "every_seconds": 1}
        told: dict[str, Any] = {"pull": pull, "send_to": ["archive"], "shadow": True}
        with running_node(tmp_path, peers=peers, **told) as node:
            (outcome,) = node.wait(1).values()
        assert outcome.state == "screened"
        # Shadow mode: the archive has the CT only.
        assert {row["00080060"]["Value"][0] for row in client.search_for_series()} == {"CT"}
