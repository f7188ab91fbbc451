"""Cases of a data set, and splits that keep every patient on one side."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ctsieve.types.errors import InputRejected


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One image of a data set with what is known of it; its files are not opened."""

    id: str
    patient: str
    """What keeps related images together: the patient, or the source paper if unknown.

    Where nothing is known either, all cases of a source are one group: see `is_known`.
    """
    label: str
    """covid19, other_pneumonia, neither, or a data set's own (its CARD lists them)."""
    files: tuple[Path, ...]
    site: str = ""
    partition: str = ""
    """The publisher's own partition ("train", "val", ...), empty where there is none."""
    kind: Literal["picture", "volume", "slice"] = "picture"
    """"slice": one DICOM slice of a scan, given in `files`; "volume": the whole scan."""
    lesions: Mapping[str, bool] = field(default_factory=dict)
    """Lesion flags that are known; a kind that is absent is unknown, not absent."""
    mask: Path | None = None
    box: tuple[int, int, int, int] | None = None
    """Pixels (column, row, column, row), ends excluded."""
    quarter_turns: int = 0
    """Clockwise quarter turns that make the picture upright (spine below)."""
    weight: float = 1.0
    """Trust in the label: below 1 where it is the scan's and not the slice's."""
    scan: str = ""
    """The scan that a slice is from, or a part of a scan is of; empty where unknown."""
    position: int | None = None
    """Of a slice: its number in the scan as the publisher counts; neighbours have near numbers."""
    paper: str = ""
    """The publication that it is a figure of."""
    sex: Literal["female", "male", ""] = ""
    age: float | None = None
    """Years; the middle where the publisher gives a decade."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """What else the publisher says, in the publisher's words: country, severity, ..."""


UNKNOWN = ":unknown"


def is_known(patient: str) -> bool:
    """Whether a name stands for one patient, or paper, and not for all that nobody tells apart.

    Example:
        >>> is_known("cncb:1046"), is_known("medseg:unknown")
        (True, False)
    """
    return not patient.endswith(UNKNOWN)


Sides = Mapping[str, tuple[Case, ...]]
"""Sides of a data set as published: unlike in a `Split`, a patient may be on two of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Sides of a data set ("train", "tune", "test", ...); no patient is on two of them.

    Raises:
        InputRejected: an id appears twice, or a patient on two sides without `leakage` saying so.
    """

    name: str
    sides: Mapping[str, tuple[Case, ...]]
    leakage: tuple[str, ...] = ()
    """What is known to stand on two sides and was accepted, in sentences; empty: nothing.

    Whatever is fitted or measured on such a split carries these sentences.
    """

    def __post_init__(self) -> None:
        side_of: dict[str, str] = {}
        seen: set[str] = set()
        for side, cases in self.sides.items():
            for case in cases:
                if case.id in seen:
                    raise InputRejected(f"case {case.id!r} appears twice in split {self.name!r}")
                seen.add(case.id)
                if side_of.setdefault(case.patient, side) != side and not self.leakage:
                    raise InputRejected(
                        f"patient {case.patient!r} is in {side_of[case.patient]!r} and in {side!r}",
                        hint="split by patient; see `ctsieve data audit`",
                    )

    @property
    def digest(self) -> str:
        """SHA-256 that does not depend on the order of sides or cases."""
        lines = sorted(
            f"{side}\t{c.patient}\t{c.id}\t{c.label}"
            for side, cases in self.sides.items()
            for c in cases
        )
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def num_patients(cases: Iterable[Case]) -> int:
    """How many different patients there are."""
    return len({case.patient for case in cases})
