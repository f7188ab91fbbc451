"""Slices of a chest as tiles: cropped to the lungs, with heat and the true outlines of lesions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch
from drawing import FOUND, TRUTH, Tile
from phantoms import SPEC, Chest
from torch import nn

from ctsieve.ops.prepare import slice_values
from ctsieve.types.results import Explanation
from ctsieve.types.volume import Window

T = TypeVar("T", bound=np.generic)
Arrays = dict[str, npt.NDArray[np.float32]]
WINDOW = Window(centre=SPEC.window.centre, width=SPEC.window.width)
IS_TRUE, IS_FOUND = (TRUTH, "lesions of the phantom"), (FOUND, "found")


@dataclass(frozen=True, kw_only=True, eq=False)
class View:
    """A square part of every slice of a chest, around its lungs."""

    chest: Chest
    top: int
    left: int
    side: int

    def tile(
        self,
        index: int,
        shown: Explanation | None = None,
        *,
        truth: bool = True,
        found: npt.NDArray[np.bool_] | None = None,
        boxes: Sequence[tuple[float, float, float, float]] = (),
        words: Sequence[str] = (),
    ) -> Tile:
        """Slice `index` of the image; masks are (R, C) and boxes in pixels of the image."""
        phantom = self.chest.phantom
        return Tile(
            grey=self.cut(slice_values(phantom.volume, index, WINDOW)),
            heat=None if shown is None else self.cut(shown.heat[index].astype(np.float32)),
            truth=self.cut(phantom.lesions[index] > 0) if truth else None,
            found=None if found is None else self.cut(found),
            boxes=[
                (x1 - self.left, y1 - self.top, x2 - self.left, y2 - self.top)
                for x1, y1, x2, y2 in boxes
            ],
            words=words,
        )

    def cut(self, plane: npt.NDArray[T]) -> npt.NDArray[T]:
        """The part of a slice (R, C) that is shown."""
        return plane[self.top : self.top + self.side, self.left : self.left + self.side]


def view_of(chest: Chest) -> View:
    """The smallest square around all lungs, with a little around it."""
    rows, columns = (
        np.flatnonzero(chest.phantom.lungs.any(axis=axes)) for axes in ((0, 2), (0, 1))
    )
    size = chest.phantom.lungs.shape[1]
    side = min(size, int(1.12 * max(np.ptp(rows), np.ptp(columns))))
    top, left = (
        int(np.clip((axis[0] + axis[-1] - side) // 2, 0, size - side)) for axis in (rows, columns)
    )
    return View(chest=chest, top=top, left=left, side=side)


def ill_slices(chest: Chest, number: int) -> list[int]:
    """Judged slices of the image at even distances among those with most of the lesions."""
    cells = (chest.lesions > 0).sum(axis=(1, 2))
    ill = np.flatnonzero(cells >= 0.35 * cells.max())
    picked = ill[np.rint(np.linspace(0, len(ill) - 1, number)).astype(int)]
    return [int(chest.prepared.index[p]) for p in picked]


def slice_output(model: nn.Module, chest: Chest) -> Arrays:
    """What a network of slices says of the judged slices, by name."""
    with torch.no_grad():
        output = model(torch.from_numpy(chest.prepared.x))
    return {k: v.float().numpy() for k, v in output._asdict().items()}


def scan_output(model: nn.Module, chest: Chest) -> Arrays:
    """What a network of scans says of the chest, by name; the first axis has length 1."""
    x = torch.from_numpy(chest.prepared.x)[None]
    with torch.no_grad():
        output = model(x, torch.ones(x.shape[:2], dtype=torch.bool))
    return {k: v.float().numpy() for k, v in output._asdict().items()}
