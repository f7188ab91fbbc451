"""Every case of an audit is opened once, in several processes, and what was seen is kept."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ctsieve.learning.views import DICOM_SUFFIXES, case_images
from ctsieve.ops.look import Look, look_at
from ctsieve.ops.processes import Workers
from ctsieve.types.cases import Case
from ctsieve.types.errors import InputRejected

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seen:
    """The cases that could be read, with their looks."""

    cases: tuple[Case, ...]
    looks: tuple[Look, ...]
    unreadable: Mapping[str, str] = field(default_factory=dict)


def look_at_all(cases: Sequence[Case], *, workers: int | None, progress: Progress) -> Seen:
    """Open every case once."""
    looks: dict[str, Look] = {}
    unreadable: dict[str, str] = {}
    with Workers(workers) as pool:
        for case, look in zip(cases, pool.map(_look, cases), strict=True):
            if isinstance(look, Look):
                looks[case.id] = look
            else:
                unreadable[case.id] = look
            progress(len(looks) + len(unreadable), len(cases))
    readable = tuple(case for case in cases if case.id in looks)
    return Seen(cases=readable, looks=tuple(looks[c.id] for c in readable), unreadable=unreadable)


def _look(case: Case) -> Look | str:
    """Runs in a worker: a look at a case's image, or why there is none."""
    try:
        image = next(case_images(middle_of(case)))
    except InputRejected as error:
        return str(error)
    except OSError as error:
        return f"{case.files[0].name}: {error.strerror or error}"
    return look_at(image)


def middle_of(case: Case) -> Case:
    """A scan that is many picture files as its middle picture; other cases as they are."""
    if len(case.files) == 1 or case.files[0].suffix.lower() in DICOM_SUFFIXES:
        return case
    return replace(case, files=(case.files[len(case.files) // 2],))


def extension(case: Case) -> str:
    """The extension of a case's first file, lower case; "none" without one."""
    return case.files[0].suffix.lower() or "none"
