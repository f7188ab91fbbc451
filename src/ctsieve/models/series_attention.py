"""Series by attention alone: slice features weighed by a learned query, in no order.

Paper    Ye (see `_series`), section 6, names this model as further work: "attention only", to learn
         what the order of slices is worth.
Differs  See `_series`.  The paper gives no formula.  Without an LSTM there is no final state to ask
         with, so that the query is learned: W = softmax(X q), then a linear of X^T W. `paper` and
         `fixed` are the same.  The query starts at 0, where the model is a mean over slices.

Shapes   B scans, S places for slices, K kept slices of all scans, F features, L classes.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from ctsieve.models._sequences import spread, weigh
from ctsieve.models._series import LAST_TWO, PAPER, SeriesConfig, SeriesModel, is_trained
from ctsieve.types.cards import ModelCard


class SeriesAttentionOutput(NamedTuple):
    """What the model returns."""

    logits: Float[Tensor, "B L"]
    attention: Float[Tensor, "B S"]  # sums to 1 over the kept slices, else 0


class AttendedFeatures(nn.Module):
    """Slice features, weighed by their product with a learned query, and a linear."""

    def __init__(self, config: SeriesConfig) -> None:
        super().__init__()
        self.query = nn.Parameter(torch.zeros(config.features))
        self.fc = nn.Linear(config.features, config.num_classes)

    def forward(
        self, packed_KF: Float[Tensor, "K F"], keep_BS: Bool[Tensor, "B S"]
    ) -> SeriesAttentionOutput:
        """Classify scans from packed slice features."""
        features_BSF = spread(packed_KF, keep_BS)
        attention_BS = weigh(features_BSF @ self.query, keep_BS)
        context_BF = torch.einsum("bs,bsf->bf", attention_BS, features_BSF)
        return SeriesAttentionOutput(self.fc(context_BF), attention_BS)


def build(config: SeriesConfig) -> SeriesModel[SeriesAttentionOutput]:
    """The model with the last two modules of its backbone trained."""
    return SeriesModel(config, AttendedFeatures(config), trained=LAST_TWO[config.backbone])


CARD = ModelCard(
    title="Series: attention without an LSTM",
    paper=PAPER,
    config=SeriesConfig,
    build=build,
    example_shape=(2, 5, 1, 64, 64),
    trains=is_trained,
)
