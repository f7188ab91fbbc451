"""Nothing is fitted on cases that are kept back for judging: locked sets, publishers' tests."""

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from ctsieve.datasets.release import MANIFEST, KeptBack, kept_back, release_at
from ctsieve.learning.split import trainable
from ctsieve.types.cases import Case
from ctsieve.types.errors import InputRejected
from ctsieve.types.members import Member


def refuse_locked(cases: Iterable[Case], data: Path) -> None:
    """Let pass only cases that no locked set keeps back.

    Known are the locked sets and releases that the cases' files lie in (links are followed), that
    `data` is, or that lie in it.  A case is kept back if it is of a locked set, its patient is, or
    a file of it has the very bytes of a locked image, under whatever name.  Images that were
    written anew, with no release beside them that lists them, cannot be known.

    Raises:
        InputRejected: one is kept back.
    """
    listed = list(cases)
    releases = dict.fromkeys(_beside(data))
    above = cache(_release_above)
    for case in listed:
        releases |= dict.fromkeys(filter(None, (above(place) for place in _places(case))))
    known = KeptBack()
    for folder in releases:
        release = release_at(folder)
        if release is not None:
            known |= kept_back(folder, release)
    if not known.patients:
        return
    sizes = {member.bytes for member in known.images}
    for case in listed:
        if case.patient in known.patients or _is_copy(case, known, sizes):
            raise InputRejected(
                f"case {case.id!r} is of a locked set, which is kept back to judge candidates by",
                hint="fit on a release: it holds the accepted cases of all other patients",
            )


def refuse_as_tune(cases: Iterable[Case], data: Path, *, chosen: bool) -> None:
    """Let pass only cases that something may be fitted on.

    `chosen` are those that somebody's own split file puts on the tune side, whatever their
    publisher says of them.

    Raises:
        InputRejected: one is kept back, by a service or by its publisher.
    """
    listed = list(cases)
    refuse_locked(listed, data)
    if not chosen:
        refuse_published_tests(listed)


def refuse_published_tests(cases: Iterable[Case]) -> None:
    """Let pass only cases that their publisher gives for training or tuning.

    Raises:
        InputRejected: one is of a test, or of what else its publisher keeps back.
    """
    listed = list(cases)
    fit = {case.id for case in trainable(listed)}
    kept = [case for case in listed if case.id not in fit]
    if kept:
        raise InputRejected(
            f"{len(kept)} of {len(listed)} cases are kept back by their publisher: case "
            f"{kept[0].id!r} is of the partition {kept[0].partition!r}, so they are no tune data",
            hint="nothing may be fitted on test data: say which cases are by --config or --split",
        )


def _beside(data: Path) -> Iterator[Path]:
    """Folders of releases: `data`, and those in it."""
    folder = data if data.is_dir() else data.parent
    for manifest in (folder / MANIFEST, *folder.glob(f"*/{MANIFEST}")):
        if manifest.is_file():
            yield manifest.parent.resolve()


def _places(case: Case) -> set[Path]:
    """Folders that the files of a case really lie in."""
    return {(f.resolve() if f.is_symlink() else f).parent for f in case.files}


def _release_above(folder: Path) -> Path | None:
    """The innermost folder, this one or one above, that a release lies in."""
    real = folder.resolve()
    return next((place for place in (real, *real.parents) if (place / MANIFEST).is_file()), None)


def _is_copy(case: Case, known: KeptBack, sizes: set[int]) -> bool:
    """Whether a file of a case is a locked image; only files of the size of one are read."""
    return any(
        file.stat().st_size in sizes and Member.of(file) in known.images for file in _files(case)
    )


def _files(case: Case) -> Iterator[Path]:
    for file in case.files:
        yield from (p for p in file.rglob("*") if p.is_file()) if file.is_dir() else (file,)
