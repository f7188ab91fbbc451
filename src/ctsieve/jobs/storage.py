"""Folders that all machines of a service share: the home itself, or a storage behind it by URL.

Without a URL the home is the storage, and all machines reach it as a folder.  With one (any that
fsspec knows: s3://bucket/prefix, file:///mnt/x) the home is each machine's own, and a folder is
brought to the storage once it is whole.  It counts there from the moment its list is there, which
is written last; so a crash halfway leaves nothing that anybody takes for whole.
"""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import fsspec

from ctsieve.jobs.durable import place_folder, sync_files
from ctsieve.types.errors import MissingExtra, OutOfResources, UnreadableStudy, UsageError
from ctsieve.types.provenance import file_digest

_LIST: Final = ".list.json"


class Storage:
    """Folders by their name below the home, such as `studies/<digest>`."""

    def __init__(self, home: Path, url: str | None = None) -> None:
        """Open the storage.

        Raises:
            UsageError: the URL cannot be understood.
            MissingExtra: fsspec needs another package for this kind of URL.
        """
        self.home = home
        self._fs: Any = None
        if url is None:
            return
        try:
            self._fs, self._root = fsspec.core.url_to_fs(url, use_listings_cache=False)
        except ImportError as error:
            raise MissingExtra(f"a storage of this kind needs a package: {error}") from error
        except ValueError as error:
            raise UsageError(
                f"the storage's URL is not understood: {error}", hint="see docs/how-to/serve.md"
            ) from error

    @property
    def is_remote(self) -> bool:
        """Whether there is a storage behind the home."""
        return self._fs is not None

    def keep(self, name: str) -> None:
        """Bring a whole folder of the home to the storage; nothing where that is the home.

        Raises:
            OutOfResources: the storage does not answer or is full.
        """
        if not self.is_remote:
            return
        folder, listed = self.home / name, {}
        with _answering():
            for path in sorted(p for p in folder.rglob("*") if p.is_file()):
                inner = path.relative_to(folder).as_posix()
                listed[inner] = file_digest(path)
                at = self._at(f"{name}/{inner}")
                self._fs.makedirs(at.rpartition("/")[0], exist_ok=True)
                self._fs.put_file(str(path), at)
            self._fs.pipe_file(self._at(f"{name}{_LIST}"), json.dumps(listed).encode())

    def has(self, name: str) -> bool:
        """Whether a folder is in the storage, whole.

        Raises:
            OutOfResources: the storage does not answer.
        """
        if not self.is_remote:
            return (self.home / name).is_dir()
        with _answering():
            return bool(self._fs.exists(self._at(f"{name}{_LIST}")))

    def fetch(self, name: str) -> Path:
        """The folder below the home, brought there if need be, every file checked.

        Raises:
            UnreadableStudy: it is not in the storage, or a file is not as it was kept.
            OutOfResources: the storage does not answer, or the disk here is full.
        """
        folder = self.home / name
        if folder.is_dir() or not self.is_remote:
            return folder
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".fetch-"))
        try:
            with _answering():
                self._get(name, partial)
            sync_files(partial)
            place_folder(partial, folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        return folder

    def let_go(self, name: str) -> None:
        """Delete this machine's copy of a folder that the storage has."""
        if self.is_remote:
            shutil.rmtree(self.home / name, ignore_errors=True)

    def remove(self, name: str) -> None:
        """Delete a folder everywhere.

        Raises:
            OutOfResources: the storage does not answer.
        """
        shutil.rmtree(self.home / name, ignore_errors=True)
        if self.is_remote:
            with _answering():
                # The list first: what is half deleted is not there.
                for at, deep in ((f"{name}{_LIST}", False), (name, True)):
                    if self._fs.exists(self._at(at)):
                        self._fs.rm(self._at(at), recursive=deep)

    def _get(self, name: str, folder: Path) -> None:
        try:
            listed: dict[str, str] = json.loads(self._fs.cat_file(self._at(f"{name}{_LIST}")))
            for inner, digest in listed.items():
                path = folder / inner
                path.parent.mkdir(parents=True, exist_ok=True)
                self._fs.get_file(self._at(f"{name}/{inner}"), str(path))
                if file_digest(path) != digest:
                    raise UnreadableStudy(
                        f"{name} is damaged in the storage", hint="upload the study again"
                    )
        except FileNotFoundError as error:
            raise UnreadableStudy(
                f"{name} is not in the storage", hint="it may have been deleted meanwhile"
            ) from error

    def _at(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"


@contextmanager
def _answering() -> Iterator[None]:
    """Turn what a storage or its network says into something that is tried again."""
    try:
        yield
    except OSError as error:
        raise OutOfResources(
            "the storage does not answer or is full", hint="see the log of the storage"
        ) from error
