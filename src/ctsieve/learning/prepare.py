"""Write a prepared data set, shard by shard, in several processes; see `ctsieve.learning.prepared`.

A shard's files appear whole or not at all and its record last, so a killed run loses at most the
shard it was at, and the next one goes on.  The bytes do not depend on the number of processes.
"""

import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from ctsieve.learning.prepared import (
    CASE,
    MANIFEST,
    SHARDS,
    CaseRecord,
    Manifest,
    ShardRecord,
    check_shard,
    manifest_digest,
    order_digest,
)
from ctsieve.learning.views import Bytes, CaseViews, PrepareSettings, case_views
from ctsieve.learning.whole_files import check_room, explained, write_whole
from ctsieve.ops.processes import Workers
from ctsieve.types.cases import Case
from ctsieve.types.errors import InputRejected, UnreadableStudy, UsageError
from ctsieve.version import __version__

Progress = Callable[[int, int], None]
Made = CaseViews | str
"""The bytes of a case, or the sentence that says why there are none."""

ORDER = "order"
"""The file that says which preparation a folder is for, from its first shard on."""
SHARD_VIEWS = 256
"""Views that a shard has at least, unless it is the last; a scan counts as its files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareRun:
    """What a run of `prepare_cases` does beside deciding bytes."""

    data: str
    """Names of the data sets, for the manifest."""
    root: Path
    """Files are recorded relative to this folder."""
    workers: int | None = None
    """Processes; None: one a core."""
    skip_unreadable: bool = False
    """Leave unreadable cases out and say so in the manifest, instead of stopping."""
    shard_views: int = SHARD_VIEWS


def prepare_cases(
    cases: Sequence[Case],
    folder: Path,
    settings: PrepareSettings,
    *,
    run: PrepareRun,
    progress: Progress = lambda _done, _total: None,
) -> Manifest:
    """Prepare `cases` into `folder`, going on where an earlier run with the same settings stopped.

    Raises:
        UsageError: `folder` holds something else, or there is nothing to prepare.
        InputRejected: a case cannot be read (and `run.skip_unreadable` is off); what was finished
            stays.
        OutOfResources: the disk has or had too little room; what was finished stays.
    """
    if not cases:
        raise UsageError("there is no case to prepare")
    shards = _divided(cases, run.shard_views)
    order = order_digest(cases, settings, run.shard_views)
    _claim(folder, order)
    finished: list[ShardRecord] = []
    done = 0
    with Workers(run.workers) as workers:
        for number, own in enumerate(shards):
            record = _finished(folder, _name(number))
            if record is None:
                left = sum(len(later) for later in shards[number:])
                check_room(folder, left * _bytes_of_a_case(settings, own))
                counted = _counting(progress, done, len(cases))
                made = _made(workers, own, settings, skip=run.skip_unreadable, counted=counted)
                record = _write_shard(folder, _name(number), own, made, root=run.root)
            finished.append(record)
            done += len(own)
            progress(done, len(cases))
    manifest = Manifest(
        software=f"ctsieve {__version__}",
        data=run.data,
        settings=settings,
        order=order,
        digest=manifest_digest(settings, finished),
        shards=tuple(finished),
    )
    write_whole(folder / MANIFEST, manifest.model_dump_json(indent=1).encode())
    return manifest


def _divided(cases: Sequence[Case], views: int) -> list[list[Case]]:
    """Cases in order, in shards of at least `views` files."""
    shards: list[list[Case]] = [[]]
    for case in cases:
        if sum(len(c.files) for c in shards[-1]) >= views:
            shards.append([])
        shards[-1].append(case)
    return shards


def _name(number: int) -> str:
    return f"{number:05d}"


def _claim(folder: Path, order: str) -> None:
    """Make `folder` this preparation's.

    Raises:
        UsageError: it holds another one, or other files.
    """
    mark = folder / SHARDS / ORDER
    if mark.is_file():
        if mark.read_text(encoding="utf-8") != order:
            raise UsageError(
                f"{folder.name!r} holds other cases, or cases prepared with other settings",
                hint="give a new folder, or delete that one",
            )
        return
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder.name!r} holds other files", hint="give a new folder")
    with explained(folder):
        (folder / SHARDS).mkdir(parents=True, exist_ok=True)
    write_whole(mark, order.encode())


def _finished(folder: Path, name: str) -> ShardRecord | None:
    """The record of a shard that an earlier run finished, its bytes checked; None if there is none.

    A damaged shard is as good as none and is made again.
    """
    try:
        record = ShardRecord.model_validate_json((folder / SHARDS / f"{name}.json").read_bytes())
        check_shard(folder, record, deep=True)
    except (FileNotFoundError, ValidationError, InputRejected):
        return None
    return record


def _counting(progress: Progress, done: int, total: int) -> Callable[[int], None]:
    return lambda number: progress(done + number, total)


def _made(
    workers: Workers,
    cases: Sequence[Case],
    settings: PrepareSettings,
    *,
    skip: bool,
    counted: Callable[[int], None],
) -> list[Made]:
    """The cases' bytes; with `skip`, for an unreadable one why it is."""
    made: list[Made] = []
    for views in workers.map(partial(_views_or_reason, settings=settings), cases):
        if isinstance(views, str) and not skip:
            raise UnreadableStudy(
                f"case {cases[len(made)].id!r} cannot be prepared: {views}",
                hint="repair it or take it out (ctsieve data prepare --skip-unreadable names all "
                "such cases); finished shards stay",
            )
        made.append(views)
        counted(len(made))
    return made


def _views_or_reason(case: Case, *, settings: PrepareSettings) -> Made:
    """Runs in a worker: what the outside did wrong comes back as its sentence."""
    try:
        return case_views(case, settings)
    except InputRejected as error:
        return str(error)
    except OSError as error:
        return f"{case.files[0].name}: {error.strerror or error}"


def _write_shard(
    folder: Path, name: str, cases: Sequence[Case], made: Sequence[Made], *, root: Path
) -> ShardRecord:
    """Write one shard's arrays, then its record."""
    records: list[CaseRecord] = []
    num_views = num_masks = 0
    for case, views in zip(cases, made, strict=True):
        plain = _portable(case, root)
        if isinstance(views, str):
            records.append(CaseRecord(case=plain, unreadable=views))
            continue
        windows, slices = views.pixels.shape[:2]
        records.append(
            CaseRecord(
                case=plain,
                source=views.digest,
                first=num_views,
                windows=windows,
                slices=slices,
                mask_first=num_masks,
                mask_slices=len(views.masks),
            )
        )
        num_views += windows * slices
        num_masks += len(views.masks)
    good = [views for views in made if not isinstance(views, str)]
    pixels = [views.pixels.reshape(-1, *views.pixels.shape[2:]) for views in good]
    masks = [views.masks for views in good if len(views.masks)]
    record = ShardRecord(
        name=name,
        views=num_views,
        sha256=_write_array(folder / SHARDS / f"{name}.npy", pixels),
        mask_views=num_masks,
        mask_sha256=_write_array(folder / SHARDS / f"{name}-masks.npy", masks),
        cases=tuple(records),
    )
    write_whole(folder / SHARDS / f"{name}.json", record.model_dump_json(indent=1).encode())
    return record


def _portable(case: Case, root: Path) -> dict[str, object]:
    """The case as JSON, its files relative to the data's root: no place of this machine."""
    plain: dict[str, object] = CASE.dump_python(case, mode="json")
    plain["files"] = [_relative(path, root) for path in case.files]
    plain["mask"] = None if case.mask is None else _relative(case.mask, root)
    return plain


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name


def _write_array(path: Path, parts: Sequence[Bytes]) -> str:
    """Write arrays as one .npy file and return its SHA-256; nothing, and "", where none is."""
    if not parts:
        return ""
    buffer = io.BytesIO()
    np.save(buffer, np.concatenate(parts))
    write_whole(path, buffer.getvalue())
    return hashlib.sha256(buffer.getbuffer()).hexdigest()


def _bytes_of_a_case(settings: PrepareSettings, cases: Sequence[Case]) -> int:
    """About how much a case of a shard takes; a picture is kept under one window."""
    rows, columns = settings.input.size
    windows = {True: 1, False: len(settings.windows)}
    views = sum(len(case.files) * windows[case.kind == "picture"] for case in cases)
    return round(views * rows * columns / len(cases))
