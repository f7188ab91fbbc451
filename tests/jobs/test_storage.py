"""A storage behind the home: whole or not there, checked when it comes back."""

from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from moto.server import ThreadedMotoServer

from ctsieve.jobs.storage import Storage
from ctsieve.types.errors import UnreadableStudy, UsageError

NAME = "studies/abc"


@pytest.fixture(params=["file", "memory", "dir"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    yield {
        "file": f"file://{tmp_path}/shared",
        "memory": f"memory://{tmp_path.name}",
        "dir": f"local://{tmp_path}/elsewhere",
    }[request.param]
    fsspec.filesystem("memory").store.clear()


def folder(home: Path) -> dict[str, bytes]:
    """A study of some files below `home`."""
    files = {"a": b"first", "b/c": bytes(3_000_000)}
    for name, content in files.items():
        path = home / NAME / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return files


def test_what_one_machine_keeps_another_fetches(url: str, tmp_path: Path) -> None:
    here, there = Storage(tmp_path / "here", url), Storage(tmp_path / "there", url)
    files = folder(here.home)
    assert not there.has(NAME)
    here.keep(NAME)
    assert there.has(NAME)
    found = there.fetch(NAME)
    assert found == there.home / NAME
    assert {n: (found / n).read_bytes() for n in files} == files
    there.let_go(NAME)
    assert not found.exists()
    here.remove(NAME)
    assert not there.has(NAME)
    with pytest.raises(UnreadableStudy, match="not in the storage"):
        there.fetch(NAME)


@pytest.mark.enable_socket
def test_the_same_of_a_server_that_speaks_s3(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "of-a-test")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        fsspec.filesystem("s3", skip_instance_cache=True).mkdir("wards")
        test_what_one_machine_keeps_another_fetches("s3://wards/north", tmp_path)
    finally:
        server.stop()


def test_half_a_folder_is_not_there(tmp_path: Path) -> None:
    url = f"file://{tmp_path}/shared"
    here, there = Storage(tmp_path / "here", url), Storage(tmp_path / "there", url)
    folder(here.home)
    here.keep(NAME)
    (tmp_path / "shared" / f"{NAME}.list.json").unlink()  # as if it had crashed before the list
    assert not there.has(NAME)


def test_what_was_changed_in_the_storage_is_refused(tmp_path: Path) -> None:
    url = f"file://{tmp_path}/shared"
    here, there = Storage(tmp_path / "here", url), Storage(tmp_path / "there", url)
    folder(here.home)
    here.keep(NAME)
    (tmp_path / "shared" / NAME / "a").write_bytes(b"other")
    with pytest.raises(UnreadableStudy, match="damaged"):
        there.fetch(NAME)
    assert not (there.home / NAME).exists()
    assert not list((there.home / "studies").iterdir())


def test_without_a_url_the_home_is_the_storage(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    folder(tmp_path)
    storage.keep(NAME)
    storage.let_go(NAME)
    assert storage.fetch(NAME) == tmp_path / NAME
    assert storage.has(NAME)
    storage.remove(NAME)
    assert not storage.has(NAME)


def test_a_url_nobody_knows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="URL"):
        Storage(tmp_path, "nonsense://bucket")
