"""Hop 3 writes all files or none."""

from pathlib import Path

import pytest
from tests.screened import screen_phantom, screen_picture

from ctsieve.pipeline import write as module
from ctsieve.pipeline.names import FORMATS
from ctsieve.pipeline.write import check_formats, write
from ctsieve.types.cards import FormatCard
from ctsieve.types.errors import OutOfResources, UnknownName, UsageError
from ctsieve.types.results import Screening


@pytest.fixture(scope="module")
def screening(tmp_path_factory: pytest.TempPathFactory) -> Screening:
    return screen_phantom(tmp_path_factory.mktemp("bundle"))


def test_the_default_formats_are_json_and_html(screening: Screening, tmp_path: Path) -> None:
    made = write(screening, tmp_path / "out")
    assert [p.name for p in made] == ["screening.json", "report.html"]
    assert sorted((tmp_path / "out").iterdir()) == sorted(made)


def test_one_format_may_be_named_without_a_list(screening: Screening, tmp_path: Path) -> None:
    assert [p.name for p in write(screening, tmp_path, "json")] == ["screening.json"]


def test_whether_an_image_can_be_written_so_is_known_before_it_is_judged(
    screening: Screening, tmp_path: Path
) -> None:
    check_formats(screening.image, sorted(FORMATS))
    with pytest.raises(UsageError, match="'nifti' needs Hounsfield units"):
        check_formats(screen_picture(tmp_path).image, ["json", "nifti"])


def test_a_format_that_fails_leaves_the_folder_as_it_was(
    screening: Screening, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: Screening, folder: Path) -> list[Path]:
        (folder / "half").write_text("half a file")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(
        module,
        "FORMATS",
        {"json": FORMATS["json"], "bad": FormatCard(title="", write=fails)},
    )
    kept = tmp_path / "out" / "kept.txt"
    kept.parent.mkdir()
    kept.write_text("mine")
    with pytest.raises(OutOfResources, match="No space left"):
        write(screening, kept.parent, ["json", "bad"])
    assert list(kept.parent.iterdir()) == [kept]
    with pytest.raises(OutOfResources):
        write(screening, tmp_path / "new", ["bad"])
    assert not (tmp_path / "new").exists()


def test_an_unknown_format_writes_nothing(screening: Screening, tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="'htmll'"):
        write(screening, tmp_path / "out", ["json", "htmll"])
    assert not (tmp_path / "out").exists()


def test_volumes_formats_refuse_pictures(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="this is a picture"):
        write(screen_picture(tmp_path / "bundle"), tmp_path / "out", ["nifti"])
    assert not (tmp_path / "out").exists()


def test_writing_twice_gives_the_same_bytes(screening: Screening, tmp_path: Path) -> None:
    formats = ["json", "html", "png", "nifti"]
    first = write(screening, tmp_path / "a", formats)
    second = write(screening, tmp_path / "b", formats)
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]
