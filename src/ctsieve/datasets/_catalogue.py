"""The catalogue of data sets, and how one of their variants is named."""

from ctsieve.types.cards import DatasetCard
from ctsieve.types.catalogue import Catalogue

DATASETS: Catalogue[DatasetCard] = Catalogue("ctsieve.datasets", "data set", DatasetCard)


def dataset(name: str) -> DatasetCard:
    """The card called `name`, or `name/variant`, as on a command line or in a configuration.

    Raises:
        UnknownName: there is no such data set, or no such variant of it.

    Example:
        >>> dataset("covidx-ct/2A").title
        'COVIDx CT-2A'
    """
    base, slash, variant = name.partition("/")
    card = DATASETS[base]
    return card.variant(variant) if slash else card
