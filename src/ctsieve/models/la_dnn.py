"""LA-DNN: one slice, one COVID-19 output and five lesion outputs from pooled features.

Paper    Liu, Gao, He, Lv, Yin, "Online COVID-19 diagnosis with chest CT images: lesion-attention
         deep neural networks", medRxiv 2020.05.11.20097907, sections 3.1 and 3.2; the loss as in
         the authors' code (xiaoxuegao499/LA-DNN-for-COVID-19-diagnosis, commit 39a5fca).
Differs  In both presets: MobileNetV2 as an eighth backbone; VGG16 has the same pooled linear head
         as the others, for which Grad-CAM++ has a closed form; a picture may have one channel,
         which is replicated, and is normalised inside; the outputs of several networks may be
         averaged (`LaDnnMean`).
         `fixed` (default) only: values may be normalised otherwise than by ImageNet's numbers
         (`paper`: never), and there may be dropout; lesion terms are masked flag by flag where a
         flag is unknown and averaged over the known ones (`paper`: all five count where any is
         present, and the mean runs over all cells, masked ones too); all five lesion names are
         learned (the authors' code spells two of them otherwise than its files, so that these
         targets were always 0).
Licence  No weights come along.  The authors' repository has no licence; no code is taken from it.

Shapes   B images, R C their rows and columns, F features, L lesions, O = 1 + L outputs,
         H W rows and columns of the last map.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, Self

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from ctsieve.models._backbones import BACKBONES, last_map
from ctsieve.models._heat import grad_cam_plus_plus
from ctsieve.types.cards import ModelCard
from ctsieve.types.errors import UnknownName

LESIONS = ("GGO", "Csld", "CrPa", "AirBr", "InSepThi")
COVID_WEIGHT = 5.0
"""Weight of the COVID-19 term beside each lesion term in the authors' code."""

NORMALISATION = {
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "tensorflow": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
}
"""Mean and deviation of values in [0, 1] that the ImageNet weights were trained with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaDnnConfig:
    """Sizes, and what the input is shifted and scaled by.

    The default sizes are the default bundle's; the published network is `preset="paper"` with
    `backbone="densenet169"`.  `paper` sets normalisation and dropout, whatever their fields say
    (see `resolved`), and names the loss of `LOSSES`.
    """

    preset: Literal["paper", "fixed"] = "fixed"
    backbone: str = "mobilenet-v2"
    num_lesions: int = len(LESIONS)
    normalisation: Literal["imagenet", "tensorflow"] = "tensorflow"
    dropout: float = 0.0

    def __post_init__(self) -> None:
        if self.backbone not in BACKBONES:
            known = ", ".join(BACKBONES)
            raise UnknownName(f"there is no backbone {self.backbone!r}", hint=f"known: {known}")

    def resolved(self) -> Self:
        """The same sizes with what the preset says in every field."""
        if self.preset == "fixed":
            return self
        return replace(self, normalisation="imagenet", dropout=0.0)


class LaDnnOutput(NamedTuple):
    """What `LaDnn` returns."""

    logits: Float[Tensor, "B 1"]  # COVID-19
    lesion_logits: Float[Tensor, "B L"]
    heat: Float[Tensor, "B O H W"]  # Grad-CAM++ of every output, unscaled, not negative


class LaDnn(nn.Module):
    """Backbone, global average pooling, one linear layer with 1 + L outputs."""

    def __init__(self, config: LaDnnConfig) -> None:
        super().__init__()
        config = config.resolved()
        self.config = config
        self.backbone = BACKBONES[config.backbone]
        net = self.backbone.build()
        for name in self.backbone.trunk:
            self.add_module(name, net.get_submodule(name))
        linear = nn.Linear(self.backbone.features, 1 + config.num_lesions)
        nn.init.normal_(linear.weight, std=0.01)
        nn.init.zeros_(linear.bias)
        owner, _, leaf = self.backbone.head.rpartition(".")
        head = nn.Sequential(nn.Dropout(config.dropout), linear) if owner else linear
        self.add_module(owner or leaf, head)
        mean, deviation = NORMALISATION[config.normalisation]
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(deviation).view(1, 3, 1, 1), False)

    @property
    def head(self) -> nn.Linear:
        """The linear layer over pooled features."""
        layer = self.get_submodule(self.backbone.head)
        assert isinstance(layer, nn.Linear)  # noqa: S101  # for the type checker
        return layer

    @property
    def blocks(self) -> list[nn.Module]:
        """The backbone's blocks from the image on."""
        trunk = [self.get_submodule(name) for name in self.backbone.trunk]
        return list(trunk[0].children()) if len(trunk) == 1 else trunk

    def forward(self, x: Float[Tensor, "B C R C2"]) -> LaDnnOutput:
        """Classify slices with values in [0, 1] and one channel, or three."""
        x = (x.expand(-1, 3, -1, -1) - self.get_buffer("mean")) / self.get_buffer("deviation")
        map_BFHW = last_map(self, self.backbone, x)
        pooled_BF = map_BFHW.mean(dim=(2, 3))
        logits_BO = self.get_submodule(self.backbone.head.split(".")[0])(pooled_BF)
        heat = grad_cam_plus_plus(map_BFHW, self.head.weight)
        return LaDnnOutput(logits_BO[:, :1], logits_BO[:, 1:], heat)


class LaDnnMean(nn.Module):
    """Several networks of one shape, trained from different seeds, whose outputs are averaged.

    Not in the paper.  On few training images the mean of some networks errs less than each.
    """

    def __init__(self, members: Sequence[LaDnn]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, x: Float[Tensor, "B C R C2"]) -> LaDnnOutput:
        """Mean logits and mean heat of all members."""
        outputs = [member(x) for member in self.members]
        return LaDnnOutput(
            *(torch.stack(parts).mean(dim=0) for parts in zip(*outputs, strict=True))
        )


class LaDnnTarget(NamedTuple):
    """What a batch should give; `known` is 0 where a lesion flag must not count."""

    covid: Float[Tensor, " B"]
    lesions: Float[Tensor, "B L"]
    known: Float[Tensor, "B L"]
    trust: Float[Tensor, " B"]  # weight of the COVID-19 label; 1 is full trust


def paper_loss(output: LaDnnOutput, target: LaDnnTarget) -> dict[str, Tensor]:
    """The authors' loss: its sum is the mean over all (1 + L) B cells, zeros included.

    Lesion terms count for an image that has at least one lesion; `known` and `trust` are not
    used.  The authors select models by the term `covid` without its weight, `covid / 5`.
    """
    covid_B, lesions_BL = _cross_entropies(output, target)
    cells = covid_B.numel() + lesions_BL.numel()
    has_lesion_B1 = (target.lesions > 0).any(dim=1, keepdim=True).float()
    return {
        "covid": COVID_WEIGHT * covid_B.sum() / cells,
        "lesions": (lesions_BL * has_lesion_B1).sum() / cells,
    }


def fixed_loss(output: LaDnnOutput, target: LaDnnTarget) -> dict[str, Tensor]:
    """The same terms, each over what is known: lesion flags one by one, labels by their trust."""
    covid_B, lesions_BL = _cross_entropies(output, target)
    return {
        "covid": (covid_B * target.trust).mean(),
        "lesions": (lesions_BL * target.known).sum()
        / target.known.sum().clamp(min=1.0)
        / COVID_WEIGHT,
    }


def _cross_entropies(output: LaDnnOutput, target: LaDnnTarget) -> tuple[Tensor, Tensor]:
    """Unreduced terms (B,) and (B, L)."""
    entropy = F.binary_cross_entropy_with_logits
    covid_B = entropy(output.logits[:, 0], target.covid, reduction="none")
    return covid_B, entropy(output.lesion_logits, target.lesions, reduction="none")


LOSSES = {"paper": paper_loss, "fixed": fixed_loss}

CARD = ModelCard(
    title="LA-DNN (lesion-attention multi-task network)",
    paper="https://doi.org/10.1101/2020.05.11.20097907",
    config=LaDnnConfig,
    build=LaDnn,
    example_shape=(2, 1, 64, 64),
)
