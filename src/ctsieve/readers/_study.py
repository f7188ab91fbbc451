"""Hop 1 of the main job: whatever the user points at becomes one image."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from ctsieve.types.cards import ReaderCard, ReadsStudy
from ctsieve.types.catalogue import Catalogue
from ctsieve.types.errors import OutOfResources, UnreadableStudy
from ctsieve.types.volume import CTPicture, CTVolume

READERS: Final = Catalogue("ctsieve.readers", "reader", ReaderCard)
"""Every input format, by name."""

_FIRST: Final = ("dicom", "nifti", "metaimage", "picture", "archive")
"""Who is asked first: in a mixed folder DICOM wins over pictures made from it."""


def read_study(path: Path | str, *, workers: int | None = None) -> CTVolume | CTPicture:
    """The CT at `path`: DICOM folder, file or archive, NIfTI, MetaImage, a picture or its stack.

    What a file is, its first bytes decide, never its name.  `workers` threads decode in parallel
    (None: as many as there are cores); the result does not depend on their number.

    Raises:
        MixedPatients: there are images of more than one patient.
        InputRejected: the bytes are understood and are no CT, or their geometry cannot be trusted.
        UnreadableStudy: the bytes are no study this program can read.
        OutOfResources: memory is exhausted.
    """
    return _read(Path(path), lambda card: card.read, workers)


def read_labels(path: Path | str, *, workers: int | None = None) -> CTVolume | CTPicture:
    """The mask at `path`: as `read_study`, but a pixel is the number it is stored as.

    A picture with a palette shows every kind of lesion in a colour of its own, and `read_study`
    sees the colours' luminance.  Values of a picture are a 255th of the stored number.

    Raises:
        InputRejected: as `read_study`, or the mask is a picture whose pixels are colours.
        UnreadableStudy: as `read_study`.
        OutOfResources: as `read_study`.
    """
    return _read(Path(path), lambda card: card.read_labels or card.read, workers)


def _read(
    path: Path, way: Callable[[ReaderCard], ReadsStudy], workers: int | None
) -> CTVolume | CTPicture:
    for card in _cards():
        if card.claims(path):
            try:
                return way(card)(path, workers=workers)
            except MemoryError as error:
                raise OutOfResources(
                    "the study needs more memory than there is",
                    hint="give one series, or use a machine with more memory",
                ) from error
    if path.is_dir():
        raise UnreadableStudy(
            "there is no image in the folder",
            hint="give a folder of DICOM files or of pictures",
        )
    if path.stat().st_size == 0:
        raise UnreadableStudy("the file is empty", hint="send it again")
    raise UnreadableStudy(
        "the file is no image this program can read",
        hint="DICOM, NIfTI, MetaImage, PNG, JPEG, TIFF, BMP, zip, tar and tar.gz are read",
    )


def _cards() -> Iterator[ReaderCard]:
    names = READERS.names()
    yield from (READERS[name] for name in _FIRST if name in names)
    yield from (READERS[name] for name in names if name not in _FIRST)
