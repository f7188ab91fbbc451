"""Module S: the class of an image from the scores and box deltas of its regions.

Paper    Ter-Sarkisov, "COVID-CT-Mask-Net: Prediction of COVID-19 from CT Scans Using Regional
         Features", medRxiv 2020.10.11.20211052; again in the Single Shot Model of the same author.
Differs  A region is its score and the four deltas of the box branch, not its coordinates (as in the
         authors' code).

Shapes   R regions in decreasing order of score, L labels.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from ctsieve.models._detector.regions import Regions


class RegionScores(nn.Module):
    """Two rectified linear layers over all regions at once, then one logit per label."""

    def __init__(self, num_regions: int, features: int, num_labels: int) -> None:
        super().__init__()
        self.fc_scores = nn.Linear(5 * num_regions, features)
        self.fc_scores_2 = nn.Linear(features, features)
        self.fc_scores_img = nn.Linear(features, num_labels)
        for layer in (self.fc_scores, self.fc_scores_2, self.fc_scores_img):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, regions: Regions) -> Float[Tensor, " L"]:
        """Logits of the image that shows these regions."""
        hidden = F.relu(self.fc_scores(region_rows(regions).flatten()))
        logits: Tensor = self.fc_scores_img(F.relu(self.fc_scores_2(hidden)))
        return logits


def region_rows(regions: Regions) -> Float[Tensor, "R 5"]:
    """Score and four deltas of every region."""
    return torch.cat([regions.scores[:, None], regions.deltas], dim=1)
