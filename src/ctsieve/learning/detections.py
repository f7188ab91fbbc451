"""What detectors are fed, and what they offer a training loop.

Shapes   B images, R C rows and columns.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from torch import Tensor, nn

from ctsieve.learning.task import Terms
from ctsieve.models._detector.steps import Step
from ctsieve.models._detector.training import Target


class Detections(NamedTuple):
    """Images to segment and images to classify; either may be missing."""

    images: Tensor
    """(B, 1, R, C) in [0, 1], those with objects."""
    targets: tuple[Target, ...]
    x: Tensor
    """(B, 1, R, C), those with a class."""
    classes: Tensor
    """(B,)."""
    cases: tuple[int, ...]
    """Numbers of the tune cases in `x`."""


class Segments(Protocol):
    """What every detector of `ctsieve.models` offers a training loop."""

    def train_for(self, step: Step) -> nn.Module:
        """Put every part into its mode."""
        ...

    def trained_by(self, step: Step) -> dict[str, nn.Parameter]:
        """The parameters that a step changes."""
        ...

    def segmentation_losses(self, images: Tensor, targets: Sequence[Target]) -> Terms:
        """The terms of the segmentation."""
        ...


@runtime_checkable
class Copies(Protocol):
    """A detector with branches that copy."""

    def copy_to_twins(self) -> tuple[str, ...]:
        """Copy the segmentation's branches to the classification's."""
        ...
