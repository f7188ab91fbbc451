"""Two LSTMs over the sequence of regions, each with soft attention: class-positive, class-negative.

Paper    One Shot + LSTM + attention, section 3.7, equations 1 to 7 and figure 3.
Differs  Nothing routes images by class: both LSTMs see every sequence and differ in the sign of
         their logits only (as in the authors' code).  Without attention (our reading of the
         authors' ablation, of which they publish numbers and no code) the vector is z alone.

Shapes   R regions in sequence order, C channels, S side of mask features, U units of an LSTM.
"""

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor, nn

from ctsieve.models._one_shot.sieve import SievedVectors, initialise


class Reading(NamedTuple):
    """What one LSTM makes of the sequence."""

    vector: Float[Tensor, " U"]
    attention: Float[Tensor, " R"]  # sums to 1


class Readings(NamedTuple):
    """What both make of it, and the sequence."""

    sequence: Float[Tensor, "R C"]
    positive: Reading
    negative: Reading


class LstmAttention(SievedVectors):
    """Sieve, vectoriser, two LSTMs, their linear maps and their attention."""

    def __init__(self, channels: int, num_stages: int, units: int, *, attention: bool) -> None:
        super().__init__(channels, num_stages)
        self.attention = attention
        self.lstm_pos = nn.LSTM(channels, units, batch_first=True)
        self.lstm_neg = nn.LSTM(channels, units, batch_first=True)
        self.final_linear_pos = nn.Linear(units, units)
        self.final_linear_neg = nn.Linear(units, units)
        initialise(self)

    def forward(self, x: Float[Tensor, "R C S S"]) -> Readings:
        """Read the regions of one image in their order."""
        sequence_RC = self.vectors(x)
        positive = self._read(sequence_RC, self.lstm_pos, self.final_linear_pos)
        negative = self._read(sequence_RC, self.lstm_neg, self.final_linear_neg)
        return Readings(sequence_RC, positive, negative)

    def _read(self, sequence_RC: Tensor, lstm: nn.LSTM, linear: nn.Linear) -> Reading:
        hidden_1RU, (last_11U, _) = lstm(sequence_RC[None])
        hidden_RU, z_U = hidden_1RU[0], linear(last_11U[0, 0])
        attention_R = (hidden_RU @ z_U).softmax(dim=0)
        context_U = attention_R @ hidden_RU
        return Reading(z_U + context_U if self.attention else z_U, attention_R)
