"""One method per file: why a network answered as it did, as heat on the image's own grid."""

from ctsieve.types.cards import ExplainerCard
from ctsieve.types.catalogue import Catalogue

EXPLAINERS: Catalogue[ExplainerCard] = Catalogue("ctsieve.explain", "explanation", ExplainerCard)
