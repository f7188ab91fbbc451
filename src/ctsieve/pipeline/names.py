"""The three public catalogues: what can be named on the command line."""

from ctsieve.types.cards import DatasetCard, FormatCard, ModelCard
from ctsieve.types.catalogue import Catalogue

MODELS: Catalogue[ModelCard] = Catalogue("ctsieve.models", "model", ModelCard)
DATASETS: Catalogue[DatasetCard] = Catalogue("ctsieve.datasets", "data set", DatasetCard)
FORMATS: Catalogue[FormatCard] = Catalogue("ctsieve.writers", "format", FormatCard)
