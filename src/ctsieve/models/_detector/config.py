"""Sizes and thresholds of a detector; the defaults are those of One Shot + LSTM + attention.

Paper    Ter-Sarkisov, "One Shot Model For COVID-19 Classification and Lesions Segmentation In Chest
         CT Scans Using LSTM With Attention Mechanism", medRxiv 2021.02.16.21251754, sections 3 and
         4; numbers the paper is silent about are those of its authors' code.
"""

from dataclasses import dataclass, replace
from typing import Literal

from ctsieve.types.errors import UnknownName

ResNetName = Literal["resnet18", "resnet34", "resnet50", "resnext50", "resnext101"]
Preset = Literal["paper", "fixed"]
RESNETS: tuple[ResNetName, ...] = ("resnet18", "resnet34", "resnet50", "resnext50", "resnext101")


@dataclass(frozen=True, slots=True, kw_only=True)
class BackboneConfig:
    """A residual network with a feature pyramid on its last layers."""

    name: ResNetName = "resnext50"
    last_layer: int = 4
    """The residual network ends after this one of its four layers."""
    num_levels: int = 1
    """Levels of the pyramid: this many layers up to the last one."""
    channels: int = 256
    """Of every level of the pyramid."""
    input_statistics: bool = False
    """Batch norm takes its statistics from the image at evaluation too."""

    def __post_init__(self) -> None:
        if self.name not in RESNETS:
            hint = f"known: {', '.join(RESNETS)}"
            raise UnknownName(f"there is no residual network called {self.name!r}", hint=hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalConfig:
    """The region proposal network: anchors, filter and training."""

    sizes: tuple[int, ...] = (2, 4, 8, 16, 32)
    """Square roots of the anchors' areas in pixels."""
    ratios: tuple[float, ...] = (0.1, 0.25, 0.5, 1.0, 1.5, 2.0)
    """Height over width."""
    num_before: tuple[int, int] = (400, 400)
    """Boxes per level that reach suppression, (training, evaluation)."""
    num_after: tuple[int, int] = (200, 200)
    """Boxes that are proposed, (training, evaluation)."""
    suppression: float = 0.75
    """A box is dropped when its IoU with a better one exceeds this."""
    min_side: float = 1e-3
    """Proposals with a shorter side, in pixels, are dropped; 0 keeps boxes without area."""
    foreground: float = 0.7
    background: float = 0.3
    batch: int = 256
    positive_share: float = 0.75
    beta: float = 0.0
    """Of the smooth L1 loss of boxes; 0 is the L1 loss."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchConfig:
    """The box and mask branches: shapes, what is detected, and training."""

    num_kinds: int = 4
    """Kinds of object, background included."""
    box_features: int = 128
    mask_channels: tuple[int, ...] = (256,)
    """Of each 3 x 3 convolution of the mask head."""
    mask_layer: Literal["conv_mask", "conv5_mask"] = "conv_mask"
    """What the authors call the transposed convolution of the mask predictor."""
    score: float = 0.75
    """Detections score more than this."""
    min_area: float = 0.0
    """Square pixels; a detection has more.  Below 0: boxes without area are shown too."""
    suppression: float = 0.5
    num_detections: int = 4
    mask_values: Literal["probability", "logit"] = "probability"
    foreground: float = 0.75
    background: float = 0.5
    batch: int = 256
    positive_share: float = 0.5
    beta: float = 1.0
    """Of the smooth L1 loss of boxes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionConfig:
    """The batch of regions that an image is classified by."""

    number: int = 16
    """The paper's beta."""
    min_area: float = 1e-5
    """Square pixels; a region has more."""
    suppression: float = 0.25
    order: Literal["distance", "score"] = "distance"
    padding: Literal["even", "random"] = "even"
    """How regions are repeated where fewer are found than `number`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorConfig:
    """All parts of a detector."""

    normalisation: Literal["image", "imagenet"] = "image"
    """"image": mean 0 and deviation 1 in every channel of the image; else ImageNet's numbers."""
    backbone: BackboneConfig = BackboneConfig()
    proposals: ProposalConfig = ProposalConfig()
    branches: BranchConfig = BranchConfig()


def with_flat_boxes(config: DetectorConfig, *, shown: bool) -> DetectorConfig:
    """Also boxes without area are proposed, as in the authors' code, and `shown` among objects."""
    branches = replace(config.branches, min_area=-1.0) if shown else config.branches
    return replace(config, proposals=replace(config.proposals, min_side=0.0), branches=branches)
