"""Bad input: one sentence, a hint, the right exit code, and nothing left in the output folder."""

import gzip
import shutil
import struct
import zlib
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
from pydicom.uid import ExplicitVRLittleEndian
from tests.journeys.conftest import Command
from tests.tiny_bundle import make_tiny_bundle

from ctsieve.phantoms.chest import make_phantom
from ctsieve.phantoms.dicom import save_dicom
from ctsieve.phantoms.presets import preset


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_bundle(tmp_path_factory.mktemp("bundle")).folder


@pytest.fixture(scope="module")
def chest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small phantom study, to be spoilt."""
    folder = tmp_path_factory.mktemp("chest")
    volume = make_phantom(preset("normal", seed=3, num_slices=12, matrix=64)).volume
    save_dicom(volume, folder / "study", habit="plain")
    return folder / "study"


def empty_folder(root: Path, chest: Path) -> Path:
    (root / "empty").mkdir()
    return root / "empty"


def text_file(root: Path, chest: Path) -> Path:
    (root / "notes.txt").write_text("not a scan")
    return root / "notes.txt"


def missing(root: Path, chest: Path) -> Path:
    return root / "nowhere"


def truncated_dicom(root: Path, chest: Path) -> Path:
    source = min(p for p in chest.rglob("*") if p.is_file())
    content = source.read_bytes()
    (root / "cut.dcm").write_bytes(content[: len(content) // 2])
    return root / "cut.dcm"


def two_patients(root: Path, chest: Path) -> Path:
    shutil.copytree(chest, root / "mixed" / "a")
    shutil.copytree(chest, root / "mixed" / "b")
    for path in (root / "mixed" / "b").rglob("*"):
        if path.is_file():
            header = pydicom.dcmread(path)
            header.PatientID = "SOMEBODY-ELSE"
            header.StudyInstanceUID += ".1"
            header.SeriesInstanceUID += ".1"
            header.SOPInstanceUID += ".1"
            header.save_as(path)
    return root / "mixed"


def head_ct(root: Path, chest: Path) -> Path:
    """One slice of a head-like ball: no lungs."""
    source = min(p for p in chest.rglob("*") if p.is_file())
    header = pydicom.dcmread(source)
    rows, columns = np.mgrid[:64, :64]
    ball = np.where((rows - 32) ** 2 + (columns - 32) ** 2 < 20**2, 40, -1000)
    stored = (ball - int(header.RescaleIntercept)) / float(header.RescaleSlope)
    header.PixelData = stored.astype(np.int16).tobytes()
    header.save_as(root / "head.dcm")
    return root / "head.dcm"


def one_slice(root: Path, chest: Path) -> Path:
    """One slice of a chest: no scan."""
    sources = sorted(p for p in chest.rglob("*") if p.is_file())
    shutil.copy(sources[len(sources) // 2], root / "one.dcm")
    return root / "one.dcm"


def pet_only(root: Path, chest: Path) -> Path:
    shutil.copytree(chest, root / "pet")
    for path in (root / "pet").rglob("*"):
        if path.is_file():
            header = pydicom.dcmread(path)
            header.Modality = "PT"
            header.SOPClassUID = pydicom.uid.PositronEmissionTomographyImageStorage
            header.file_meta.MediaStorageSOPClassUID = header.SOPClassUID
            header.save_as(path)
    return root / "pet"


def declared_three_gigabytes(root: Path, chest: Path) -> Path:
    source = min(p for p in chest.rglob("*") if p.is_file())
    header = pydicom.dcmread(source, stop_before_pixels=True)
    header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header.save_as(root / "huge.dcm")
    element = struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OW", 0, 3 * 1024**3)
    with (root / "huge.dcm").open("ab") as file:
        file.write(element + bytes(100))
    return root / "huge.dcm"


def deflated_bomb(root: Path, chest: Path) -> Path:
    source = min(p for p in chest.rglob("*") if p.is_file())
    header = pydicom.dcmread(source, stop_before_pixels=True)
    header.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    header.save_as(root / "bomb.dcm")
    head = (root / "bomb.dcm").read_bytes()
    length = struct.unpack("<I", head[140:144])[0]
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = packer.compress(struct.pack("<HH2sHI", 0x0009, 0x0010, b"OB", 0, 2**31))
    for _ in range(400):
        body += packer.compress(bytes(1 << 20))
    body += packer.flush()
    (root / "bomb.dcm").write_bytes(head[: 144 + length] + body)
    return root / "bomb.dcm"


def nan_nifti(root: Path, chest: Path) -> Path:
    values = np.full((16, 16, 16), np.nan, np.float32)
    image = nibabel.Nifti1Image(values, np.eye(4))  # type: ignore[no-untyped-call]
    nibabel.save(image, root / "nan.nii.gz")
    return root / "nan.nii.gz"


def not_a_nifti(root: Path, chest: Path) -> Path:
    (root / "text.nii.gz").write_bytes(gzip.compress(b"hello" * 100))
    return root / "text.nii.gz"


def empty_png(root: Path, chest: Path) -> Path:
    (root / "empty.png").write_bytes(b"")
    return root / "empty.png"


BAD = (
    empty_folder,
    text_file,
    missing,
    truncated_dicom,
    two_patients,
    head_ct,
    one_slice,
    pet_only,
    declared_three_gigabytes,
    deflated_bomb,
    nan_nifti,
    not_a_nifti,
    empty_png,
)


@pytest.mark.parametrize("make", BAD, ids=lambda make: make.__name__)
def test_bad_input_is_refused_in_a_sentence(
    make: object, tmp_path: Path, chest: Path, bundle: Path, ctsieve: Command
) -> None:
    assert callable(make)
    bad = make(tmp_path, chest)
    before = sorted(tmp_path.rglob("*"))
    done = ctsieve("screen", bad, "--out", tmp_path / "out", "--bundle", bundle)
    assert done.code == 3, done.err
    assert "Traceback" not in done.err
    error, hint = done.err.strip().splitlines()[-2:]
    assert error.startswith("error: ")
    assert hint.startswith("hint: ")
    if make in (head_ct, one_slice):
        # They can be read, so the refusal comes with a whole report that says why.
        assert error.startswith("error: rejected by the gate")
        made = {p.name for p in (tmp_path / "out").iterdir()}
        assert made == {"screening.json", "report.html"}
        return
    assert sorted(tmp_path.rglob("*")) == before, "something was left behind"


def test_a_changed_byte_in_a_bundle_is_exit_code_4(
    tmp_path: Path, chest: Path, bundle: Path, ctsieve: Command
) -> None:
    spoilt = shutil.copytree(bundle, tmp_path / "spoilt")
    weights = spoilt / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\xff")
    done = ctsieve("screen", chest, "--out", tmp_path / "out", "--bundle", spoilt)
    assert done.code == 4
    assert "weights.safetensors" in done.err
    assert not (tmp_path / "out").exists()


def test_an_unwritable_folder_is_exit_code_6(
    tmp_path: Path, chest: Path, bundle: Path, ctsieve: Command
) -> None:
    (tmp_path / "file").write_text("a file stands where the folder should be")
    done = ctsieve("screen", chest, "--out", tmp_path / "file" / "out", "--bundle", bundle)
    assert done.code == 6
    assert "cannot write" in done.err


def test_a_file_in_place_of_the_folder_is_a_usage_error(
    tmp_path: Path, chest: Path, ctsieve: Command
) -> None:
    (tmp_path / "file").write_text("kept")
    done = ctsieve("screen", chest, "--out", tmp_path / "file")
    assert done.code == 2
    assert "is a file" in done.err
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.parametrize("command", ["phantom", "pack"])
def test_a_place_that_cannot_be_written_is_said_without_a_traceback(
    command: str, tmp_path: Path, bundle: Path, ctsieve: Command
) -> None:
    (tmp_path / "file").write_text("kept")
    target = tmp_path / "file" / "new"
    small = ("phantom", target, "--kind", "normal", "--slices", 12, "--matrix", 48)
    done = ctsieve(*(small if command == "phantom" else ("bundle", "pack", bundle, target)))
    assert done.code == 6
    assert str(tmp_path / "file") in done.err
    assert "hint: check the path" in done.err
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_misspelt_format_is_said_before_anything_is_read(
    tmp_path: Path, ctsieve: Command
) -> None:
    done = ctsieve("screen", tmp_path / "nowhere", "--out", tmp_path / "out", "--format", "htlm")
    assert done.code == 2
    assert "did you mean 'html'?" in done.err


def test_the_gate_says_what_to_do_about_what_it_cannot_read(
    tmp_path: Path, ctsieve: Command
) -> None:
    (tmp_path / "zero.png").write_bytes(b"")
    done = ctsieve("gate", tmp_path / "zero.png")
    assert done.code == 3
    assert "the file is empty" in done.out
    assert "hint: send it again" in done.out


def test_neither_out_nor_json_is_a_usage_error(chest: Path, ctsieve: Command) -> None:
    done = ctsieve("screen", chest)
    assert done.code == 2
    assert "--out" in done.err
