"""Prepared shards: the bytes production would see, made once, whatever happens in between."""

import errno
import io
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ctsieve.learning.prepare import PrepareRun, prepare_cases
from ctsieve.learning.prepared import MANIFEST, SHARDS, Stack, open_prepared
from ctsieve.learning.views import PrepareSettings
from ctsieve.ops.prepare import prepare
from ctsieve.phantoms.chest import make_phantom
from ctsieve.phantoms.dicom import save_dicom
from ctsieve.phantoms.presets import preset
from ctsieve.readers import read_study
from ctsieve.types.cases import Case
from ctsieve.types.errors import InputRejected, OutOfResources, UnreadableStudy, UsageError
from ctsieve.types.recipe import InputSpec, WindowSpec

SETTINGS = PrepareSettings(input=InputSpec(size=(24, 32), crop="whole"))
LUNG = WindowSpec(centre=-600.0, width=1500.0)
MEDIASTINUM = WindowSpec(centre=40.0, width=400.0)


def pictures(folder: Path, number: int, *, size: tuple[int, int] = (48, 64)) -> list[Case]:
    """Cases of random pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    cases = []
    for i in range(number):
        path = folder / f"{i}.png"
        Image.fromarray(random.integers(0, 256, size, dtype=np.uint8)).save(path)
        cases.append(Case(id=f"c{i}", patient=f"p{i // 2}", label="neither", files=(path,)))
    return cases


def run(root: Path, **changes: object) -> PrepareRun:
    plain = PrepareRun(data="test", root=root, workers=1, shard_views=4)
    return replace(plain, **changes)  # type: ignore[arg-type]


def test_bytes_are_those_production_prepares(tmp_path: Path) -> None:
    cases = pictures(tmp_path / "data", 6)
    prepare_cases(cases, tmp_path / "out", SETTINGS, run=run(tmp_path))
    opened = open_prepared(tmp_path / "out", verify=True)
    assert [c.id for c in opened.cases] == [c.id for c in cases]
    for i, case in enumerate(cases):
        image = read_study(case.files[0])
        wanted = prepare(image, SETTINGS.input, keep=np.ones(1, np.bool_), box=None).x[:, 0]
        np.testing.assert_array_equal(opened.views(i), np.rint(wanted * 255).astype(np.uint8))


def test_cases_come_back_as_they_were_but_for_the_folder_they_lay_in(tmp_path: Path) -> None:
    (case,) = pictures(tmp_path / "data", 1)
    full = replace(
        case, lesions={"GGO": True}, box=(1, 2, 30, 40), sex="female", age=61.0, scan="s",
        position=7, paper="doi", facts={"country": "x"}, weight=0.5, partition="val",
    )  # fmt: skip
    prepare_cases([full], tmp_path / "out", SETTINGS, run=run(tmp_path))
    (back,) = open_prepared(tmp_path / "out").cases
    assert back == replace(full, files=(Path("data/0.png"),))
    assert str(tmp_path) not in (tmp_path / "out" / MANIFEST).read_text()


def test_the_number_of_processes_changes_nothing(tmp_path: Path) -> None:
    cases = pictures(tmp_path / "data", 6)
    digests = {
        prepare_cases(cases, tmp_path / f"{w}", SETTINGS, run=run(tmp_path, workers=w)).digest
        for w in (1, 2)
    }
    assert len(digests) == 1


def test_a_scan_is_kept_under_every_window_and_a_picture_once(tmp_path: Path) -> None:
    phantom = make_phantom(preset("covid", seed=1, num_slices=10, matrix=64))
    save_dicom(phantom.volume, tmp_path / "scan")
    scan = Case(
        id="scan",
        patient="s",
        label="covid19",
        files=tuple(sorted((tmp_path / "scan").iterdir())),
        kind="volume",
    )
    settings = SETTINGS.model_copy(update={"windows": (LUNG, MEDIASTINUM)})
    cases = [*pictures(tmp_path / "data", 1), scan]
    prepare_cases(cases, tmp_path / "out", settings, run=run(tmp_path))
    opened = open_prepared(tmp_path / "out")
    assert opened.windows.tolist() == [1, 2]
    assert opened.slices.tolist() == [1, 10]
    assert opened.pixels.shape == (21, 24, 32)
    lung, mediastinum = opened.views(1), opened.views(1, window=1)
    assert lung.shape == (10, 24, 32)
    assert lung.mean() > mediastinum.mean()
    settings = settings.model_copy(update={"slices": "lungs"})
    prepare_cases([scan], tmp_path / "lungs", settings, run=run(tmp_path))
    assert 0 < open_prepared(tmp_path / "lungs").slices[0] < 10


@pytest.mark.parametrize("quarter_turns", range(4))
def test_masks_and_boxes_follow_their_picture(quarter_turns: int, tmp_path: Path) -> None:
    drawn = np.zeros((48, 64), np.uint8)
    drawn[8:16, 32:48] = 2
    Image.fromarray(drawn * 100).save(tmp_path / "image.png")
    Image.fromarray(drawn).save(tmp_path / "mask.png")
    case = Case(
        id="a",
        patient="a",
        label="covid19",
        files=(tmp_path / "image.png",),
        mask=tmp_path / "mask.png",
        box=(32, 8, 64, 48),
        quarter_turns=quarter_turns,
    )
    settings = SETTINGS.model_copy(update={"box": True})
    prepare_cases([case], tmp_path / "out", settings, run=run(tmp_path))
    opened = open_prepared(tmp_path / "out")
    labels, view = opened.labels(0)[0], opened.views(0)[0]
    assert set(np.unique(labels)) == {0, 2}
    # The lesion fills half of the box's columns and a fifth of its rows, however it is turned.
    assert (labels == 2).mean() == pytest.approx(0.5 * 0.2, abs=0.02)
    assert view[labels == 2].mean() > 2 * view[labels == 0].mean() + 100


def test_an_unreadable_case_stops_or_is_left_out_and_named(tmp_path: Path) -> None:
    cases = pictures(tmp_path / "data", 6)
    cases[5].files[0].write_bytes(b"no picture")
    with pytest.raises(UnreadableStudy, match="'c5'") as refusal:
        prepare_cases(cases, tmp_path / "out", SETTINGS, run=run(tmp_path))
    assert "--skip-unreadable" in refusal.value.hint
    assert (tmp_path / "out" / SHARDS / "00000.json").is_file()
    with pytest.raises(UsageError, match="no finished preparation"):
        open_prepared(tmp_path / "out")
    prepare_cases(cases, tmp_path / "out", SETTINGS, run=run(tmp_path, skip_unreadable=True))
    opened = open_prepared(tmp_path / "out")
    assert len(opened.cases) == 5
    assert list(opened.unreadable) == ["c5"]


def test_a_folder_is_of_one_preparation(tmp_path: Path) -> None:
    cases = pictures(tmp_path / "data", 2)
    with pytest.raises(UsageError, match="other files"):
        prepare_cases(cases, tmp_path / "data", SETTINGS, run=run(tmp_path))
    prepare_cases(cases, tmp_path / "out", SETTINGS, run=run(tmp_path))
    with pytest.raises(UsageError, match="other settings"):
        prepare_cases(cases[:1], tmp_path / "out", SETTINGS, run=run(tmp_path))
    with pytest.raises(UsageError, match="no case"):
        prepare_cases([], tmp_path / "none", SETTINGS, run=run(tmp_path))


def test_a_damaged_shard_is_noticed_and_made_again(tmp_path: Path) -> None:
    cases = pictures(tmp_path / "data", 6)
    whole = prepare_cases(cases, tmp_path / "out", SETTINGS, run=run(tmp_path))
    shard = tmp_path / "out" / SHARDS / "00000.npy"
    content = bytearray(shard.read_bytes())
    content[-1] ^= 255
    shard.write_bytes(content)
    with pytest.raises(InputRejected, match="damaged"):
        open_prepared(tmp_path / "out", verify=True)
    again = prepare_cases(cases, tmp_path / "out", SETTINGS, run=run(tmp_path))
    assert again.digest == whole.digest
    open_prepared(tmp_path / "out", verify=True)


def test_too_little_room_is_said_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", ["total", "used", "free"])
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10, 5, 5))
    with pytest.raises(OutOfResources, match="are free"):
        prepare_cases(pictures(tmp_path / "data", 2), tmp_path / "out", SETTINGS, run=run(tmp_path))


def test_a_disk_that_fills_up_leaves_finished_shards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = pictures(tmp_path / "data", 6)

    def full(handle: int) -> None:
        if (tmp_path / "out" / SHARDS / "00000.json").is_file():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OutOfResources, match="no room"):
            prepare_cases(cases, tmp_path / "out", SETTINGS, run=run(tmp_path))
    left = sorted(path.name for path in (tmp_path / "out" / SHARDS).iterdir())
    assert left == ["00000.json", "00000.npy", "order"]
    prepare_cases(cases, tmp_path / "out", SETTINGS, run=run(tmp_path))
    assert len(open_prepared(tmp_path / "out", verify=True).cases) == 6


SCRIPT = """
import sys, time
from pathlib import Path
from ctsieve.learning.prepare import PrepareRun, prepare_cases
from tests.learning.test_prepare import SETTINGS, pictures
root = Path(sys.argv[1])
prepare_cases(
    pictures(root / "data", 60),
    root / "out",
    SETTINGS,
    run=PrepareRun(data="test", root=root, workers=1, shard_views=4),
    progress=lambda _done, _total: time.sleep(0.02),
)
"""


def test_a_killed_run_loses_at_most_one_shard(tmp_path: Path) -> None:
    cases = pictures(tmp_path / "data", 60)
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        stdout=subprocess.PIPE,
    )
    shards = tmp_path / "out" / SHARDS
    deadline = time.monotonic() + 60
    while len(list(shards.glob("*.json"))) < 3:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    finished = {path: path.stat().st_mtime_ns for path in shards.glob("*.json")}
    assert 3 <= len(finished) < 15
    with pytest.raises(UsageError, match="no finished preparation"):
        open_prepared(tmp_path / "out")
    seen: list[int] = []
    prepare_cases(
        cases,
        tmp_path / "out",
        SETTINGS,
        run=run(tmp_path),
        progress=lambda done, _: seen.append(done),
    )
    assert {path: path.stat().st_mtime_ns for path in finished} == finished
    assert seen == sorted(seen)
    opened = open_prepared(tmp_path / "out", verify=True)
    assert len(opened.cases) == 60
    assert not list(shards.glob(".*.part"))


@given(st.lists(st.integers(0, 4), min_size=1, max_size=6), st.data())
def test_a_stack_is_indexed_like_the_array_it_stands_for(
    sizes: list[int], data: st.DataObject
) -> None:
    array = np.arange(sum(sizes) * 6, dtype=np.uint8).reshape(-1, 2, 3)
    ends = np.cumsum(sizes)[:-1]
    stack = Stack(tuple(np.split(array, ends)), (2, 3))
    assert len(stack) == len(array)
    cut = data.draw(st.slices(len(array)))
    np.testing.assert_array_equal(stack[cut], array[cut])
    if len(array):
        numbers = data.draw(st.lists(st.integers(0, len(array) - 1)))
        np.testing.assert_array_equal(stack[np.array(numbers, np.int64)], array[numbers])
        np.testing.assert_array_equal(stack[-1], array[-1])


def test_prepared_files_are_plain_arrays(tmp_path: Path) -> None:
    prepare_cases(pictures(tmp_path / "data", 2), tmp_path / "out", SETTINGS, run=run(tmp_path))
    array = np.load(io.BytesIO((tmp_path / "out" / SHARDS / "00000.npy").read_bytes()))
    assert array.shape == (2, 24, 32)
    assert array.dtype == np.uint8
