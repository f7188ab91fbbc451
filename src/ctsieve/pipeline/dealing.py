"""Who is on which side of a run: settings that every kind of run has, and what they come to."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from ctsieve.learning.folds import fold_by_patient
from ctsieve.learning.split import split_by_patient
from ctsieve.types.cases import Case, Split


class Dealing(BaseModel):
    """Which data sets, and how their patients are dealt."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    sets: Annotated[tuple[str, ...], Field(min_length=1)]
    """Names of data sets; all are walked from one folder."""
    split: str = ""
    """A file of `ctsieve data split`, in place of the settings below; its digest is checked."""
    accept_leakage: bool = False
    """Train although patients, scans or papers are on two sides; every result then says so."""
    tune_share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.25
    """Of the patients of a site whose publisher made no partitions."""
    always_train: tuple[str, ...] = ()
    """Sites or patients."""
    always_tune: tuple[str, ...] = ()
    split_seed: int = 0


def dealt(data: Dealing, cases: Iterable[Case], *, folds: int) -> Split:
    """Sides "train" and "tune" by patient, or that many folds."""
    name, always_train = "+".join(data.sets), frozenset(data.always_train)
    if folds > 1:
        return fold_by_patient(
            cases, name=name, folds=folds, seed=data.split_seed, always_train=always_train
        )
    return split_by_patient(
        cases,
        name=name,
        tune_share=data.tune_share,
        seed=data.split_seed,
        always_train=always_train,
        always_tune=frozenset(data.always_tune),
    )
