"""Storage SCU and STOW-RS: brings DICOM files to a peer, all of them or an error.

Source   PS3.4 Annex B, PS3.18 10.5.  Sending again is harmless: results have fixed UIDs.
"""

import contextlib
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pydicom
import requests
from dicomweb_client.api import DICOMwebClient
from dicomweb_client.session_utils import create_session_from_user_pass
from pydicom.errors import InvalidDicomError
from pydicom.misc import is_dicom
from pynetdicom import AE
from pynetdicom.association import Association
from pynetdicom.presentation import PresentationContext, build_context

from ctsieve.node import conformance
from ctsieve.node.security import client_context
from ctsieve.node.settings import Peer
from ctsieve.types.errors import PeerRefused, UsageError

WEB_SECONDS: Final = 60.0
MAX_CONTEXTS: Final = 128
"""Presentation contexts in one association (PS3.8 9.3.2.2: odd numbers from 1 to 255)."""
_THERE_ALREADY: Final = 0x0111
"""Duplicate SOP Instance (PS3.7 C): what archives say that replace nothing.  UIDs of results are
functions of their content, so it is the same object: a try before this one brought it there."""
_WARNINGS: Final = 0xB
"""First digit of statuses that mean: stored, with a remark."""


def send(files: Sequence[Path], peer: Peer, *, calling: str) -> None:
    """Send DICOM `files` to `peer`, as the application entity `calling`.

    Raises:
        PeerRefused: the peer does not answer, refuses the association, a class or an object.
        UsageError: a file is not DICOM.
    """
    if not files:
        return
    if peer.is_web:
        _send_by_web(files, peer)
    else:
        _send_by_association(files, peer, calling=calling)


def send_patiently(
    files: Sequence[Path], peer: Peer, *, calling: str, tries: int, wait_seconds: float = 2.0
) -> None:
    """As `send`, again after a wait that doubles, at most `tries` times.

    Raises:
        PeerRefused: the last try failed.
        UsageError: a file is not DICOM.
    """
    for attempt in range(tries - 1):
        with contextlib.suppress(PeerRefused):
            send(files, peer, calling=calling)
            return
        time.sleep(wait_seconds * 2**attempt)
    send(files, peer, calling=calling)


def dicom_files(paths: Iterable[Path]) -> list[Path]:
    """The files named, and the DICOM files in the folders named, without DICOMDIR.

    Raises:
        UsageError: there is nothing at a path.
    """
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise UsageError(f"there is nothing at {path}", hint="check the path")
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.is_file() and p.name != "DICOMDIR")
            found += [p for p in inside if is_dicom(p)]
        else:
            found.append(path)
    return found


def echo(peer: Peer, *, calling: str) -> None:
    """Ask a DIMSE peer whether it is there (C-ECHO).

    Raises:
        PeerRefused: it is not, or does not know us.
    """
    contexts = [build_context(conformance.VERIFICATION)]
    with _association(peer, contexts, calling=calling) as association:
        status = association.send_c_echo()
        if "Status" not in status or status.Status:
            raise PeerRefused("the peer did not answer the echo", hint="look into its log")


def check_set_up(peer: Peer) -> None:
    """See that what is needed to speak to a peer is at hand; nothing is sent.

    Raises:
        UsageError: the variable with the password is not set, or a certificate cannot be read.
    """
    if peer.is_web:
        web_client(peer)
    if urlsplit(peer.address).scheme in ("dicoms", "https"):
        client_context(peer.tls)


def web_client(peer: Peer) -> DICOMwebClient:
    """A client of the DICOMweb service `peer`, with its credentials.

    Raises:
        UsageError: the variable that should hold the password is not set.
    """
    headers = {}
    session = requests.Session()
    if peer.password_variable:
        secret = os.environ.get(peer.password_variable)
        if secret is None:
            raise UsageError(
                f"the environment has no {peer.password_variable}", hint="set it to the password"
            )
        if peer.user:
            session = create_session_from_user_pass(peer.user, secret)
        else:
            headers["Authorization"] = f"Bearer {secret}"
    if peer.tls.authorities is not None:
        session.verify = str(peer.tls.authorities)
    if peer.tls.certificate is not None:
        session.cert = (str(peer.tls.certificate), str(peer.tls.key or peer.tls.certificate))
    return DICOMwebClient(peer.address, session=session, headers=headers, timeout=WEB_SECONDS)


@contextlib.contextmanager
def peer_errors(peer: Peer) -> Iterator[None]:
    """Everything that can go wrong with a web peer, as `PeerRefused`."""
    host = urlsplit(peer.address).hostname
    try:
        yield
    except requests.HTTPError as error:
        code = error.response.status_code if error.response is not None else "no status"
        raise PeerRefused(f"{host} answered {code}", hint="look into its log") from error
    except (requests.RequestException, OSError) as error:
        raise PeerRefused(
            f"{host} does not answer: {type(error).__name__}",
            hint="check its address, and that it runs",
        ) from error


def _send_by_web(files: Sequence[Path], peer: Peer) -> None:
    client = web_client(peer)
    with peer_errors(peer):
        # One request an object: a large study in one request meets limits of proxies.
        for file in files:
            answer = client.store_instances([_read(file)])
            # Some archives list failures even where there are none.
            for failed in answer.get("FailedSOPSequence") or ():
                reason = failed.get("FailureReason", 0)
                if reason == _THERE_ALREADY:
                    continue
                raise PeerRefused(f"the peer refused an object: {reason:04X}")


def _send_by_association(files: Sequence[Path], peer: Peer, *, calling: str) -> None:
    with _association(peer, _contexts(files), calling=calling) as association:
        for file in files:
            _send_one(association, file)


def _send_one(association: Association, file: Path) -> None:
    try:
        status = association.send_c_store(_read(file))
    except ValueError as error:
        raise PeerRefused(
            f"the peer takes no {_class_of(file)}", hint="configure its accepted SOP classes"
        ) from error
    except RuntimeError as error:
        raise PeerRefused("the peer ended the association", hint="look into its log") from error
    if "Status" not in status:
        raise PeerRefused("the peer ended the association", hint="look into its log")
    is_stored = status.Status in (0, _THERE_ALREADY) or status.Status >> 12 == _WARNINGS
    if not is_stored:
        raise PeerRefused(
            f"the peer refused a {_class_of(file)}: status {status.Status:04X}",
            hint="look into its log",
        )


@contextlib.contextmanager
def _association(
    peer: Peer, contexts: list[PresentationContext], *, calling: str
) -> Iterator[Association]:
    parts = urlsplit(peer.address)
    entity = AE(ae_title=calling)
    entity.implementation_class_uid = conformance.IMPLEMENTATION_CLASS_UID
    entity.implementation_version_name = conformance.IMPLEMENTATION_VERSION
    entity.connection_timeout = conformance.ACSE_SECONDS
    entity.acse_timeout = conformance.ACSE_SECONDS
    entity.dimse_timeout = conformance.DIMSE_SECONDS
    tls = (client_context(peer.tls), parts.hostname or "") if parts.scheme == "dicoms" else None
    association = entity.associate(
        parts.hostname or "",
        parts.port or 0,
        contexts=contexts,
        ae_title=_title(peer),
        tls_args=tls,
    )
    if not association.is_established:
        why = "refused the association" if association.is_rejected else "does not answer"
        raise PeerRefused(
            f"{_title(peer)} at {parts.hostname}:{parts.port} {why}",
            hint="check the address, that it runs, and that it knows our AE title",
        )
    try:
        yield association
    finally:
        if association.is_established:
            association.release()


def _title(peer: Peer) -> str:
    # `urlsplit` keeps the case of the user part, which AE titles need.
    return urlsplit(peer.address).username or ""


def _contexts(files: Iterable[Path]) -> list[PresentationContext]:
    wanted: dict[tuple[str, str], None] = {}
    for file in files:
        ds = _read(file, headers_only=True)
        wanted[ds.SOPClassUID, ds.file_meta.TransferSyntaxUID] = None
    if len(wanted) > MAX_CONTEXTS:
        raise UsageError("the files are of too many kinds", hint="send fewer at once")
    return [build_context(sop_class, syntax) for sop_class, syntax in wanted]


def _read(file: Path, *, headers_only: bool = False) -> pydicom.Dataset:
    try:
        return pydicom.dcmread(file, stop_before_pixels=headers_only)
    except (InvalidDicomError, OSError, EOFError) as error:
        raise UsageError(f"{file.name} is not DICOM", hint="send DICOM files only") from error


def _class_of(file: Path) -> str:
    return str(_read(file, headers_only=True).SOPClassUID.name)
