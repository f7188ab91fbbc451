"""One paper family per file or folder (torch)."""

from ctsieve.types.cards import ModelCard
from ctsieve.types.catalogue import Catalogue

MODELS: Catalogue[ModelCard] = Catalogue("ctsieve.models", "model", ModelCard)
