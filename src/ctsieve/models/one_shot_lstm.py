"""One Shot + LSTM without attention: the ablation of One Shot + LSTM + attention.

Paper    Ter-Sarkisov, "One Shot Model For COVID-19 Classification and Lesions Segmentation In Chest
         CT Scans Using LSTM With Attention Mechanism", medRxiv 2021.02.16.21251754; numbers of this
         ablation stand in the first version of the authors' readme (AP 0.612/0.485/0.466).
Differs  As `one_shot_lstm_attention`, in `paper` and in `fixed`.  The authors publish no code that
         builds this model: here the vector of an LSTM is z, the linear map of its last state
         (paper, equation 2), without the context vector of equation 6.
Licence  No weights come along.

Shapes   B images, H W rows and columns.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from ctsieve.models._detector.steps import EXEMPT, is_trained
from ctsieve.models._one_shot.lstm import OneShotLstmBase, OneShotLstmConfig
from ctsieve.models._one_shot.wiring import OneShotOutput, one_shot_output
from ctsieve.types.cards import ModelCard


class OneShotLstm(OneShotLstmBase):
    """Regions of one image as a sequence, read by two LSTMs."""

    def __init__(self, config: OneShotLstmConfig) -> None:
        super().__init__(config, attention=False)

    def forward(
        self, images: Float[Tensor, "B C H W"], generator: torch.Generator | None = None
    ) -> OneShotOutput:
        """Segment and classify slices with values in [0, 1] and one channel, or three.

        `generator` draws the repetitions of the `paper` preset (None: torch's own).
        """
        verdicts = [self.verdict(image, generator) for image in images.split(1)]
        return one_shot_output(
            [v.positive - v.negative for v in verdicts],
            [v.regions for v in verdicts],
            [v.found for v in verdicts],
        )


CARD = ModelCard(
    title="One Shot + LSTM (no attention)",
    paper="https://doi.org/10.1101/2021.02.16.21251754",
    config=OneShotLstmConfig,
    build=OneShotLstm,
    example_shape=(2, 1, 64, 64),
    size=(512, 512),
    trains=is_trained,
    num_parameters=35_553_416,
    exempt=EXEMPT,
)
