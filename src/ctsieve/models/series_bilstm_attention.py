"""Series by a bidirectional LSTM with attention: its states, weighed by the final one.

Paper    Ye (see `_series`), section 4.4 and figure 4: W = softmax(H^T h_t), h'_t = H W.
Differs  See `_series`.  `paper` takes h_t as printed, the output at the last slice, whose
         backward half has read one slice only; `fixed` takes each direction where it has read the
         whole scan.

Shapes   B scans, S places for slices, K kept slices of all scans, F features, L classes.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from ctsieve.models._sequences import read_both_ways, weigh
from ctsieve.models._series import LAST_TWO, PAPER, SeriesConfig, SeriesModel, is_trained
from ctsieve.types.cards import ModelCard


class SeriesBilstmAttentionOutput(NamedTuple):
    """What the model returns."""

    logits: Float[Tensor, "B L"]
    attention: Float[Tensor, "B S"]  # sums to 1 over the kept slices, else 0
    states: Float[Tensor, "B S F"]  # 0 in masked places


class AttendedStates(nn.Module):
    """States of a Bi-LSTM, weighed by their product with the final one, and a linear."""

    def __init__(self, config: SeriesConfig) -> None:
        super().__init__()
        self.is_paper = config.preset == "paper"
        units = config.features // 2
        self.lstm = nn.LSTM(config.features, units, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(config.features, config.num_classes)

    def forward(
        self, packed_KF: Float[Tensor, "K F"], keep_BS: Bool[Tensor, "B S"]
    ) -> SeriesBilstmAttentionOutput:
        """Classify scans from packed slice features."""
        read = read_both_ways(self.lstm, packed_KF, keep_BS)
        final_BF = read.last if self.is_paper else read.ends
        attention_BS = weigh(torch.einsum("bsf,bf->bs", read.states, final_BF), keep_BS)
        context_BF = torch.einsum("bs,bsf->bf", attention_BS, read.states)
        return SeriesBilstmAttentionOutput(self.fc(context_BF), attention_BS, read.states)


def build(config: SeriesConfig) -> SeriesModel[SeriesBilstmAttentionOutput]:
    """The model with the last two modules of its backbone trained."""
    return SeriesModel(config, AttendedStates(config), trained=LAST_TWO[config.backbone])


CARD = ModelCard(
    title="Series: bidirectional LSTM with attention",
    paper=PAPER,
    config=SeriesConfig,
    build=build,
    example_shape=(2, 5, 1, 64, 64),
    trains=is_trained,
)
