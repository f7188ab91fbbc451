"""Affinity: how regions of one image relate, as learned mixtures of their vectors.

Paper    Ter-Sarkisov, "One Shot Model For The Prediction of COVID-19 And Lesions Segmentation In
         Chest CT Scans Through The Affinity Among Lesion Mask Features"; the baseline "One Shot
         Model" of the LSTM paper, section 4, there with 16 regions and 8 affinities.
Differs  Published: 8 regions, 64 affinities and nine applications of one sieve.

Shapes   R regions in order of score, C channels, S side of mask features, A affinities.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ctsieve.models._one_shot.sieve import SievedVectors, initialise


class Affinities(NamedTuple):
    """The regions' vectors and what they give together."""

    vectors: Float[Tensor, "R C"]
    vector: Float[Tensor, " C"]


class Affinity(SievedVectors):
    """Sieve, vectoriser, A mixtures of the regions, and a mixture of those."""

    def __init__(
        self, channels: int, num_stages: int, num_regions: int, num_affinities: int
    ) -> None:
        super().__init__(channels, num_stages)
        self.batch_to_feat_mat = nn.Parameter(torch.randn(num_regions, num_affinities))
        self.batch_to_feat_vec = nn.Parameter(torch.randn(num_affinities, 1))
        initialise(self)

    def forward(self, x: Float[Tensor, "R C S S"]) -> Affinities:
        """Mix the regions of one image."""
        vectors_RC = self.vectors(x)
        mixed_AC = self.batch_to_feat_mat.T @ vectors_RC
        return Affinities(vectors_RC, (mixed_AC.T @ self.batch_to_feat_vec)[:, 0])
