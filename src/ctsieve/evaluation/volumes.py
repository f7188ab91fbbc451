"""Lesion masks and volumes against the truth: Dice, error in millilitres, Bland-Altman.

Sources  Dice 1945, Ecology 26, 297; Bland and Altman 1986, Lancet 327, 307 (limits of agreement),
         and 1999, Statistical Methods in Medical Research 8, 135, section 2 (their intervals).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student

from ctsieve.evaluation.intervals import LEVEL
from ctsieve.evaluation.sample import Floats
from ctsieve.types.errors import InputRejected
from ctsieve.types.geometry import Geometry

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BlandAltman:
    """How much two volume measurements differ, and between which limits 95 % of them lie."""

    mean: Floats  # (N,) ml, of both
    difference: Floats  # (N,) ml, found - true
    bias: float
    bias_interval: tuple[float, float]
    limits: tuple[float, float]
    limit_half_width: float
    """Half the 95 % interval of either limit."""


def dice(found: Mask, true: Mask) -> float:
    """Twice the common part over the sum of both masks of one shape; 1 where both are empty.

    Raises:
        InputRejected: the masks differ in shape.

    Example:
        >>> dice(np.array([True, True, False]), np.array([True, False, False])).__round__(3)
        0.667
    """
    if found.shape != true.shape:
        raise InputRejected(f"masks of shape {found.shape} and {true.shape} cannot be compared")
    both, total = int((found & true).sum()), int(found.sum() + true.sum())
    return 2.0 * both / total if total else 1.0


def volume_error_ml(found: Mask, true: Mask, geometry: Geometry) -> float:
    """Volume found - true volume, in millilitres.

    Raises:
        InputRejected: the masks are not on the grid, or the grid has no millimetres.
    """
    if found.shape != geometry.shape or true.shape != geometry.shape:
        raise InputRejected(f"masks of shape {found.shape} do not lie on grid {geometry.shape}")
    return (int(found.sum()) - int(true.sum())) * geometry.voxel_ml


def bland_altman(found_ml: Floats, true_ml: Floats) -> BlandAltman:
    """Bias and limits of agreement of volumes (N,) in ml, one pair per patient.

    Raises:
        InputRejected: there are fewer than three pairs, or a volume is not finite.
    """
    if found_ml.shape != true_ml.shape or found_ml.size < 3:
        raise InputRejected(
            f"{found_ml.size} and {true_ml.size} volumes: limits of agreement need three pairs"
        )
    difference = found_ml - true_ml
    if not np.isfinite(difference).all():
        raise InputRejected("a volume is not finite")
    count = difference.size
    bias, spread = float(difference.mean()), float(difference.std(ddof=1))
    reach = float(student.ppf((1 + LEVEL) / 2, count - 1))
    half = reach * spread / np.sqrt(count)
    return BlandAltman(
        mean=(found_ml + true_ml) / 2,
        difference=difference,
        bias=bias,
        bias_interval=(bias - half, bias + half),
        limits=(bias - 1.96 * spread, bias + 1.96 * spread),
        limit_half_width=float(reach * spread * np.sqrt(1 / count + 1.96**2 / (2 * (count - 1)))),
    )
