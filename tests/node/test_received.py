"""Studies that arrive: each has exactly one result or one recorded reason, whatever happens."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import generate_uid
from tests.node.dying import POINTS
from tests.node.running import (
    PATIENCE,
    Node,
    free_port,
    is_open,
    outcomes,
    program,
    running,
    running_node,
    settings_file,
    storescu,
    until,
)
from tests.screened import phantom

from ctsieve.node.sender import send
from ctsieve.node.settings import peer_at
from ctsieve.phantoms.dicom import save_dicom
from ctsieve.types.errors import PeerRefused

pytestmark = [pytest.mark.enable_socket, pytest.mark.slow]


def study(folder: Path, seed: int = 5) -> Path:
    """A small chest as DICOM."""
    save_dicom(phantom("covid", seed).volume, folder)
    return folder


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """One node for the tests that leave it alive."""
    with running_node(tmp_path_factory.mktemp("node"), max_object_mb=1) as started:
        yield started


def fresh(node: Node, before: set[str], number: int) -> list[str]:
    """States of the outcomes that were not there before, once there are `number`."""
    found = node.wait(len(before) + number)
    return sorted(found[job].state for job in found.keys() - before)


def test_a_study_sent_three_times_has_one_result(node: Node, tmp_path: Path) -> None:
    before = set(node.outcomes())
    folder = study(tmp_path / "s", seed=11)
    for _ in range(3):
        assert storescu(node, folder).returncode == 0
    assert fresh(node, before, 1) == ["screened"]
    storescu(node, folder)
    handed_over = f"study of {len(list(folder.iterdir()))} instances"
    times = node.log.read_text().count(handed_over)
    until(lambda: node.log.read_text().count(handed_over) > times, "the study is handed over again")
    assert len(node.outcomes()) == len(before) + 1


def test_half_a_study_is_judged_and_the_whole_again(node: Node, tmp_path: Path) -> None:
    before = set(node.outcomes())
    files = sorted(study(tmp_path / "s", seed=12).iterdir())
    assert storescu(node, *files[:12]).returncode == 0
    assert len(fresh(node, before, 1)) == 1
    assert storescu(node, *files[12:]).returncode == 0
    assert len(fresh(node, before, 2)) == 2
    assert f"study of {len(files)} instances" in node.log.read_text()


def test_a_single_slice_leaves_a_reason(node: Node, tmp_path: Path) -> None:
    before = set(node.outcomes())
    storescu(node, min(study(tmp_path / "s", seed=13).iterdir()))
    assert fresh(node, before, 1) == ["refused"]
    (job,) = node.outcomes().keys() - before
    assert node.outcomes()[job].reason


def test_a_hostile_file_among_good_ones_is_refused_alone(node: Node, tmp_path: Path) -> None:
    before = set(node.outcomes())
    folder = study(tmp_path / "s", seed=14)
    ds = pydicom.dcmread(min(folder.iterdir()))
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    ds.Rows, ds.Columns = 60000, 60000
    ds.save_as(folder / "0hostile.dcm")
    sent = storescu(node, "-nh", folder)
    assert "CannotUnderstand" in sent.stdout + sent.stderr
    fresh(node, before, 1)
    until(lambda: "screened" in fresh(node, before, 1), "the good ones are screened", log=node.log)


def test_an_object_over_the_limit_ends_the_association(node: Node, tmp_path: Path) -> None:
    ds = pydicom.dcmread(min(study(tmp_path / "s", seed=15).iterdir()))
    ds.Rows = ds.Columns = 1024
    ds.PixelData = np.zeros((1024, 1024), np.int16).tobytes()
    ds.save_as(tmp_path / "large.dcm")
    assert storescu(node, tmp_path / "large.dcm").returncode != 0
    assert "more than 1 MB" in node.log.read_text()
    assert node.process.poll() is None


def test_a_wrong_title_is_turned_away(node: Node, tmp_path: Path) -> None:
    (file, *_) = study(tmp_path / "s").iterdir()
    with pytest.raises(PeerRefused, match="refused the association"):
        send([file], peer_at(f"dicom://OTHER@127.0.0.1:{node.port}"), calling="SENDER")


def test_four_senders_at_once_lose_nothing(node: Node, tmp_path: Path) -> None:
    before = set(node.outcomes())
    stored = {p.name for p in (node.home / "incoming").rglob("*.dcm")}
    folders = [_many(tmp_path / f"s{i}", seed=20 + i, number=500) for i in range(4)]
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(partial(storescu, node), folders))
    assert [d.returncode for d in done] == [0] * 4
    assert len(fresh(node, before, 4)) == 4
    kept = {p.name for p in (node.home / "incoming").rglob("*.dcm")} - stored
    assert len(kept) == 2000


def _many(folder: Path, *, seed: int, number: int) -> Path:
    """A study of `number` instances: the slices of a phantom, small and thin."""
    slices = sorted(study(folder / "few", seed=seed).iterdir())
    first = pydicom.dcmread(slices[0])
    studies, series = generate_uid(), generate_uid()
    for k in range(number):
        first.SOPInstanceUID = first.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        first.StudyInstanceUID, first.SeriesInstanceUID = studies, series
        first.InstanceNumber = k + 1
        first.ImagePositionPatient = [*first.ImagePositionPatient[:2], float(k)]
        first.Rows = first.Columns = 16
        first.PixelData = np.full((16, 16), k, np.int16).tobytes()
        first.save_as(folder / f"{k:04d}.dcm")
    for path in slices:
        path.unlink()
    return folder


def test_a_flood_of_associations_leaves_the_node_able_to_work(tmp_path: Path) -> None:
    with running_node(tmp_path, max_associations=2, senders=["SENDER"]) as node:
        folder = study(tmp_path / "s")
        stranger = storescu(node, folder, calling="STRANGER")
        assert stranger.returncode != 0
        assert "Calling AE Title Not Recognized" in stranger.stdout + stranger.stderr
        with ThreadPoolExecutor(20) as pool:
            done = list(pool.map(lambda _: storescu(node, folder), range(20)))
        assert any(d.returncode for d in done)
        until(lambda: storescu(node, folder).returncode == 0, "a sender comes through")
        assert [o.state for o in node.wait(1).values()] == ["screened"]
        assert len(node.outcomes()) == 1


def test_a_node_killed_in_every_state_loses_and_doubles_nothing(tmp_path: Path) -> None:
    port, archive = free_port(), free_port()
    folder, received = study(tmp_path / "s"), tmp_path / "archive"
    received.mkdir()
    store = [program("storescp"), "-od", str(received), "+xa", "-aet", "ARCHIVE", str(archive)]
    peers = {"archive": {"address": f"dicom://ARCHIVE@127.0.0.1:{archive}"}}
    start = partial(running_node, tmp_path, port=port, peers=peers, send_to=["archive"])
    with running(store, tmp_path / "storescp.log"):
        for point in POINTS:
            with start(dies=point) as node:
                if node.process.poll() is None and not outcomes(node.home):
                    storescu(node, folder)
                assert node.process.wait(PATIENCE) == -9, point
        with start() as node:
            (outcome,) = node.wait(1).values()
            until(lambda: "delivered to archive" in node.log.read_text(), "results are delivered")
    assert outcome.state == "screened"
    assert not list((tmp_path / "home" / "results").glob(".part-*"))
    sent = {n for n in outcome.files if n.endswith(".dcm")}
    there = [pydicom.dcmread(p).SOPInstanceUID for p in received.iterdir()]
    assert len(there) == len(set(there)) == len(sent) > 0


def test_a_full_disk_is_said_and_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(small)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk needs root")
    try:
        with running_node(small, quiet_seconds=5) as node:
            fill_and_send(node, small, study(tmp_path / "s"))
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)


def fill_and_send(node: Node, disk: Path, folder: Path) -> None:
    (disk / "ballast").write_bytes(b"1" * (shutil.disk_usage(disk).free - (300 << 10)))
    sent = storescu(node, "-nh", folder)
    said = sent.stdout + sent.stderr
    assert "OutOfResources" in said
    kept = list((node.home / "incoming").rglob("*.dcm"))
    assert len(kept) == said.count("(Success)") > 0
    for path in kept:
        pydicom.dcmread(path)
    (disk / "ballast").unlink()
    assert storescu(node, folder).returncode == 0
    whole = f"study of {len(list(folder.iterdir()))} instances"
    until(lambda: whole in node.log.read_text(), "the whole study is handed over", log=node.log)
    until(lambda: "screened" in {o.state for o in node.outcomes().values()}, "it is screened")


def test_settings_are_shown(tmp_path: Path) -> None:
    file = settings_file(tmp_path / "home", 4242)
    shown = subprocess.run(
        [sys.executable, "-m", "ctsieve", "listen", "--settings", str(file), "--show"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert '"port": 4242' in shown.stdout
    assert not is_open(4242)


def test_what_failed_is_done_again_at_a_start_that_is_told_so(tmp_path: Path) -> None:
    folder = study(tmp_path / "s", seed=16)
    port = free_port()
    with running_node(tmp_path, port=port) as node:
        bundle = tmp_path / "bundle" / "tiny"
        bundle.rename(tmp_path / "away")
        assert storescu(node, folder).returncode == 0
        until(lambda: "study of" in node.log.read_text(), "a job is made", log=node.log)
        until(lambda: _states(node.home) == ["ERROR"], "it has failed", log=node.log)
    (tmp_path / "away").rename(tmp_path / "bundle" / "tiny")
    with running_node(tmp_path, port=port, retry=True) as node:
        (outcome,) = node.wait(1).values()
    assert outcome.state == "screened"
    assert "1 jobs that had failed are tried again" in node.log.read_text()


def _states(home: Path) -> list[str]:
    """How the jobs of a node stand, as its database has it."""
    with closing(sqlite3.connect(home / "jobs.sqlite")) as database:
        rows = database.execute("select status from workflow_status where name = 'screen-study'")
        return [str(status) for (status,) in rows]
