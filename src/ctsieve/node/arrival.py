"""One DICOM file on its way into an inbox: in the end it is kept whole, or not at all."""

from pathlib import Path
from typing import Final, Protocol

from ctsieve.jobs.durable import GrowingFile
from ctsieve.node.journal import Journal, Record
from ctsieve.readers.dicom import identify
from ctsieve.types.errors import InputRejected

IN_MEMORY_BYTES: Final = 8 << 20
"""What is larger goes to a file of its own as it comes."""
CHECK_BYTES: Final = 16 << 20
"""So much of an instance is written between two looks at the free space."""

Kept = Record | Path
"""Where a durable instance lies: in the journal, or in a file that has no name of its own yet."""


class WrongInstance(InputRejected):
    """The data set is another instance than the message around it says."""


class Owner(Protocol):
    """Whom instances arrive at."""

    journal: Journal | None

    def check_space(self) -> None:
        """See that the disk has as much free as must stay so."""
        ...

    def place(self, kept: Kept, *, study: str, instance: str, sender: str) -> None:
        """Put a durable instance among the others of its study."""
        ...


class Arrival:
    """The bytes of one instance, as they come."""

    def __init__(self, owner: Owner, part: Path) -> None:
        self._owner = owner
        self._part = part
        self._pieces: list[bytes] = []
        self._size = 0
        self._unchecked = 0
        self._file: GrowingFile | None = None
        self._kept: Kept | None = None
        self._identity = ("", "")

    def write(self, data: bytes | memoryview) -> None:
        """Add the next bytes; after an error nothing is left.

        Raises:
            OutOfResources: the disk is full, or nearly.
        """
        try:
            self._check_space(len(data))
            self._size += len(data)
            if self._file is not None:
                self._file.write(data)
            else:
                self._pieces.append(bytes(data))
                if self._size > IN_MEMORY_BYTES or self._owner.journal is None:
                    self._to_file()
        except BaseException:
            self.drop()
            raise

    def keep(self, *, instance: str) -> None:
        """Make the file, which is complete, durable; after this it is to be placed.

        When this returns it survives a power cut: the next start places what was not placed.
        `instance` is the SOP Instance UID the message named; the empty text if it named none.

        Raises:
            OutOfResources: the disk is full.
            InputRejected: it is no CT image, or another instance.
            UnreadableStudy: it is damaged, hostile or beyond the limits.
        """
        try:
            if self._file is not None or not self._keep_in_journal(instance):
                self._keep_in_file(instance)
        finally:
            self._pieces.clear()
            self.drop()

    def place(self, *, sender: str = "") -> None:
        """Put it among the others of its study; nothing happens where it was not kept.

        After the acknowledgement: its sender need not wait for this.
        """
        if self._kept is not None:
            study, instance = self._identity
            self._owner.place(self._kept, study=study, instance=instance, sender=sender)
            self._kept = None

    def drop(self) -> None:
        """Leave nothing of what was not kept."""
        if self._file is not None:
            self._file.close()
            if self._kept is None:
                self._file.path.unlink(missing_ok=True)

    def _keep_in_journal(self, instance: str) -> bool:
        journal = self._owner.journal
        content = b"".join(self._pieces)
        record = journal.begin(content) if journal else None
        if journal is None or record is None:
            return False
        try:
            # Looked at while the disk works.
            self._identity = _identified(content, instance)
            journal.commit(record, content)
        except BaseException:
            journal.abandon(record)
            raise
        self._kept = record
        return True

    def _keep_in_file(self, instance: str) -> None:
        file = self._file or self._to_file()
        # The size in the name tells a later start which of the files left are complete.
        name = self._part.with_name(f"{self._part.name}-{file.size}")
        file.begin(name)
        self._identity = _identified(name, instance)
        file.sync()
        self._kept = name

    def _to_file(self) -> GrowingFile:
        self._file = GrowingFile(self._part)
        for piece in self._pieces:
            self._file.write(piece)
        self._pieces.clear()
        return self._file

    def _check_space(self, size: int) -> None:
        self._unchecked += size
        if self._unchecked > CHECK_BYTES:
            self._owner.check_space()
            self._unchecked = 0


def _identified(source: Path | bytes, instance: str) -> tuple[str, str]:
    """Study and SOP Instance UID of what should be `instance`."""
    study, found = identify(source)
    if instance and found != instance:
        raise WrongInstance("the data set is another instance than the message says")
    return study, found
