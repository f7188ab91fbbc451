"""A write happens whole or not at all."""

import os
import resource
from pathlib import Path

import pytest

from ctsieve.types.errors import OutOfResources, UsageError
from ctsieve.writers._atomic import write_whole


def test_files_lie_where_they_are_named(tmp_path: Path) -> None:
    paths = write_whole(tmp_path / "a", {"x.bin": b"1", "b/y.bin": b"22"})
    assert paths == [tmp_path / "a" / "x.bin", tmp_path / "a" / "b" / "y.bin"]
    assert [path.read_bytes() for path in paths] == [b"1", b"22"]
    assert len([p for p in tmp_path.rglob("*") if p.is_file()]) == 2


def test_others_may_read_as_the_umask_says(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        (path,) = write_whole(tmp_path, {"x": b"1"})
    finally:
        os.umask(old)
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_late_failure_takes_the_early_files_along(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "taken").mkdir()
    (tmp_path / "out" / "kept.txt").write_text("mine")
    with pytest.raises(UsageError, match="cannot write to"):
        write_whole(tmp_path / "out", {"new/first": b"1", "taken": b"2"})
    left = sorted(path.name for path in (tmp_path / "out").rglob("*"))
    assert left == ["kept.txt", "taken"]


def test_a_failure_that_is_not_ours_passes_and_leaves_nothing(tmp_path: Path) -> None:
    broken: dict[str, bytes] = {"first": b"1", "second": "text"}  # type: ignore[dict-item]
    with pytest.raises(TypeError):
        write_whole(tmp_path / "out", broken)
    assert not list(tmp_path.iterdir())


def test_no_room_is_named_as_such_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "kept.txt").write_text("mine")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # The one way to be refused room for real: no file of this process may pass 1000 bytes.
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(OutOfResources, match="cannot write to") as caught:
            write_whole(tmp_path / "out", {"small": b"1", "large": bytes(2000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.hint
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["kept.txt"]
