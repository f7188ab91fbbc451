"""What arrives becomes studies; what of it is damaged is not passed over in silence."""

from pathlib import Path

import pytest
from tests.web.serving import dicom_study

from ctsieve.readers import read_study
from ctsieve.types.errors import UnreadableStudy
from ctsieve.types.volume import CTVolume
from ctsieve.web import arrival
from ctsieve.web.arrival import Arrived, sort_arrived
from ctsieve.web.deidentify import Pseudonyms, deidentify_dicom


def _sent(folder: Path) -> dict[str, Path]:
    folder.mkdir()
    for name, content in dicom_study(folder / "source").items():
        (folder / name).write_bytes(content)
    return {path.name: path for path in sorted(folder.iterdir()) if path.is_file()}


def _num_damaged(arrived: Arrived, folder: Path) -> int:
    """How many damaged files the reader, and so the gate, counts in a study."""
    folder.mkdir()
    for name, file in arrived.files.items():
        (folder / name).write_bytes(file.read_bytes())
    image = read_study(folder)
    assert isinstance(image, CTVolume)
    return image.provenance.num_damaged


@pytest.mark.parametrize("key", ["k", None])
def test_damaged_files_among_good_ones_are_counted_by_the_gate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str | None
) -> None:
    sent = _sent(tmp_path / "sent")
    first, second, *_ = sent.values()
    first.write_bytes(first.read_bytes()[:200])
    number = 1

    def fails_for_second(source: Path, target: Path, pseudonyms: Pseudonyms) -> None:
        if source == second:
            raise UnreadableStudy("a DICOM file is damaged and cannot be de-identified")
        deidentify_dicom(source, target, pseudonyms)

    if key is not None:
        monkeypatch.setattr(arrival, "deidentify_dicom", fails_for_second)
        number = 2
    pseudonyms = Pseudonyms(key) if key else None
    (study,) = sort_arrived(sent, tmp_path / "work", wanted="study", pseudonyms=pseudonyms)
    assert len(study.files) == len(sent)
    assert _num_damaged(study, tmp_path / "frozen") == number
    if key is not None:
        # Nothing of a damaged file is kept: nobody could say what it names.
        assert second.read_bytes() not in [file.read_bytes() for file in study.files.values()]


def test_only_damaged_files_are_refused(tmp_path: Path) -> None:
    sent = _sent(tmp_path / "sent")
    for file in sent.values():
        file.write_bytes(file.read_bytes()[:200])
    with pytest.raises(UnreadableStudy):
        sort_arrived(sent, tmp_path / "work", wanted="study", pseudonyms=Pseudonyms("k"))
