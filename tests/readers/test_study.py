"""`read_study`: dispatch by content, threads change nothing, nobody is named."""

import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from tests.readers.make import MARK, marked, save, series, upright

from ctsieve.readers import READERS, read_study
from ctsieve.types.errors import CtsieveError
from ctsieve.types.volume import CTPicture, CTVolume

SECRETS = {
    "PatientName": "Zyxquill^Ottoline",
    "PatientID": "PID-93-ZZTOP",
    "PatientBirthDate": "19610229",
    "PatientAddress": "Quibblefield 12",
    "OtherPatientNames": "Wobblethorpe",
    "ReferringPhysicianName": "Drfingle^Hans",
    "InstitutionName": "Klinik Plonk",
    "AccessionNumber": "ACC-777-X",
    "StudyDescription": "Thorax Zyxquill",
    "SeriesDescription": "Ottoline 1 mm",
    "PatientComments": "lives beside the mill",
    "ImageComments": "Zyxquill again",
}
PLANTED = ("zyxquill", "ottoline", "pid-93", "19610229", "quibble", "wobble", "drfingle", "plonk")


def test_every_reader_has_a_card() -> None:
    assert READERS.names() == ("archive", "dicom", "metaimage", "nifti", "picture")
    assert all(card.title for card in READERS.values())


def test_threads_change_nothing(data: Path) -> None:
    folder = data / "covid_ct_md" / "normal001"
    one, many = read_study(folder, workers=1), read_study(folder, workers=4)
    assert isinstance(one, CTVolume)
    assert isinstance(many, CTVolume)
    np.testing.assert_array_equal(one.hu, many.hu)
    assert one.provenance == many.provenance
    assert one.geometry.matches(many.geometry)


def test_file_names_and_order_change_nothing(tmp_path: Path) -> None:
    datasets = series(marked(), upright())
    first = read_study(save(datasets, tmp_path / "a"))
    second = read_study(save(datasets[::-1], tmp_path / "b" / "deep" / "er", stem="IM"))
    assert isinstance(first, CTVolume)
    assert isinstance(second, CTVolume)
    np.testing.assert_array_equal(first.hu, second.hu)
    assert first.provenance.digest == second.provenance.digest
    assert (
        first.provenance.digest != read_study(save(datasets[1:], tmp_path / "c")).provenance.digest
    )


def test_the_digest_and_sources_lead_back_to_the_bytes(data: Path) -> None:
    folder = data / "covid_ct_md" / "cap001"
    volume = read_study(folder)
    assert len(volume.provenance.slices) == volume.geometry.shape[0] == 56
    for source in volume.provenance.slices:
        assert source is not None
        assert (folder / source.file).is_file()
        assert len(source.sha256) == 64


def test_nobody_is_named(tmp_path: Path) -> None:
    folder = save(series(marked(), upright(), **SECRETS), tmp_path / "scan")
    volume = read_study(folder)
    everything = f"{volume!r} {asdict(volume.provenance)!r} {volume.geometry!r}".lower()
    assert [word for word in PLANTED if word in everything] == []


@pytest.mark.parametrize("harm", ["mixed", "truncated", "moved", "missing"])
def test_nobody_is_named_by_an_error(harm: str, tmp_path: Path) -> None:
    datasets = series(marked((40, 4, 5), (9, 1, 1)), upright(), **SECRETS)
    if harm == "mixed":
        datasets[3].PatientID = "PID-93-OTHER"
    if harm == "moved":
        datasets[3].ImagePositionPatient = ["90", "90", "90"]
    if harm == "missing":
        del datasets[5:20]
    folder = save(datasets, tmp_path / "scan")
    if harm == "truncated":
        victim = next(folder.iterdir())
        victim.write_bytes(victim.read_bytes()[:-9])
    with pytest.raises(CtsieveError) as caught:
        read_study(folder)
    said = f"{caught.value!r} {caught.value.hint} {caught.value.__cause__!r}".lower()
    assert [word for word in PLANTED if word in said] == []


def test_dicom_wins_over_pictures_beside_it(data: Path, tmp_path: Path) -> None:
    save(series(marked(), upright()), tmp_path)
    picture = next((data / "luna16_slices").iterdir())
    shutil.copy(picture, tmp_path / "000.png")
    volume = read_study(str(tmp_path))
    assert isinstance(volume, CTVolume)
    assert "1 file left out: not DICOM" in volume.provenance.steps


def test_a_name_is_no_evidence(data: Path, tmp_path: Path) -> None:
    scan = save(series(marked()[:1], upright()), tmp_path / "scan")
    renamed = tmp_path / "100%20 sure.png"
    shutil.copy(next(scan.iterdir()), renamed)
    assert isinstance(read_study(renamed), CTVolume)
    disguised = tmp_path / "scan.dcm"
    shutil.copy(next((data / "luna16_slices").iterdir()), disguised)
    assert isinstance(read_study(disguised), CTPicture)


@pytest.mark.parametrize("first", [b"\x08\x00\x08\x00CS", b"\x02\x00\x00\x00UL"])
def test_a_file_without_preamble_is_read(first: bytes, tmp_path: Path) -> None:
    folder = save(series(marked(), upright()), tmp_path)
    for path in folder.iterdir():
        data = path.read_bytes()
        path.write_bytes(data[data.index(first) :])
    volume = read_study(folder)
    assert isinstance(volume, CTVolume)
    assert int(volume.hu.max()) == MARK


def test_links_to_files_are_followed_and_links_to_folders_are_not(tmp_path: Path) -> None:
    store = save(series(marked(), upright()), tmp_path / "store")
    linked = tmp_path / "linked"
    linked.mkdir()
    for path in store.iterdir():
        (linked / path.name).symlink_to(path)
    (linked / "circle").symlink_to(tmp_path)
    assert read_study(linked).geometry.shape == (9, 12, 14)


@pytest.mark.parametrize("spelling", [b"ISO IR 100", b"nonsense!!", b"\\\\\\\\\\\\\\\\\\\\"])
def test_a_misspelt_character_set_is_no_matter(spelling: bytes, tmp_path: Path) -> None:
    folder = save(series(marked(), upright(), SpecificCharacterSet="ISO_IR 100"), tmp_path)
    for path in folder.iterdir():
        path.write_bytes(path.read_bytes().replace(b"ISO_IR 100", spelling))
    assert read_study(folder).geometry.shape == (9, 12, 14)
