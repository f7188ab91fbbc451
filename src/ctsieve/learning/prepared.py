"""A prepared data set: decoded, cropped, resized slices in mapped files; nothing decodes again.

    prepared/manifest.json         settings, cases, shards, digest; written last, so it is complete
    prepared/shards/00000.npy      uint8 (V, R, C): the views of some cases, one after another
    prepared/shards/00000-masks.npy   uint8 (M, R, C): the labels of those that have a mask
    prepared/shards/00000.json     which cases these are, and the SHA-256 of both files

docs/reference/prepared.md describes every field.

Shapes   V views, M mask slices, N cases, W windows, S slices, R rows, C columns.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from ctsieve.learning.views import Bytes, PrepareSettings
from ctsieve.types.cases import Case
from ctsieve.types.errors import InputRejected, UsageError
from ctsieve.types.provenance import file_digest

MANIFEST = "manifest.json"
SHARDS = "shards"
SCHEMA: Final = "ctsieve-prepared/1"
CASE: TypeAdapter[Case] = TypeAdapter(Case)
Count = Annotated[int, Field(ge=0)]
Numbers = npt.NDArray[np.int64]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CaseRecord(_Record):
    """Where the bytes of a case lie in its shard, or why there are none."""

    case: dict[str, Any]
    """The case as its data set walked it; files are relative to the data's root."""
    source: str = ""
    """SHA-256 of what was read."""
    first: Count = 0
    windows: Count = 0
    slices: Count = 0
    mask_first: Count = 0
    mask_slices: Count = 0
    unreadable: str = ""
    """Why the case was left out; empty where it was not."""


class ShardRecord(_Record):
    """One finished shard."""

    name: str
    views: Count
    sha256: str
    mask_views: Count
    mask_sha256: str
    cases: tuple[CaseRecord, ...]


class Manifest(_Record):
    """What `manifest.json` holds."""

    schema_version: Literal["ctsieve-prepared/1"] = SCHEMA
    software: str
    data: str
    """Names of the data sets."""
    settings: PrepareSettings
    order: str
    """SHA-256 of the cases to prepare, in order, with the settings."""
    digest: str
    """SHA-256 of the settings and of every shard's bytes and cases."""
    shards: tuple[ShardRecord, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """Mapped arrays (v, R, C) one after another, indexed as one array (V, R, C).

    Example:
        >>> stack = Stack((np.zeros((2, 1, 1), np.uint8), np.ones((3, 1, 1), np.uint8)), (1, 1))
        >>> stack.shape, stack[[1, 2]].ravel().tolist()
        ((5, 1, 1), [0, 1])
    """

    parts: tuple[Bytes, ...]
    size: tuple[int, int]

    def __len__(self) -> int:
        """V."""
        return sum(len(part) for part in self.parts)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(V, R, C)."""
        return len(self), *self.size

    def __getitem__(self, index: int | slice | Sequence[int] | Numbers) -> Bytes:
        """One view (R, C), or copies of several (n, R, C)."""
        numbers = np.arange(len(self))[index]
        ends = np.cumsum([len(part) for part in self.parts])
        shard = np.searchsorted(ends, numbers, side="right")
        starts = np.concatenate([[0], ends])[shard]
        if numbers.ndim == 0:
            return np.asarray(self.parts[int(shard)][int(numbers - starts)])
        out = np.empty((numbers.size, *self.size), dtype=np.uint8)
        for number in np.unique(shard):
            mine = shard == number
            out[mine] = self.parts[number][(numbers - starts)[mine]]
        return out


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PreparedCases:
    """An opened preparation: case `i` has `windows[i]` times `slices[i]` views from `first[i]` on.

    All slices of the first window come first.  Unreadable cases are not among `cases`.
    """

    cases: tuple[Case, ...]
    pixels: Stack
    """(V, R, C), bytes of 0..255."""
    first: Numbers
    windows: Numbers
    slices: Numbers
    masks: Stack
    """(M, R, C), labels."""
    mask_first: Numbers
    """-1 where a case has no mask."""
    settings: PrepareSettings
    digest: str
    unreadable: Mapping[str, str]
    """Ids of cases that were left out, and why."""

    def views(self, case: int, *, window: int = 0) -> Bytes:
        """The slices (S, R, C) of a case under one of its windows."""
        start = int(self.first[case]) + window * int(self.slices[case])
        return self.pixels[start : start + int(self.slices[case])]

    def labels(self, case: int) -> Bytes:
        """The mask (S, R, C) of a case; (0, R, C) where it has none."""
        start = int(self.mask_first[case])
        return self.masks[start : start + int(self.slices[case])] if start >= 0 else self.masks[:0]


def open_prepared(folder: Path, *, verify: bool = False) -> PreparedCases:
    """Map a finished preparation; `verify` also checks the SHA-256 of every shard.

    Raises:
        UsageError: `folder` is no finished preparation.
        InputRejected: a shard is missing or damaged.
    """
    manifest = read_manifest(folder)
    for shard in manifest.shards:
        check_shard(folder, shard, deep=verify)
    records = [(shard, record) for shard in manifest.shards for record in shard.cases]
    starts = _starts([shard.views for shard in manifest.shards])
    mask_starts = _starts([shard.mask_views for shard in manifest.shards])
    number = {shard.name: i for i, shard in enumerate(manifest.shards)}
    good = [(number[shard.name], r) for shard, r in records if not r.unreadable]
    size = manifest.settings.input.size
    return PreparedCases(
        cases=tuple(CASE.validate_python(r.case) for _, r in good),
        pixels=_stack(folder, [s.name for s in manifest.shards if s.views], size),
        first=_numbers(starts[i] + r.first for i, r in good),
        windows=_numbers(r.windows for _, r in good),
        slices=_numbers(r.slices for _, r in good),
        masks=_stack(folder, [f"{s.name}-masks" for s in manifest.shards if s.mask_views], size),
        mask_first=_numbers(
            mask_starts[i] + r.mask_first if r.mask_slices else -1 for i, r in good
        ),
        settings=manifest.settings,
        digest=manifest.digest,
        unreadable={str(r.case["id"]): r.unreadable for _, r in records if r.unreadable},
    )


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a finished preparation.

    Raises:
        UsageError: there is none, or it is of another version.
    """
    try:
        return Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except FileNotFoundError as error:
        raise UsageError(
            f"{folder.name!r} is no finished preparation",
            hint="run `ctsieve data prepare` with the same settings again: it goes on",
        ) from error
    except ValidationError as error:
        raise UsageError(
            f"{folder.name}/{MANIFEST} is not of schema {SCHEMA}", hint="prepare into a new folder"
        ) from error


def check_shard(folder: Path, shard: ShardRecord, *, deep: bool) -> None:
    """Whether a shard's files are there; with `deep`, whether their bytes are what was written.

    Raises:
        InputRejected: they are not.
    """
    for count, name, wanted in (
        (shard.views, shard.name, shard.sha256),
        (shard.mask_views, f"{shard.name}-masks", shard.mask_sha256),
    ):
        path = folder / SHARDS / f"{name}.npy"
        if count and (not path.is_file() or (deep and file_digest(path) != wanted)):
            raise InputRejected(
                f"shard {path.name} is {'damaged' if path.is_file() else 'missing'}",
                hint=f"delete {MANIFEST} and {shard.name}.json, and prepare again: it makes only "
                "what is missing",
            )


def manifest_digest(settings: PrepareSettings, shards: Sequence[ShardRecord]) -> str:
    """SHA-256 that names the prepared bytes, their cases and how they were made."""
    parts = [settings.model_dump_json(), *(shard.model_dump_json() for shard in shards)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def order_digest(cases: Sequence[Case], settings: PrepareSettings, per_shard: int) -> str:
    """SHA-256 of what is to be prepared: two runs with the same one make the same folder."""
    rows = [[c.id, c.patient, c.label, c.kind, len(c.files), c.quarter_turns] for c in cases]
    text = json.dumps([rows, settings.model_dump(mode="json"), per_shard])
    return hashlib.sha256(text.encode()).hexdigest()


def _stack(folder: Path, names: Sequence[str], size: tuple[int, int]) -> Stack:
    files = [folder / SHARDS / f"{name}.npy" for name in names]
    return Stack(tuple(np.load(file, mmap_mode="r") for file in files), size)


def _starts(counts: Sequence[int]) -> list[int]:
    return [sum(counts[:i]) for i in range(len(counts))]


def _numbers(values: Iterable[int]) -> Numbers:
    return np.fromiter(values, dtype=np.int64)
