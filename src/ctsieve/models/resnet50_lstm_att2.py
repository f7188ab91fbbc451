"""ResNet50-LSTM-ATT2: a scan, from frozen ATT2 features, a Bi-LSTM and soft attention.

Paper    Loconte, Colavito, "Screening CT images for COVID-19 infections and pneumonia", University
         of Bari 2021, sections III-A and V, equations 1 to 6.  The paper preset is the authors'
         code (peppocola/Screening-COVID19, commit 4ed681b).
Differs  Equation 1 takes "the last hidden state h_n".  In the authors' code, and the paper preset,
         that is the Bi-LSTM's output at the 16th slice, whose backward half has read one slice
         only; `fixed` takes each direction where it has read the whole scan.  The paper preset
         takes exactly `num_slices`, 16 as in the authors' code; `fixed` takes any number, and a
         mask. The preset of the features is the same as the model's (see `resnet50_att2`). Masked
         slices are left out before anything is computed.
Licence  MIT (2021 peppocola); no code is taken from it.  No weights are published.

Shapes   B scans, S places for slices, K kept slices of all scans, R C rows and columns,
         N = 256 features of a state, half from each direction, H W and h w rows and columns of
         the two maps, L classes.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple, Self

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from ctsieve.models._sequences import read_both_ways, require_slices, spread, weigh
from ctsieve.models.resnet50_att2 import LAST, MIDDLE, ResNet50Att2, ResNet50Att2Config
from ctsieve.types.cards import ModelCard
from ctsieve.types.errors import InputRejected


@dataclass(frozen=True, slots=True, kw_only=True)
class ResNet50LstmAtt2Config:
    """Sizes and quirks; changing `compatibility`, `num_classes` or `units` changes the weights."""

    preset: Literal["paper", "fixed"] = "fixed"
    num_slices: int = 16
    """How many slices every scan has, in the `paper` preset; `fixed` takes any number."""
    compatibility: Literal["additive", "dot"] = "additive"
    """The spatial score of the features: "additive" is equation 11, "dot" equation 12."""
    num_classes: int = 3
    units: int = 128
    """Hidden units of each direction: half of N."""


class ResNet50LstmAtt2Output(NamedTuple):
    """What `ResNet50LstmAtt2` returns; everything is 0 in masked places."""

    logits: Float[Tensor, "B L"]  # normal, pneumonia, COVID-19 where L is 3
    attention: Float[Tensor, "B S"]  # of the slices; sums to 1 over the kept ones
    attention1: Float[Tensor, "B S H W"]  # inside each slice, stride 16; sums to 1
    attention2: Float[Tensor, "B S h w"]  # inside each slice, stride 32; sums to 1
    embeddings: Float[Tensor, "B S 3072"]
    states: Float[Tensor, "B S N"]  # h_i
    global_vector: Float[Tensor, "B N"]  # g, equation 1
    context: Float[Tensor, "B N"]  # equation 4, what the classifier reads


class Att2Features(NamedTuple):
    """What is kept of every slice."""

    features: Float[Tensor, "K 3072"]
    attention1: Float[Tensor, "K H W"]
    attention2: Float[Tensor, "K h w"]


class ScanRead(NamedTuple):
    """What the sequence of a scan's slices gives; as in `ResNet50LstmAtt2Output`."""

    logits: Float[Tensor, "B L"]
    attention: Float[Tensor, "B S"]
    states: Float[Tensor, "B S N"]
    global_vector: Float[Tensor, "B N"]
    context: Float[Tensor, "B N"]


class Gate(nn.Module):
    """The bilinear compatibility of a state with the global vector, equation 2."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.gate = nn.Linear(features, features, bias=False)

    def forward(
        self, states_BSN: Float[Tensor, "B S N"], global_BN: Float[Tensor, "B N"]
    ) -> Float[Tensor, "B S"]:
        """g^T W h_i for every slice i."""
        return torch.einsum("bsn,bn->bs", self.gate(states_BSN), global_BN)


class ResNet50LstmAtt2(nn.Module):
    """Frozen slice features, a bidirectional LSTM, attention over slices, one linear.

    Parameters are called as in the authors' checkpoints.  The features stay in evaluation mode and
    without gradients whatever mode the rest is in.
    """

    def __init__(self, config: ResNet50LstmAtt2Config) -> None:
        super().__init__()
        self.config = config
        self.embeddings = ResNet50Att2(
            ResNet50Att2Config(preset=config.preset, compatibility=config.compatibility)
        )
        del self.embeddings.fc  # the authors' extractor has no classifier
        self.embeddings.requires_grad_(requires_grad=False)
        self.lstm = nn.LSTM(MIDDLE + LAST, config.units, batch_first=True, bidirectional=True)
        width = 2 * config.units
        self.gv = nn.Linear(width, width)
        self.attention = Gate(width)
        self.fc = nn.Linear(width, config.num_classes)

    def train(self, mode: bool = True) -> Self:
        """Switch all but the frozen features, which stay in evaluation mode."""
        super().train(mode)
        self.embeddings.eval()
        return self

    def forward(
        self, x: Float[Tensor, "B S C R C2"], keep: Bool[Tensor, "B S"]
    ) -> ResNet50LstmAtt2Output:
        """Classify scans with values in [0, 1]; `keep` is False where there is no slice to read.

        Raises:
            InputRejected: a scan has no kept slice, or not `num_slices` in the paper preset.
        """
        require_slices(keep)
        self._require_paper_slices(keep)
        slices = self.slice_features(x[keep])
        read = self.read_scan(slices.features, keep)
        return ResNet50LstmAtt2Output(
            logits=read.logits,
            attention=read.attention,
            attention1=_spread_maps(slices.attention1, keep),
            attention2=_spread_maps(slices.attention2, keep),
            embeddings=spread(slices.features, keep),
            states=read.states,
            global_vector=read.global_vector,
            context=read.context,
        )

    @torch.no_grad()
    def slice_features(self, x: Float[Tensor, "K C R C2"]) -> Att2Features:
        """The frozen features of slices with values in [0, 1], and where they were looked for."""
        return Att2Features(*self.embeddings.embed(x))

    def read_scan(self, features: Float[Tensor, "K F"], keep: Bool[Tensor, "B S"]) -> ScanRead:
        """The answer for scans from the packed features of their kept slices."""
        read = read_both_ways(self.lstm, features, keep)
        summary_BN = read.last if self.config.preset == "paper" else read.ends
        global_BN = torch.tanh(self.gv(summary_BN))
        attention_BS = weigh(self.attention(read.states, global_BN), keep)
        context_BN = torch.einsum("bs,bsn->bn", attention_BS, read.states)
        return ScanRead(self.fc(context_BN), attention_BS, read.states, global_BN, context_BN)

    def _require_paper_slices(self, keep_BS: Tensor) -> None:
        if self.config.preset != "paper" or torch.onnx.is_in_onnx_export():
            return
        counts = set(keep_BS.sum(dim=1).tolist())
        number = self.config.num_slices
        if counts != {number}:
            raise InputRejected(
                f"the paper's model reads {number} slices, got {sorted(counts)}",
                hint=f"choose {number} slices of each scan, or use preset = 'fixed'",
            )


def _spread_maps(maps_KHW: Tensor, keep_BS: Tensor) -> Tensor:
    """Maps of kept slices (K, H, W) at their places (B, S, H, W)."""
    cells_BSP = spread(maps_KHW.flatten(1), keep_BS)
    return cells_BSP.view(*keep_BS.shape, *maps_KHW.shape[1:])


def is_trained(name: str) -> bool:
    """The paper freezes the weights of the slice features."""
    return not name.startswith("embeddings.")


CARD = ModelCard(
    title="ResNet50-LSTM-ATT2 (Bi-LSTM with soft attention on scans)",
    paper="https://github.com/peppocola/Screening-COVID19",
    config=ResNet50LstmAtt2Config,
    build=ResNet50LstmAtt2,
    example_shape=(2, 5, 1, 64, 64),
    num_slices=ResNet50LstmAtt2Config().num_slices,
    trains=is_trained,
    num_parameters=42_406_979,
)
