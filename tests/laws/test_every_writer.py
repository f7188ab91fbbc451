"""What every output format promises; a new file in `writers` is held to it by its name."""

import gzip
import subprocess
import sys
from pathlib import Path

import pytest
from tests.writers.dicom_results import as_if_read
from tests.writers.parts import PERSON
from tests.writers.screenings import EVERY

from ctsieve.pipeline.names import FORMATS
from ctsieve.types.errors import CtsieveError, UsageError
from ctsieve.types.results import Screening

NAMES = FORMATS.names()
PICTURES = ("picture", "stack", "unclassified")
VOLUMES = [kind for kind in EVERY if kind not in PICTURES]


def screening(name: str, kind: str = "scan") -> Screening:
    """One of `EVERY`; from DICOM where the format needs that."""
    made = EVERY[kind]()
    if FORMATS[name].dicom and kind in VOLUMES:
        return as_if_read(made)
    return made


def content(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", VOLUMES)
def test_returns_exactly_the_files_it_made(name: str, kind: str, tmp_path: Path) -> None:
    paths = FORMATS[name].write(screening(name, kind), tmp_path / "new" / "folder")
    assert sorted(paths) == sorted(p for p in tmp_path.rglob("*") if p.is_file())


@pytest.mark.parametrize("name", NAMES)
def test_writes_a_file_of_a_judged_volume(name: str, tmp_path: Path) -> None:
    """But for rejection notes, which are of what was not judged."""
    kind = "rejected" if name == "dicom-ko-rejected" else "scan"
    paths = FORMATS[name].write(screening(name, kind), tmp_path)
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
    once = FORMATS[name].write(screening(name), tmp_path / "once")
    again = FORMATS[name].write(screening(name), tmp_path / "again")
    names = [path.relative_to(tmp_path / "once") for path in once]
    assert names == [path.relative_to(tmp_path / "again") for path in again]
    assert [path.read_bytes() for path in once] == [path.read_bytes() for path in again]


@pytest.mark.parametrize("name", NAMES)
def test_writing_again_replaces(name: str, tmp_path: Path) -> None:
    for path in FORMATS[name].write(screening(name), tmp_path):
        path.write_bytes(b"old")
    assert all(p.read_bytes() != b"old" for p in FORMATS[name].write(screening(name), tmp_path))


@pytest.mark.parametrize("name", NAMES)
def test_a_failed_write_says_why_and_leaves_nothing(name: str, tmp_path: Path) -> None:
    blocked = tmp_path / "a-file"
    blocked.write_bytes(b"")
    kind = "rejected" if name == "dicom-ko-rejected" else "scan"
    with pytest.raises(CtsieveError, match="a-file") as caught:
        FORMATS[name].write(screening(name, kind), blocked / "below")
    assert caught.value.hint
    assert [path.name for path in tmp_path.rglob("*")] == ["a-file"]


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("dicom-")])
def test_no_name_of_a_person_gets_out(name: str, tmp_path: Path) -> None:
    """DICOM results repeat their study's patient: tests/writers/test_dicom_objects.py."""
    for kind in EVERY if FORMATS[name].pictures else VOLUMES:
        for path in FORMATS[name].write(screening(name, kind), tmp_path / kind):
            assert PERSON.encode() not in content(path), (kind, path.name)
            assert PERSON not in str(path.relative_to(tmp_path))


@pytest.mark.parametrize("name", NAMES)
def test_a_screening_is_left_as_it_was(name: str, tmp_path: Path) -> None:
    judged = screening(name)
    assert judged.explanation is not None
    before = judged.image.provenance, judged.explanation.heat.copy()
    FORMATS[name].write(judged, tmp_path)
    assert judged.image.provenance == before[0]
    assert (judged.explanation.heat == before[1]).all()


def test_writers_need_no_heavy_framework() -> None:
    plain = [name for name in NAMES if not name.startswith("dicom")]
    modules = ", ".join(f"ctsieve.writers.{name.replace('-', '_')}" for name in plain)
    heavy = "{'torch', 'matplotlib', 'skimage', 'pydicom', 'highdicom', 'nibabel', 'onnxruntime'}"
    code = f"import sys, {modules}; print(*sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
