"""Whether graphs compute what their network does: the check before a bundle is written.

A network that finds objects reads them in order of their scores.  Where two scores are closer than
rounding, graph and network may each put another one first, and everything that depends on the
order differs with right: of such an image only the scores are compared, which come sorted.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from ctsieve.export.views import FEATURES, ReadsScans, ScanView, SliceView
from ctsieve.types.promise import promise

TOLERANCE = 1e-4
"""Largest difference between graph and network, see `largest_difference`."""
PIXELS = {"boxes": 100.0, "regions": 100.0}
"""Outputs in pixels: a hundredth of one is as much as `TOLERANCE` of the others."""
BOXES_OF = {"scores": "boxes", "region_scores": "regions"}
"""Outputs (N, D) that the order of objects follows, each with the boxes (N, D, 4) it orders."""
SCORES = tuple(BOXES_OF)
ROUNDING = 5e-6
"""Scores that differ by less may change places."""

Arrays = Mapping[str, npt.NDArray[np.float32]]


def largest_difference(model: nn.Module, outputs: Arrays, x: npt.NDArray[np.floating]) -> float:
    """Largest difference between what graphs returned for `x` and what the network computes.

    Of an output larger than 1 it is the share of its largest magnitude; of one in pixels, the
    pixels times 1/100.
    """
    wanted = computed(model, x)
    promise(set(outputs) == set(wanted), f"the graphs return {sorted(wanted)}")
    clear = clear_order(wanted, len(x))
    return max(
        _difference(name, outputs[name], want, np.ones_like(clear) if name in SCORES else clear)
        for name, want in wanted.items()
    )


def computed(model: nn.Module, x: npt.NDArray[np.floating]) -> Arrays:
    """What the graphs should return for slices `x` (N, 1, R, C), in torch."""
    view = SliceView(model).eval()
    images = torch.from_numpy(x)
    with torch.no_grad():
        found = view.named(images)
        if isinstance(model, ReadsScans):
            found |= ScanView(model).named(found.pop(FEATURES))
    return {name: value.float().numpy() for name, value in found.items()}


def own_rounding(model: nn.Module, x: npt.NDArray[np.float32]) -> float:
    """How far the network itself is from exact arithmetic, in the units of `largest_difference`.

    Batch norm over the statistics of one image multiplies rounding where a channel hardly varies.
    """
    plain = computed(model, x)
    try:
        return largest_difference(model.double(), plain, x.astype(np.float64))
    finally:
        model.float()  # restores every weight to the bit


def clear_order(outputs: Arrays, num_slices: int) -> npt.NDArray[np.bool_]:
    """Which slices (N,) have no two objects with scores so close that rounding could swap them.

    Equal scores of equal boxes are one object that is repeated, or empty places; of different boxes
    they are ties, as where a softmax gives 1 to many objects.
    """
    clear = np.ones(num_slices, dtype=np.bool_)
    for name in (name for name in SCORES if name in outputs):
        order = np.argsort(-outputs[name], axis=1, kind="stable")
        gaps = np.abs(np.diff(np.take_along_axis(outputs[name], order, axis=1), axis=1))
        boxes = np.take_along_axis(outputs[BOXES_OF[name]], order[..., None], axis=1)
        is_repeated = (gaps == 0.0) & (np.diff(boxes, axis=1) == 0.0).all(axis=2)
        clear &= ~((gaps < ROUNDING) & ~is_repeated).any(axis=1)
    return clear


def _difference(
    name: str,
    got: npt.NDArray[np.float32],
    want: npt.NDArray[np.float32],
    clear: npt.NDArray[np.bool_],
) -> float:
    promise(got.shape == want.shape, f"{name} has the shape {want.shape}, not {got.shape}")
    if not clear.all():
        got, want = got[clear], want[clear]
    scale = PIXELS.get(name) or max(1.0, float(np.abs(want).max(initial=0.0)))
    return float(np.abs(got - want).max(initial=0.0)) / scale
