"""Who the patient is: read in every character set, kept out of sight."""

from pathlib import Path

import pydicom
import pytest
from pydicom.charset import python_encoding as encodings
from pydicom.valuerep import PersonName
from tests.laws.test_every_door import ball

from ctsieve.phantoms.dicom import save_dicom
from ctsieve.readers import read_study
from ctsieve.types.study import StudyHeader
from ctsieve.types.volume import CTVolume

NAMES = {
    "ISO_IR 192": "Грибов^Олег",
    "ISO_IR 100": "Muñoz^Ángel",
    "ISO_IR 144": "Грибов^Олег",
    "GB18030": "王^小东",
    "\\ISO 2022 IR 87": "Yamada^Tarou=山田^太郎",
    "\\ISO 2022 IR 149": "Hong^Gildong=洪^吉洞",
}


def header_of(folder: Path, character_set: str, name: bytes) -> StudyHeader:
    """What is read of a study whose files hold `name` as it stands and name that set."""
    planted = b"PHANTOM^DONOTLEAK "
    for path in save_dicom(ball(), folder):
        ds = pydicom.dcmread(path)
        ds.SpecificCharacterSet = "ISO_IR 100"
        ds.save_as(path)
        data = path.read_bytes()
        named = character_set.encode().ljust(len(character_set) + len(character_set) % 2)
        data = replaced(data, b"\x08\x00\x05\x00CS", b"ISO_IR 100", named)
        path.write_bytes(
            replaced(data, b"\x10\x00\x10\x00PN", planted, name + b" " * (len(name) % 2))
        )
    volume = read_study(folder)
    assert isinstance(volume, CTVolume)
    assert volume.study is not None
    return volume.study


def replaced(data: bytes, start: bytes, old: bytes, new: bytes) -> bytes:
    """An explicit little-endian element with another value."""
    head = start + len(old).to_bytes(2, "little")
    assert head + old in data
    return data.replace(head + old, start + len(new).to_bytes(2, "little") + new)


@pytest.mark.parametrize("character_set", NAMES)
def test_names_are_read_in_their_character_set(character_set: str, tmp_path: Path) -> None:
    name = NAMES[character_set]
    terms = [encodings[term] for term in character_set.split("\\")]
    study = header_of(tmp_path, character_set, PersonName(name).encode(terms))
    assert study.attributes["PatientName"] == name


@pytest.mark.parametrize("character_set", ["ISO-IR 100", "UTF8", "nonsense", ""])
def test_a_misspelt_character_set_fails_nothing(character_set: str, tmp_path: Path) -> None:
    study = header_of(tmp_path, character_set, b"Mu\xf1oz^\x1b$B\xff")
    assert study.attributes["PatientName"].startswith("Muñoz^")


def test_the_header_shows_nothing_of_itself(tmp_path: Path) -> None:
    study = header_of(tmp_path, "ISO_IR 192", "Грибов^Олег".encode())
    assert repr(study) == "StudyHeader()"
    assert "Institution" not in " ".join(study.attributes)
    assert set(study.attributes) <= {
        "StudyDate",
        "StudyTime",
        "AccessionNumber",
        "ReferringPhysicianName",
        "StudyDescription",
        "PatientName",
        "PatientID",
        "PatientBirthDate",
        "PatientSex",
        "PatientIdentityRemoved",
        "StudyID",
    }


def test_only_dicom_has_a_study() -> None:
    assert ball().study is None
