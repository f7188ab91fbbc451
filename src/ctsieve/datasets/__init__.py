"""One public data set per file: where it is, its licence, its traps, its cases."""

from ctsieve.datasets._counts import shortfalls
from ctsieve.types.cards import DatasetCard
from ctsieve.types.catalogue import Catalogue

__all__ = ["DATASETS", "shortfalls"]

DATASETS: Catalogue[DatasetCard] = Catalogue("ctsieve.datasets", "data set", DatasetCard)
