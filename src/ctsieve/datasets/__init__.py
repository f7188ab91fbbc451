"""One public data set per file: where it is, its licence, its traps, its cases."""

from ctsieve.datasets._catalogue import DATASETS, dataset
from ctsieve.datasets._counts import shortfalls

__all__ = ["DATASETS", "dataset", "shortfalls"]
