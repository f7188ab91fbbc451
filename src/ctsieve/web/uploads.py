"""Files on their way in: resumable, counted while they come, refused early."""

import shutil
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import anyio
import sqlalchemy as sa
from anyio import to_thread

from ctsieve.web.database import Database
from ctsieve.web.errors import InConflict, NoRoom, NotThere, TooLarge
from ctsieve.web.identity import Identity
from ctsieve.web.settings import ServeSettings
from ctsieve.web.tables import Upload

UPLOADS: Final = "uploads"
ABANDONED_SECONDS: Final = 24 * 3600.0
LONGEST_NAME: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One file of an upload, and how many bytes of it are there."""

    name: str
    size: int
    offset: int
    path: Path


class Uploads:
    """Uploads below `home`."""

    def __init__(self, database: Database, settings: ServeSettings) -> None:
        self._database = database
        self._settings = settings
        self._folder = settings.home / UPLOADS
        self._folder.mkdir(parents=True, exist_ok=True)
        self._busy: set[Path] = set()
        self._ending: set[str] = set()

    def begin(
        self, files: Sequence[tuple[str, int]], *, kind: Literal["study", "pictures"], by: Identity
    ) -> str:
        """Announce files; refused here if they are too many or too large.

        Raises:
            TooLarge: beyond the limits.
            NoRoom: the disk is nearly full.
        """
        total = sum(size for _, size in files)
        if total > self._settings.max_upload_bytes:
            raise TooLarge(
                f"the upload has {total >> 20} MB, the limit is {self._settings.max_upload_mb} MB",
                hint="send one series at a time, or ask an admin for a higher limit",
            )
        if len(files) > self._settings.max_files:
            raise TooLarge(f"more than {self._settings.max_files} files")
        self._check_room(total)
        row = Upload(
            workspace_id=by.workspace_id, kind=kind, files=[[name, size] for name, size in files]
        )
        with self._database.writing() as session:
            session.add(row)
            session.flush()
            (self._folder / row.id).mkdir()
        return row.id

    def row(self, upload_id: str, by: Identity) -> Upload:
        """An upload of the own workspace.

        Raises:
            NotThere: there is none.
        """
        with self._database.reading() as session:
            return by.own(session.get(Upload, upload_id), "upload")

    def parts(self, row: Upload) -> list[Part]:
        """The files of an upload as they stand on disk."""
        return [self._part(row, n) for n in range(len(row.files))]

    async def take(self, part: Part, *, offset: int, body: AsyncIterator[bytes]) -> int:
        """Add `body` to a file from byte `offset`; returns how many bytes are there now.

        What came before the connection broke stays, and the sender goes on from there.

        Raises:
            InConflict: bytes before `offset` are missing, or another request writes this file.
            TooLarge: more bytes than were announced.
        """
        if part.path in self._busy or part.path.parent.name in self._ending:
            raise InConflict("another request is writing this file", hint="wait for it to end")
        if offset > part.offset:
            raise InConflict(f"bytes are there up to {part.offset}, not {offset}")
        self._busy.add(part.path)
        try:
            return await self._write(part, offset, body)
        finally:
            self._busy.discard(part.path)

    async def _write(self, part: Part, offset: int, body: AsyncIterator[bytes]) -> int:
        async with await anyio.open_file(part.path, "r+b" if part.path.exists() else "wb") as file:
            await file.seek(offset)
            async for chunk in body:
                if offset + len(chunk) > part.size:
                    raise TooLarge(f"more than the {part.size} bytes that were announced")
                await to_thread.run_sync(self._check_room, len(chunk))
                await file.write(chunk)
                offset += len(chunk)
        return max(offset, part.offset)

    @contextmanager
    def ending(self, row: Upload) -> Iterator[None]:
        """While it lasts nobody adds to the files of an upload.

        Raises:
            InConflict: they are being written, or end already; or bytes are missing.
        """
        parts = self.parts(row)
        if row.id in self._ending or any(part.path in self._busy for part in parts):
            raise InConflict("files of this upload are being written", hint="wait for it to end")
        missing = [part for part in parts if part.offset != part.size]
        if missing:
            raise InConflict(
                f"{len(missing)} of {len(parts)} files are not complete", hint="send the rest"
            )
        self._ending.add(row.id)
        try:
            yield
        finally:
            self._ending.discard(row.id)

    def end(self, row: Upload, answer: dict[str, object]) -> None:
        """Keep the answer of a finished upload; its files go."""
        with self._database.writing() as session:
            session.merge(row).answer = answer
        shutil.rmtree(self._folder / row.id, ignore_errors=True)

    def work_folder(self, row: Upload) -> Path:
        """Where what is made of an upload lies until it is frozen."""
        return self._folder / row.id / "work"

    def forget_abandoned(self) -> int:
        """Remove uploads nobody finished within a day; how many."""
        before = time.time() - ABANDONED_SECONDS
        with self._database.writing() as session:
            old = list(session.scalars(sa.select(Upload.id).where(Upload.created < before)))
            session.execute(sa.delete(Upload).where(Upload.id.in_(old)))
        for name in old:
            shutil.rmtree(self._folder / name, ignore_errors=True)
        return len(old)

    def _part(self, row: Upload, number: int) -> Part:
        name, size = row.files[number]
        # By number: a name is a stranger's text, and may name a person.
        path = self._folder / row.id / f"{number:06d}"
        there = path.stat().st_size if path.is_file() else 0
        return Part(name=str(name), size=int(size), offset=there, path=path)

    def part(self, row: Upload, number: int) -> Part:
        """One file of an upload.

        Raises:
            NotThere: there is none of that number.
        """
        if not 0 <= number < len(row.files):
            raise NotThere("there is no such file in this upload")
        return self._part(row, number)

    def _check_room(self, size: int) -> None:
        free = shutil.disk_usage(self._folder).free
        if free - size < self._settings.min_free_mb << 20:
            raise NoRoom("the disk of the service is nearly full", hint="ask an admin to make room")
