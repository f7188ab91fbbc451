"""Series by max pooling: every slice gets a logit, the largest is the scan's.

Paper    Ye (see `_series`), section 4.2 and figure 2, after Li et al., Radiology 2020.
Differs  See `_series`.  `paper` and `fixed` are the same.  The order of slices does not matter.

Shapes   B scans, S places for slices, K kept slices of all scans, F features, L classes.
"""

from typing import NamedTuple

from jaxtyping import Bool, Float
from torch import Tensor, nn

from ctsieve.models._sequences import spread
from ctsieve.models._series import PAPER, SeriesConfig, SeriesModel, is_of_head
from ctsieve.types.cards import ModelCard


class SeriesMaxpoolOutput(NamedTuple):
    """What the model returns."""

    logits: Float[Tensor, "B L"]
    slice_logits: Float[Tensor, "B S L"]  # 0 in masked places


class MaxPool(nn.Module):
    """One linear layer for all slices, then the maximum over the kept ones."""

    def __init__(self, config: SeriesConfig) -> None:
        super().__init__()
        self.fc = nn.Linear(config.features, config.num_classes)

    def forward(
        self, packed_KF: Float[Tensor, "K F"], keep_BS: Bool[Tensor, "B S"]
    ) -> SeriesMaxpoolOutput:
        """Classify scans from packed slice features."""
        logits_BSL = spread(self.fc(packed_KF), keep_BS)
        masked_BSL = logits_BSL.masked_fill(~keep_BS.unsqueeze(2), float("-inf"))
        return SeriesMaxpoolOutput(masked_BSL.amax(dim=1), logits_BSL)


def build(config: SeriesConfig) -> SeriesModel[SeriesMaxpoolOutput]:
    """The model with its backbone frozen as a whole."""
    return SeriesModel(config, MaxPool(config), trained=())


CARD = ModelCard(
    title="Series: max pooling over slice logits",
    paper=PAPER,
    config=SeriesConfig,
    build=build,
    example_shape=(2, 5, 1, 64, 64),
    trains=is_of_head,
)
