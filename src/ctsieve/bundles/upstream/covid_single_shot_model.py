"""AlexTS1980/COVID-Single-Shot-Model: the Single Shot Model.

Source   https://github.com/AlexTS1980/COVID-Single-Shot-Model, commit 9dc1f53.
Licence  The repository has none: all rights reserved.  No code of it is here, and no weights.
Format   A dict with `model_weights` and a pickled `anchor_generator`.
"""

from ctsieve.bundles.upstream._detector import (
    MASK5,
    SPELLINGS,
    detector_settings,
    region_score_settings,
)
from ctsieve.bundles.upstream._names import renamed, renamer
from ctsieve.types.cards import PublishedWeights, Settings, Shapes, UpstreamCard

rename = renamer(*SPELLINGS, MASK5)


def settings(_model: str, published: Shapes) -> Settings:
    """Sizes of the detector and of module S."""
    shapes = renamed(published, rename)
    return {**detector_settings(shapes), **region_score_settings(shapes)}


CARD = UpstreamCard(
    title="Single Shot Model",
    source="https://github.com/AlexTS1980/COVID-Single-Shot-Model",
    commit="9dc1f53",
    licence="none",
    weights=(
        PublishedWeights(
            title="CNCB-NCOV",
            where="Google Drive 1llKwQc0-1X70SgO1P9QlNqxP0vRXw6x_",
            state="linked from the readme",
        ),
        PublishedWeights(
            title="iCTCF-CT",
            where="Google Drive 1eX6OTh1eej9-VOzjXEoiubyQU2YExSrD",
            state="linked from the readme",
        ),
    ),
    models=("single-shot",),
    rename=rename,
    settings=settings,
)
