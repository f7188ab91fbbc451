"""Series by a bidirectional LSTM: its final state is classified.

Paper    Ye (see `_series`), section 4.3 and figure 3.
Differs  See `_series`.  "The final hidden state" is not said more exactly: `paper` takes the output
         at the last slice, h_t of section 4.4, whose backward half has read one slice only; `fixed`
         takes each direction where it has read the whole scan.

Shapes   B scans, S places for slices, K kept slices of all scans, F features, L classes.
"""

from typing import NamedTuple

from jaxtyping import Bool, Float
from torch import Tensor, nn

from ctsieve.models._sequences import read_both_ways
from ctsieve.models._series import LAST_TWO, PAPER, SeriesConfig, SeriesModel, is_trained
from ctsieve.types.cards import ModelCard


class SeriesBilstmOutput(NamedTuple):
    """What the model returns."""

    logits: Float[Tensor, "B L"]
    states: Float[Tensor, "B S F"]  # of every slice; 0 in masked places


class FinalState(nn.Module):
    """One layer, half of the features wide in each direction (section 5.1), and a linear."""

    def __init__(self, config: SeriesConfig) -> None:
        super().__init__()
        self.is_paper = config.preset == "paper"
        units = config.features // 2
        self.lstm = nn.LSTM(config.features, units, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(config.features, config.num_classes)

    def forward(
        self, packed_KF: Float[Tensor, "K F"], keep_BS: Bool[Tensor, "B S"]
    ) -> SeriesBilstmOutput:
        """Classify scans from packed slice features."""
        read = read_both_ways(self.lstm, packed_KF, keep_BS)
        return SeriesBilstmOutput(self.fc(read.last if self.is_paper else read.ends), read.states)


def build(config: SeriesConfig) -> SeriesModel[SeriesBilstmOutput]:
    """The model with the last two modules of its backbone trained."""
    return SeriesModel(config, FinalState(config), trained=LAST_TWO[config.backbone])


CARD = ModelCard(
    title="Series: bidirectional LSTM",
    paper=PAPER,
    config=SeriesConfig,
    build=build,
    example_shape=(2, 5, 1, 64, 64),
    trains=is_trained,
)
