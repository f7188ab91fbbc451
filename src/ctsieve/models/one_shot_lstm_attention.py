"""One Shot + LSTM + attention: lesions, their masks and the class of a slice in one forward.

Paper    Ter-Sarkisov, "One Shot Model For COVID-19 Classification and Lesions Segmentation In Chest
         CT Scans Using LSTM With Attention Mechanism", medRxiv 2021.02.16.21251754; the code of the
         authors (AlexTS1980/COVID-LSTM-Attention, commit 43ac2a2) where the paper is silent.
Differs  In both presets: images come in the size that the recipe says and are not resized inside;
         predicting leaves running statistics as they are; a channel without contrast becomes 0;
         where no region is found the whole image is the region; ties keep their order; images of a
         batch do not influence one another; the default is the ResNeXt50 that the authors publish
         (the paper's main results: ResNeXt101).  From the paper's text, as in the authors' code:
         the order of layers in sieve and vectoriser, two alternating losses instead of their sum,
         no score threshold for regions, a last layer of the mask features that is never trained.
         `fixed` (default): batch norm uses its running statistics (`paper`: those of the image, and
         of its 16 regions); fewer than 16 regions are repeated evenly (`paper`: at random, so that
         one image can have two answers); boxes without area are neither proposed nor shown
         (`paper`: two of the 30 anchor shapes have none, nor have the boxes that come of them).
Licence  No weights come along.  The authors' repository has no licence; no code is taken from it.

Shapes   B images, H W rows and columns, R regions (the paper's beta), L labels, D places for
         objects.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ctsieve.models._detector.steps import EXEMPT, is_trained
from ctsieve.models._one_shot.lstm import OneShotLstmBase, OneShotLstmConfig
from ctsieve.models._one_shot.wiring import one_shot_output
from ctsieve.types.cards import ModelCard


class OneShotAttentionOutput(NamedTuple):
    """What `OneShotLstmAttention` returns; objects with the surest first."""

    logits: Float[Tensor, "B L"]
    boxes: Float[Tensor, "B D 4"]
    labels: Int64[Tensor, "B D"]  # 0: an empty place
    scores: Float[Tensor, "B D"]
    masks: Float[Tensor, "B D H W"]  # probabilities
    roi_masks: Float[Tensor, "B D S S"]  # the masks cell by cell of each box
    regions: Float[Tensor, "B R 4"]  # from the image's first pixel on: the order of the sequence
    region_scores: Float[Tensor, "B R"]
    region_labels: Int64[Tensor, "B R"]
    attention_positive: Float[Tensor, "B R"]  # sums to 1
    attention_negative: Float[Tensor, "B R"]
    positive_logits: Float[Tensor, "B L"]
    negative_logits: Float[Tensor, "B L"]


class OneShotLstmAttention(OneShotLstmBase):
    """Regions of one image as a sequence, read by two LSTMs with attention."""

    def __init__(self, config: OneShotLstmConfig) -> None:
        super().__init__(config, attention=True)

    def forward(
        self, images: Float[Tensor, "B C H W"], generator: torch.Generator | None = None
    ) -> OneShotAttentionOutput:
        """Segment and classify slices with values in [0, 1] and one channel, or three.

        `generator` draws the repetitions of the `paper` preset (None: torch's own).
        """
        verdicts = [self.verdict(image, generator) for image in images.split(1)]
        output = one_shot_output(
            [v.positive - v.negative for v in verdicts],
            [v.regions for v in verdicts],
            [v.found for v in verdicts],
        )
        return OneShotAttentionOutput(
            *output,
            torch.stack([v.readings.positive.attention for v in verdicts]),
            torch.stack([v.readings.negative.attention for v in verdicts]),
            torch.stack([v.positive for v in verdicts]),
            torch.stack([v.negative for v in verdicts]),
        )


CARD = ModelCard(
    title="One Shot + LSTM + attention",
    paper="https://doi.org/10.1101/2021.02.16.21251754",
    config=OneShotLstmConfig,
    build=OneShotLstmAttention,
    example_shape=(2, 1, 64, 64),
    size=(512, 512),
    trains=is_trained,
    num_parameters=35_553_416,
    exempt=EXEMPT,
)
