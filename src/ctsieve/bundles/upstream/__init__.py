"""The authors' checkpoints: one file per repository, names and shapes only, no torch."""

from ctsieve.types.cards import UpstreamCard
from ctsieve.types.catalogue import Catalogue
from ctsieve.types.errors import UnknownName

UPSTREAM: Catalogue[UpstreamCard] = Catalogue(
    "ctsieve.bundles.upstream", "repository", UpstreamCard
)


def upstream_of(model: str) -> UpstreamCard:
    """The repository whose checkpoints fit the model called `model`.

    Raises:
        UnknownName: no repository has weights for it; the hint names the models there are.
    """
    hyphened = model.replace("_", "-")
    for card in UPSTREAM.values():
        if hyphened in card.models:
            return card
    known = ", ".join(sorted(name for card in UPSTREAM.values() for name in card.models))
    raise UnknownName(
        f"no authors' checkpoint fits a model called {model!r}", hint=f"known: {known}"
    )
