"""Hop 3: a screening becomes files, all of them or none."""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ctsieve.pipeline.names import FORMATS
from ctsieve.types.cards import FormatCard
from ctsieve.types.errors import OutOfResources, UsageError
from ctsieve.types.results import Screening
from ctsieve.types.volume import CTPicture, CTVolume

DEFAULT_FORMATS = ("json", "html")


def write(
    screening: Screening, out: Path | str, formats: Sequence[str] | str = DEFAULT_FORMATS
) -> list[Path]:
    """Write `screening` into folder `out` in each of `formats` (or one); returns the files.

    Formats that one of them refers to are written along (a DICOM report and its segments).  Files
    are made under a temporary name in `out` and moved into place once every format is complete: a
    failure leaves `out` as it was.

    Raises:
        UnknownName: no such format.
        UsageError: a format needs Hounsfield units and the image is a picture.
        OutOfResources: the disk is full or may not be written.
    """
    folder = Path(out)
    names = [formats] if isinstance(formats, str) else formats
    cards = [_card(name, screening.image) for name in _with_companions(names)]
    made = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return _write_all(screening, folder, cards)
    except OSError as error:
        raise OutOfResources(
            f"cannot write to {folder}: {error.strerror or error}",
            hint="check the free space and the permissions of that folder",
        ) from error
    finally:
        if made and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _with_companions(formats: Sequence[str]) -> tuple[str, ...]:
    """Each format once, after those whose files it refers to."""
    ordered: dict[str, None] = {}
    for name in formats:
        ordered |= dict.fromkeys((*FORMATS[name].along, name.replace("_", "-")))
    return tuple(ordered)


def check_formats(image: CTVolume | CTPicture, formats: Sequence[str]) -> None:
    """Whether results of `image` can be written so: worth knowing before it is judged.

    Raises:
        UnknownName: no such format.
        UsageError: a format needs Hounsfield units and the image is a picture.
    """
    for name in formats:
        _card(name, image)


def _card(name: str, image: CTVolume | CTPicture) -> FormatCard:
    card = FORMATS[name]
    if isinstance(image, CTPicture) and not card.pictures:
        raise UsageError(
            f"format {name!r} needs Hounsfield units and millimetres, and this is a picture",
            hint="leave it out, or give the DICOM study the picture was made from",
        )
    return card


def _write_all(screening: Screening, folder: Path, cards: Sequence[FormatCard]) -> list[Path]:
    partial = Path(tempfile.mkdtemp(dir=folder, prefix=".ctsieve-"))
    try:
        made = [path for card in cards for path in card.write(screening, partial)]
        return [_moved(path, partial, folder) for path in made]
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _moved(path: Path, partial: Path, folder: Path) -> Path:
    target = folder / path.relative_to(partial)
    target.parent.mkdir(parents=True, exist_ok=True)
    path.replace(target)
    return target
