"""AlexTS1980/COVID-CT-Mask-Net: Mask R-CNN and the classifier that grows from it.

Source   https://github.com/AlexTS1980/COVID-CT-Mask-Net, commit f06cd37.
Licence  The repository has none: all rights reserved.  No code of it is here, and no weights.
Format   A dict with `model_weights`, `model_name` and a pickled `anchor_generator`, which lists
         five levels for the one or four maps there are.
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
_DRIVE = "Google Drive 177dY9jSSCsk-de2pAH9TZnO6TaC56VfX"


def settings(model: str, published: Shapes) -> Settings:
    """Sizes of the detector; for `mask-net` also the stage, and module S of the second one."""
    shapes = renamed(published, rename)
    sizes = detector_settings(shapes)
    if model == "mask-rcnn":
        return sizes
    if not any(name.startswith("s2new.") for name in shapes):
        return {**sizes, "stage": "segmentation"}
    return {**sizes, **region_score_settings(shapes), "stage": "classification"}


CARD = UpstreamCard(
    title="COVID-CT-Mask-Net, and the Mask R-CNN that it starts from",
    source="https://github.com/AlexTS1980/COVID-CT-Mask-Net",
    commit="f06cd37",
    licence="none",
    weights=(
        PublishedWeights(
            title="segmentation (full: two classes, merged; light: ResNet34, ResNet18)",
            where=_DRIVE,
            state="in one zip archive of about 590 MB: take one .pth file out of it",
        ),
        PublishedWeights(
            title="classification (full: two classes, merged; light: ResNet34, ResNet18)",
            where=_DRIVE,
            state="in the same archive",
        ),
    ),
    models=("mask-net", "mask-rcnn"),
    rename=rename,
    settings=settings,
)
