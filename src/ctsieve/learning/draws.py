"""Which cases a step sees: a function of seed and step, so that a resumed run sees the same."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from ctsieve.types.cases import Case
from ctsieve.types.errors import InputRejected, UsageError

Numbers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Sampler = Literal["shuffle", "uniform", "class", "class-and-patient"]
"""How training cases are drawn: every one once an epoch, or with replacement: all alike, each class
alike, or each class alike and within it each patient alike."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Draws:
    """The cases of every step."""

    num_cases: int
    batch_size: int
    seed: int
    steps_per_epoch: int
    weights: Floats | None = None
    """Probability of each case, drawn with replacement; None: each once an epoch."""

    def of(self, step: int) -> Numbers:
        """The numbers (B,) of the cases of a step."""
        if self.weights is not None:
            random = np.random.default_rng([self.seed, step])
            return random.choice(self.num_cases, self.batch_size, p=self.weights)
        first = (step % self.steps_per_epoch) * self.batch_size
        places = np.arange(first, first + self.batch_size)
        orders = {
            turn: np.random.default_rng(
                [self.seed, 1, step // self.steps_per_epoch, int(turn)]
            ).permutation(self.num_cases)
            for turn in np.unique(places // self.num_cases)
        }
        return np.array([orders[p // self.num_cases][p % self.num_cases] for p in places])


def draws(
    cases: Sequence[Case], sampler: Sampler, *, batch_size: int, seed: int, steps_per_epoch: int = 0
) -> Draws:
    """Draws of `cases`; with 0 `steps_per_epoch`, as many as see every case once.

    The rest of a set that fills no batch is left out of its epoch, as `drop_last` does.

    Raises:
        InputRejected: there is no case.
    """
    if not cases:
        raise InputRejected("there is no case to train on")
    steps = steps_per_epoch or max(1, len(cases) // batch_size)
    return Draws(
        num_cases=len(cases),
        batch_size=batch_size,
        seed=seed,
        steps_per_epoch=steps,
        weights=None if sampler == "shuffle" else weights_of(cases, sampler),
    )


def weights_of(cases: Sequence[Case], sampler: Sampler) -> Floats:
    """Probability of each case; sums to 1.

    Example:
        >>> a = Case(id="a", patient="1", label="covid19", files=())
        >>> b = Case(id="b", patient="1", label="covid19", files=())
        >>> c = Case(id="c", patient="2", label="covid19", files=())
        >>> d = Case(id="d", patient="3", label="neither", files=())
        >>> weights_of([a, b, c, d], "class-and-patient").tolist()
        [0.125, 0.125, 0.25, 0.5]
    """
    per_class = Counter(case.label for case in cases)
    weights = np.ones(len(cases))
    if sampler in ("class", "class-and-patient"):
        weights = np.array([1.0 / per_class[case.label] for case in cases])
    if sampler == "class-and-patient":
        own = Counter((case.label, case.patient) for case in cases)
        patients = Counter(label for label, _ in own)
        keys = [(case.label, case.patient) for case in cases]
        weights = np.array([1.0 / (patients[k[0]] * own[k]) for k in keys])
    return np.asarray(weights / weights.sum())


def class_numbers(cases: Sequence[Case], labels: Sequence[str]) -> Numbers:
    """The class of each case: its place in `labels`; with one label 1 for it and 0 for any other.

    Raises:
        InputRejected: a case has a label that is not among several.
    """
    if len(labels) == 1:
        return np.array([int(case.label == labels[0]) for case in cases], dtype=np.int64)
    place = {label: number for number, label in enumerate(labels)}
    for case in cases:
        if case.label not in place:
            raise InputRejected(
                f"case {case.id!r} has the label {case.label!r}",
                hint=f"data.labels has {', '.join(labels)}: add it, or leave such cases out",
            )
    return np.array([place[case.label] for case in cases], dtype=np.int64)


def class_counts(cases: Sequence[Case], labels: Sequence[str]) -> tuple[int, ...]:
    """How many cases each class has: one number per label, two for a single label.

    Raises:
        InputRejected: a case has an unknown label.
    """
    number = max(2, len(labels))
    return tuple(np.bincount(class_numbers(cases, labels), minlength=number).tolist())


def require_every_class(sides: Mapping[str, Sequence[Case]], labels: Sequence[str]) -> None:
    """Refuse to train where a class has no case on a side.

    Raises:
        InputRejected: a class is empty.
        UsageError: no labels are given.
    """
    if not labels:
        raise UsageError("data.labels names no label")
    names = labels if len(labels) > 1 else (f"other than {labels[0]}", labels[0])
    for side, cases in sides.items():
        for name, count in zip(names, class_counts(cases, labels), strict=True):
            if count == 0:
                raise InputRejected(
                    f"class {name!r} has no case on the {side} side",
                    hint="check data.sets and data.labels, or change data.tune_share or split_seed",
                )
