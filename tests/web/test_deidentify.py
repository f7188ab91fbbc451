"""De-identification: what names a person goes, what is one study stays one."""

import gzip
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from tests.screened import phantom
from tests.web.serving import admin_of, serving

from ctsieve.phantoms.dicom import save_dicom
from ctsieve.readers import read_study
from ctsieve.types.errors import OutOfResources, UnreadableStudy
from ctsieve.types.volume import CTVolume
from ctsieve.web.deidentify import (
    BurnedIn,
    Pseudonyms,
    deidentify_dicom,
    deidentify_metaimage,
    deidentify_nifti,
)

PLANTED = "XyzzyPlanted"


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "study"
    save_dicom(phantom().volume, folder)
    for path in folder.iterdir():
        dataset = pydicom.dcmread(path)
        for word in ("PatientName", "PatientID", "ReferringPhysicianName", "InstitutionName"):
            setattr(dataset, word, PLANTED)
        dataset.StudyDescription = dataset.PatientComments = PLANTED
        inner = Dataset()
        inner.PatientID = inner.OperatorsName = PLANTED
        dataset.RequestAttributesSequence = [inner]
        dataset.ProcedureCodeSequence = [inner]
        block = dataset.private_block(0x0011, PLANTED, create=True)
        block.add_new(0x01, "LO", PLANTED)
        dataset.save_as(path)
    return sorted(folder.iterdir())


def cleaned(files: list[Path], folder: Path, key: str = "k") -> list[Path]:
    folder.mkdir()
    for file in files:
        deidentify_dicom(file, folder / file.name, Pseudonyms(key))
    return sorted(folder.iterdir())


def test_planted_names_are_nowhere_and_the_voxels_are_the_same(
    files: list[Path], tmp_path: Path
) -> None:
    clean = cleaned(files, tmp_path / "clean")
    assert all(PLANTED.encode() in path.read_bytes() for path in files)
    assert not any(PLANTED.encode() in path.read_bytes() for path in clean)
    before, after = read_study(files[0].parent), read_study(clean[0].parent)
    assert isinstance(before, CTVolume)
    assert isinstance(after, CTVolume)
    assert np.array_equal(before.hu, after.hu)
    assert np.allclose(before.geometry.affine, after.geometry.affine)


def test_uids_change_and_depend_on_the_key_alone(files: list[Path], tmp_path: Path) -> None:
    again = cleaned(files, tmp_path / "b")
    for one, other in zip(cleaned(files, tmp_path / "a"), again, strict=True):
        assert one.read_bytes() == other.read_bytes()
    other_key = cleaned(files, tmp_path / "c", key="other")
    uids = {pydicom.dcmread(p[0]).StudyInstanceUID for p in (files, again, other_key)}
    assert len(uids) == 3


def test_burned_in_text_is_not_passed(files: list[Path], tmp_path: Path) -> None:
    dataset = pydicom.dcmread(files[0])
    dataset.BurnedInAnnotation = "YES"
    dataset.save_as(files[0])
    with pytest.raises(BurnedIn, match="quarantine"):
        deidentify_dicom(files[0], tmp_path / "out", Pseudonyms("k"))


def test_texts_of_a_nifti_header_go(tmp_path: Path) -> None:
    head = bytearray(352)
    head[:4], head[344:348] = (348).to_bytes(4, "little"), b"n+1\0"
    head[148 : 148 + len(PLANTED)] = PLANTED.encode()
    voxels = bytes(range(200))
    source, target = tmp_path / "a.nii.gz", tmp_path / "b.nii.gz"
    source.write_bytes(gzip.compress(bytes(head) + voxels))
    deidentify_nifti(source, target)
    found = gzip.decompress(target.read_bytes())
    assert PLANTED.encode() not in found
    assert found.endswith(voxels)


FULL = Path("/dev/full")
"""A file on a disk that has no room: every write fails as it does there."""


def test_a_full_disk_is_not_called_a_damaged_file(files: list[Path], tmp_path: Path) -> None:
    with pytest.raises(OutOfResources, match="the disk of the service is full"):
        deidentify_dicom(files[0], FULL, Pseudonyms("k"))
    volume = tmp_path / "volume.nii"
    volume.write_bytes(np.random.default_rng(0).bytes(1 << 21))
    with pytest.raises(OutOfResources, match="the disk of the service is full"):
        deidentify_nifti(volume, FULL)
    volume.write_bytes(gzip.compress(volume.read_bytes())[:-9])
    with pytest.raises(UnreadableStudy, match="damaged"):
        deidentify_nifti(volume, tmp_path / "clean.nii")


def test_of_a_metaimage_header_only_the_places_of_the_voxels_stay(tmp_path: Path) -> None:
    voxels = np.arange(4 * 5 * 6, dtype="<i2").tobytes()
    planted = f"Comment = {PLANTED}\nObjectType = {PLANTED}\nPatientName = {PLANTED}\n"
    places = "NDims = 3\nDimSize = 6 5 4\nElementType = MET_SHORT\nElementSpacing = 0.7 0.8 2.5\n"
    more = f"Offset = -31 17 250\nCenterOfRotation = {PLANTED}\nElementDataFile = LOCAL\n"
    source, target = tmp_path / "a.mha", tmp_path / "b.mha"
    source.write_bytes(f"{planted}{places}{more}".encode() + voxels)
    deidentify_metaimage(source, target)
    assert PLANTED.encode() not in target.read_bytes()
    before, after = read_study(source), read_study(target)
    assert isinstance(before, CTVolume)
    assert isinstance(after, CTVolume)
    assert np.array_equal(before.hu, after.hu)
    assert np.allclose(before.geometry.affine, after.geometry.affine)
    source.write_bytes(f"{planted}{places}ElementDataFile = {PLANTED}.raw\n".encode())
    deidentify_metaimage(source, target)
    assert PLANTED.encode() not in target.read_bytes()
    for endless in (planted.encode(), planted.encode() + b"x" * (1 << 20)):
        source.write_bytes(endless)
        with pytest.raises(UnreadableStudy, match="no end"):
            deidentify_metaimage(source, target)


def test_a_study_in_quarantine_lies_nowhere_else_however_often_it_is_sent(
    files: list[Path], tmp_path: Path
) -> None:
    first = pydicom.dcmread(files[0])
    first.BurnedInAnnotation = "YES"
    first.save_as(files[0])
    sent = {file.name: file.read_bytes() for file in files}
    with serving(tmp_path / "service") as service:
        admin = admin_of(service)
        (study,) = admin.upload(sent)
        assert admin.upload(sent) == [study]
        home = service.settings.home
        named = [p for p in home.rglob("*") if p.is_file() and PLANTED.encode() in p.read_bytes()]
        assert named
        assert {path.relative_to(home).parts[0] for path in named} == {"quarantine"}
