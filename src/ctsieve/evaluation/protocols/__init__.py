"""The papers' own tables, one paper per file: published numbers beside ours."""

from ctsieve.evaluation.protocols._card import ProtocolCard
from ctsieve.types.catalogue import Catalogue

PROTOCOLS: Catalogue[ProtocolCard] = Catalogue(
    "ctsieve.evaluation.protocols", "protocol", ProtocolCard
)
