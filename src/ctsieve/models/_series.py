"""What the series models share: ImageNet features of every slice, mostly frozen, and a head.

Paper    Ye, "COVID-19 classification of chest CT scans using bidirectional LSTM and attention
         trained on large, novel dataset", Stanford University, sections 4.1 to 4.4.  The code is
         not public.
Differs  The paper leaves open, and here is decided in both presets: "the last 2 modules" are layer3
         and layer4 of ResNet50, inception5a and inception5b of GoogLeNet; batch norm of frozen
         modules stays in evaluation mode; values in [0, 1] are normalised as the ImageNet weights
         expect.  Scans of a batch may differ in length: masked slices are left out before anything
         is computed.  One class (a sigmoid) as in the paper, or several.
Licence  No weights come along.

Shapes   B scans, S places for slices, K kept slices of all scans, R C rows and columns,
         F features of a slice, L classes.
"""

from dataclasses import dataclass
from typing import Generic, Literal, Protocol, Self, TypeVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from ctsieve.models._backbones import ALL_BACKBONES, last_map, normalisation
from ctsieve.models._sequences import SliceFeatures, require_slices
from ctsieve.types.errors import UnknownName

LAST_TWO = {"resnet50": ("layer3", "layer4"), "googlenet": ("inception5a", "inception5b")}
"""The modules that the LSTM models train."""

PAPER = (
    "Ye, COVID-19 classification of chest CT scans using bidirectional LSTM and attention trained "
    "on large, novel dataset, Stanford University"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesConfig:
    """Sizes and quirks; changing anything but `preset` changes the weights."""

    preset: Literal["paper", "fixed"] = "fixed"
    backbone: Literal["resnet50", "googlenet"] = "resnet50"
    num_classes: int = 1

    def __post_init__(self) -> None:
        if self.backbone not in LAST_TWO:
            known = " and ".join(LAST_TWO)
            raise UnknownName(f"there is no backbone {self.backbone!r}", hint=f"known: {known}")

    @property
    def features(self) -> int:
        """F: how many features the backbone gives a slice."""
        return ALL_BACKBONES[self.backbone].features


Output_co = TypeVar("Output_co", bound=tuple[Tensor, ...], covariant=True)


class Head(Protocol[Output_co]):
    """What turns the features of a scan's slices into its answer."""

    def __call__(self, packed_KF: Tensor, keep_BS: Tensor) -> Output_co:
        """The answer for features (K, F) of the kept slices of scans with mask (B, S)."""
        ...


class SeriesModel(nn.Module, Generic[Output_co]):
    """A backbone under torchvision's own key names, and a head called `head`.

    Of the backbone only the modules named in `trained` learn.
    """

    def __init__(
        self, config: SeriesConfig, head: Head[Output_co], *, trained: tuple[str, ...]
    ) -> None:
        super().__init__()
        self.config = config
        self.backbone = ALL_BACKBONES[config.backbone]
        self.trained = trained
        net = self.backbone.build()
        for name in self.backbone.trunk:
            part = net.get_submodule(name).requires_grad_(name in self.trained)
            self.add_module(name, part)
        self.head = head
        mean, deviation = normalisation(config.backbone)
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(deviation).view(1, 3, 1, 1), False)

    def train(self, mode: bool = True) -> Self:
        """Switch the head and the trained modules; frozen ones stay in evaluation mode."""
        super().train(mode)
        for name in set(self.backbone.trunk) - set(self.trained):
            self.get_submodule(name).eval()
        return self

    def forward(self, x: Float[Tensor, "B S C R C2"], keep: Bool[Tensor, "B S"]) -> Output_co:
        """Classify scans with values in [0, 1]; `keep` is False where there is no slice.

        Raises:
            InputRejected: a scan has no kept slice.
        """
        require_slices(keep)
        return self.read_scan(self.slice_features(x[keep]).features, keep)

    def slice_features(self, x: Float[Tensor, "K C R C2"]) -> SliceFeatures:
        """Pooled features of slices with values in [0, 1] and one channel, or three."""
        x = (x.expand(-1, 3, -1, -1) - self.get_buffer("mean")) / self.get_buffer("deviation")
        return SliceFeatures(last_map(self, self.backbone, x).mean(dim=(2, 3)))

    def read_scan(self, features: Float[Tensor, "K F"], keep: Bool[Tensor, "B S"]) -> Output_co:
        """The answer for scans from the packed features of their kept slices."""
        return self.head(features, keep)


def is_trained(name: str) -> bool:
    """The paper trains the head and the last two modules of the backbone."""
    last_two = (module for modules in LAST_TWO.values() for module in modules)
    return name.startswith(("head.", *(f"{module}." for module in last_two)))


def is_of_head(name: str) -> bool:
    """The max-pooling model trains its head only."""
    return name.startswith("head.")
