"""What every output format promises; a new file in `writers` is held to it by its name."""

import gzip
import subprocess
import sys
from pathlib import Path

import pytest
from tests.writers.screenings import EVERY, PERSON, scan

from ctsieve.pipeline.names import FORMATS
from ctsieve.types.errors import CtsieveError, UsageError

NAMES = FORMATS.names()
PICTURES = ("picture", "stack", "unclassified")
VOLUMES = [kind for kind in EVERY if kind not in PICTURES]


def content(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", VOLUMES)
def test_returns_exactly_the_files_it_made(name: str, kind: str, tmp_path: Path) -> None:
    paths = FORMATS[name].write(EVERY[kind](), tmp_path / "new" / "folder")
    assert sorted(paths) == sorted(p for p in tmp_path.rglob("*") if p.is_file())


@pytest.mark.parametrize("name", NAMES)
def test_writes_a_file_of_a_judged_volume(name: str, tmp_path: Path) -> None:
    paths = FORMATS[name].write(scan(), tmp_path)
    assert paths
    assert all(path.stat().st_size > 0 for path in paths)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", PICTURES)
def test_pictures_are_written_or_refused_as_the_card_says(
    name: str, kind: str, tmp_path: Path
) -> None:
    card = FORMATS[name]
    if card.pictures:
        assert card.write(EVERY[kind](), tmp_path)
        return
    with pytest.raises(UsageError, match="picture"):
        card.write(EVERY[kind](), tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", NAMES)
def test_same_screening_same_bytes(name: str, tmp_path: Path) -> None:
    once = FORMATS[name].write(scan(), tmp_path / "once")
    again = FORMATS[name].write(scan(), tmp_path / "again")
    names = [path.relative_to(tmp_path / "once") for path in once]
    assert names == [path.relative_to(tmp_path / "again") for path in again]
    assert [path.read_bytes() for path in once] == [path.read_bytes() for path in again]


@pytest.mark.parametrize("name", NAMES)
def test_writing_again_replaces(name: str, tmp_path: Path) -> None:
    for path in FORMATS[name].write(scan(), tmp_path):
        path.write_bytes(b"old")
    assert all(p.read_bytes() != b"old" for p in FORMATS[name].write(scan(), tmp_path))


@pytest.mark.parametrize("name", NAMES)
def test_a_failed_write_says_why_and_leaves_nothing(name: str, tmp_path: Path) -> None:
    blocked = tmp_path / "a-file"
    blocked.write_bytes(b"")
    with pytest.raises(CtsieveError, match="a-file") as caught:
        FORMATS[name].write(scan(), blocked / "below")
    assert caught.value.hint
    assert [path.name for path in tmp_path.rglob("*")] == ["a-file"]


@pytest.mark.parametrize("name", NAMES)
def test_no_name_of_a_person_gets_out(name: str, tmp_path: Path) -> None:
    kinds = EVERY if FORMATS[name].pictures else {k: EVERY[k] for k in VOLUMES}
    for kind, make in kinds.items():
        for path in FORMATS[name].write(make(), tmp_path / kind):
            assert PERSON.encode() not in content(path), (kind, path.name)
            assert PERSON not in str(path.relative_to(tmp_path))


@pytest.mark.parametrize("name", NAMES)
def test_a_screening_is_left_as_it_was(name: str, tmp_path: Path) -> None:
    screening = scan()
    assert screening.explanation is not None
    before = screening.image.provenance, screening.explanation.heat.copy()
    FORMATS[name].write(screening, tmp_path)
    assert screening.image.provenance == before[0]
    assert (screening.explanation.heat == before[1]).all()


def test_writers_need_no_heavy_framework() -> None:
    plain = [name for name in NAMES if not name.startswith("dicom")]
    modules = ", ".join(f"ctsieve.writers.{name.replace('-', '_')}" for name in plain)
    heavy = "{'torch', 'matplotlib', 'skimage', 'pydicom', 'highdicom', 'nibabel', 'onnxruntime'}"
    code = f"import sys, {modules}; print(*sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
