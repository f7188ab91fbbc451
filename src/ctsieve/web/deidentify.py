"""De-identification on arrival: DICOM by the Basic Profile, NIfTI and MetaImage by their fields.

Source   DICOM PS3.15 table E.1-1 (2026c), the table of the package dicom-anonymizer.
Differs  UIDs and the patient's id become keyed pseudonyms instead of random ones, so that the same
         study is recognised, patients stay together, and nobody without the key can go back.
         Optional profiles are not applied: dates, ages and sizes of persons go.
"""

import gzip
import hashlib
import hmac
import re
import shutil
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, Literal, cast

import pydicom
from dicomanonymizer import simpledicomanonymizer as table
from pydicom.dataset import Dataset
from pydicom.uid import UID

from ctsieve.jobs.durable import is_full
from ctsieve.readers import PARSE_ERRORS
from ctsieve.types.errors import InputRejected, OutOfResources, UnreadableStudy

METHOD: Final = "DICOM PS3.15 2026c Basic Profile, keyed UIDs; research use only"
PROFILE: Final = ("113100", "DCM", "Basic Application Confidentiality Profile")
_EDITION: Final = "dicomfields_2026c"
_SECONDARY: Final = "1.2.840.10008.5.1.4.1.1.7"
_GZIP: Final = b"\x1f\x8b"
_NIFTI_TEXT: Final = ((4, 28), (148, 228), (228, 252), (328, 344), (348, 352))
"""Of a NIfTI-1 header: data_type and db_name, descrip, aux_file, intent_name, "extended"."""
_NIFTI_HEADER: Final = 352
_MAX_EXTENSIONS: Final = 1 << 26
_CHUNK: Final = 1 << 20
MAX_STUDY_BYTES: Final = 16 << 30
"""As the readers have it."""
_META_HEADER: Final = 64 << 10
_META_LINE: Final = 4096
_META_LAST: Final = b"ElementDataFile"
_META_FIELDS: Final = frozenset(
    b"NDims DimSize ElementType ElementSpacing ElementNumberOfChannels Offset Position Origin"
    b" TransformMatrix Rotation Orientation CenterOfRotation AnatomicalOrientation BinaryData"
    b" BinaryDataByteOrderMSB ElementByteOrderMSB CompressedData CompressedDataSize"
    b" HeaderSize".split()
)
_META_VALUE: Final = re.compile(rb"(?i)MET_[A-Z_]+|true|false|[RLAPISF?]{3}|[-+\d.e ]+")
"""Numbers and words of the format: no free text."""
Action = Callable[[Dataset, tuple[int, int]], None]


class BurnedIn(InputRejected):
    """The pixels may show who the patient is: no table of attributes removes that."""


class Pseudonyms:
    """Names that replace names: the same for the same, under one key."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    def of(self, text: str) -> str:
        """Sixteen letters for a text."""
        return self._mac(text)[:16].upper()

    def uid(self, uid: str) -> UID:
        """A UID for a UID, of the form PS3.5 B.2 gives to random numbers."""
        if uid.startswith("1.2.840.10008."):  # the standard's own say what, never who
            return UID(uid)
        return UID(f"2.25.{int(self._mac(uid)[:32], 16)}")

    def _mac(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()


def deidentify_dicom(source: Path, target: Path, pseudonyms: Pseudonyms) -> None:
    """Write the DICOM file `source` to `target` without what could name a person.

    Raises:
        BurnedIn: the header says, or its kind suggests, that text is in the pixels.
        UnreadableStudy: the file is damaged.
        OutOfResources: the disk is full.
    """
    with unless_damaged(PARSE_ERRORS, "a DICOM file is damaged and cannot be de-identified"):
        dataset = pydicom.dcmread(source, force=True)
        _check_pixels(dataset)
        _clean(dataset, pseudonyms)
        dataset.preamble = bytes(128)  # a polyglot's first half: CVE-2019-11687
        dataset.save_as(target, enforce_file_format=True)


@contextmanager
def unless_damaged(kinds: tuple[type[Exception], ...], sentence: str) -> Iterator[None]:
    """Errors of these `kinds` refuse the file by `sentence`, but for a full disk: no file's fault.

    Raises:
        UnreadableStudy: one of them was raised.
        OutOfResources: the disk is full.
    """
    try:
        yield
    except kinds as error:
        if is_full(error):
            raise OutOfResources(
                "the disk of the service is full", hint="ask an admin to make room"
            ) from error
        raise UnreadableStudy(sentence, hint="export it again") from error


def is_deidentified(file: Path) -> bool:
    """Whether this program has de-identified a DICOM file.

    Raises:
        UnreadableStudy: the file is damaged.
    """
    return str(_header(file).get("DeidentificationMethod", "")) == METHOD


def patient_of(file: Path, pseudonyms: Pseudonyms) -> str:
    """Pseudonym of a DICOM file's patient; empty where the file names none.

    Raises:
        UnreadableStudy: the file is damaged.
    """
    header = _header(file)
    if str(header.get("DeidentificationMethod", "")) == METHOD:
        return str(header.get("PatientID", ""))
    patient = _person(header)
    return pseudonyms.of(patient) if patient else ""


def _header(file: Path) -> Dataset:
    wanted = ["PatientID", "PatientName", "IssuerOfPatientID", "DeidentificationMethod"]
    try:
        return pydicom.dcmread(file, specific_tags=wanted, stop_before_pixels=True, force=True)
    except PARSE_ERRORS as error:
        raise UnreadableStudy("a DICOM file is damaged", hint="export it again") from error


def _person(dataset: Dataset) -> str:
    """What keeps the images of one person together."""
    patient = f"{dataset.get('IssuerOfPatientID', '')}\n{dataset.get('PatientID', '')}"
    return str(dataset.get("PatientName", "")) if patient == "\n" else patient


def _check_pixels(dataset: Dataset) -> None:
    burned = str(dataset.get("BurnedInAnnotation", "NO")).upper()
    if burned == "YES" or str(dataset.get("SOPClassUID", "")).startswith(_SECONDARY):
        raise BurnedIn(
            "text may be burned into the pixels, so the study is in quarantine",
            hint="send the original images, not screen captures",
        )


def _clean(dataset: Dataset, pseudonyms: Pseudonyms) -> None:
    patient = _person(dataset)
    actions = _actions(pseudonyms)
    _clean_level(dataset, actions)
    name = pseudonyms.of(patient) if patient else ""
    dataset.PatientID = dataset.PatientName = name
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = METHOD
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = PROFILE
    dataset.DeidentificationMethodCodeSequence = [code]
    meta = dataset.file_meta
    for word in ("SourceApplicationEntityTitle", "PrivateInformation"):
        if word in meta:
            delattr(meta, word)
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID


def _clean_level(dataset: Dataset, actions: dict[tuple[int, ...], Action]) -> None:
    """Apply the table here, then in every sequence that is left."""
    table.anonymize_dataset(dataset, base_rules_gen=lambda: actions)
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                _clean_level(item, actions)


def _actions(pseudonyms: Pseudonyms) -> dict[tuple[int, ...], Action]:
    def replace_uid(dataset: Dataset, tag: tuple[int, int]) -> None:
        if tag in dataset and dataset[tag].value:
            element = dataset[tag]
            many = element.VM > 1
            values = [pseudonyms.uid(str(v)) for v in (element.value if many else [element.value])]
            element.value = values if many else values[0]

    actions = table.initialize_actions(_EDITION)
    by_uid = (table.replace_UID, table.delete_or_empty_or_replace_UID)
    return {tag: replace_uid if act in by_uid else act for tag, act in actions.items()}


def deidentify_nifti(source: Path, target: Path) -> None:
    """Write a NIfTI-1 file without its free texts and extensions; voxels stay as they are.

    Raises:
        UnreadableStudy: the file is damaged, or inflates beyond all measure.
        OutOfResources: the disk is full.
    """
    with source.open("rb") as file:
        is_packed = file.read(2) == _GZIP
    with (
        unless_damaged((OSError, EOFError, zlib.error), "the NIfTI file is damaged"),
        _opened(source, "rb", is_packed) as old,
        _opened(target, "wb", is_packed) as new,
    ):
        head = bytearray(old.read(_NIFTI_HEADER))
        start = _voxels_start(head)
        for first, last in _NIFTI_TEXT:
            head[first:last] = bytes(last - first)
        new.write(bytes(head))
        extensions = old.read(max(0, start - _NIFTI_HEADER))
        new.write(bytes(len(extensions)))
        left = MAX_STUDY_BYTES
        while chunk := old.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise UnreadableStudy("the NIfTI file inflates to far more than a CT study")
            new.write(chunk)


def deidentify_metaimage(source: Path, target: Path) -> None:
    """Write a MetaImage with what says how its voxels lie, and nothing else of its header.

    Raises:
        UnreadableStudy: the header has no end.
        OutOfResources: the disk is full.
    """
    with (
        unless_damaged((OSError,), "the MetaImage cannot be read"),
        source.open("rb") as old,
        target.open("wb") as new,
    ):
        new.write(b"ObjectType = Image\n")
        name = b""
        while name != _META_LAST:
            line = old.readline(_META_LINE)
            if not line or old.tell() > _META_HEADER:
                raise UnreadableStudy("a MetaImage header has no end", hint="send it again")
            name, _, value = (part.strip() for part in line.partition(b"="))
            if name in _META_FIELDS and _META_VALUE.fullmatch(value):
                new.write(line)
        # Another file's name may be a person's: its voxels are not here, so it is read by nobody.
        new.write(line if value == b"LOCAL" else b"ElementDataFile = elsewhere\n")
        shutil.copyfileobj(old, new, _CHUNK)


def _opened(path: Path, mode: Literal["rb", "wb"], is_packed: bool) -> BinaryIO:
    if not is_packed:
        return path.open(mode)
    # No name and no time: the same voxels give the same bytes.
    return cast("BinaryIO", gzip.GzipFile(str(path), mode, compresslevel=1, mtime=0))


def _voxels_start(head: bytearray) -> int:
    order = "<" if head[:4] == (348).to_bytes(4, "little") else ">"
    if len(head) < _NIFTI_HEADER or head[344:347] != b"n+1":
        return _NIFTI_HEADER
    start = struct.unpack_from(f"{order}f", head, 108)[0]
    return int(start) if _NIFTI_HEADER <= start <= _MAX_EXTENSIONS else _NIFTI_HEADER
