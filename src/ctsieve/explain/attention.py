"""Attention maps that the graph itself returned, laid onto the image's own grid.

Paper    Loconte, Colavito, "Screening CT images for COVID-19 infections and pneumonia", 2021: the
         maps of figure 5, weighed by the attention of slices as in figure 6, the two maps of a
         slice combined as in figure 7.  The slices that weigh most: Ye (series models), figure 5.
Differs  The authors stretch every map and the weights of slices to [0, 1]; here one scale holds for
         the whole image and the peak is kept, so that even shares look even.  Maps lie on cells of
         the prepared grid; the authors pin their corners to the picture's.

Shapes   S judged slices, H W and h w rows and columns of the two maps.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ctsieve.explain._laid_out import coarse_grid
from ctsieve.ops.prepare import Prepared
from ctsieve.ops.resample import resample
from ctsieve.types.cards import ExplainerCard
from ctsieve.types.geometry import Geometry
from ctsieve.types.promise import promise
from ctsieve.types.results import Explanation

Float32 = npt.NDArray[np.float32]

SLICES = "attention"
"""The graph output with the weight of every slice, (S,) or (1, S) for one scan."""
MAPS = ("attention1", "attention2")
"""The graph outputs with a map for every slice, (S, H, W) or (1, S, H, W) for one scan."""


def explain(
    output: Mapping[str, Float32], prepared: Prepared, geometry: Geometry, *, label: str
) -> Explanation | None:
    """Where attention lies on `geometry`, or None where the graph has no such output.

    The heat is the geometric mean of what there is: the map or maps of a slice, and its weight
    among the slices.  Attention knows no label; `label` says which answer it led to.
    """
    shares = _shares(output, prepared.index.size)
    if not shares:
        return None
    heat, peak = np.ones(geometry.shape, dtype=np.float32), 1.0
    for share in shares:
        largest = float(share.max())
        peak *= largest
        heat *= _on(geometry, share / np.float32(largest), prepared)
    heat **= np.float32(1.0 / len(shares))
    rest = float(heat.max())  # the maps need not peak at the same place
    promise(rest > 0.0, "attention lies somewhere")
    return Explanation(
        method="attention",
        label=label,
        heat=np.divide(heat, np.float32(rest), out=heat).astype(np.float16),
        peak=rest * peak ** (1.0 / len(shares)),
        geometry=geometry,
    )


def top_slices(
    attention: Float32, index: npt.NDArray[np.int64], *, number: int = 4
) -> tuple[tuple[int, float], ...]:
    """The slices of the image that weigh most, with their weights, the first first.

    `attention` and `index` are (S,); of equal weights the slice nearer to the head comes first.

    Example:
        >>> top_slices(np.array([0.5, 0.25, 0.25], np.float32), np.array([7, 8, 9]), number=2)
        ((7, 0.5), (8, 0.25))
    """
    order = np.lexsort((index, -attention))[:number]
    return tuple((int(index[i]), float(attention[i])) for i in order)


def _shares(output: Mapping[str, Float32], num_slices: int) -> list[Float32]:
    """What there is of maps and weights, each as (S, rows, columns)."""
    found = []
    for name in (*MAPS, SLICES):
        if name not in output:
            continue
        array = output[name]
        if array.ndim == (2 if name == SLICES else 4):  # a batch of one scan
            promise(array.shape[0] == 1, f"one scan at a time, got {array.shape[0]}")
            array = array[0]
        promise(array.shape[0] == num_slices, f"{name} has one entry for each judged slice")
        found.append(array.reshape(num_slices, *(array.shape[1:] or (1, 1))))
    return found


def _on(geometry: Geometry, maps: Float32, prepared: Prepared) -> npt.NDArray[np.float16]:
    """Maps (S, rows, columns) on `geometry`; 0 where nothing was judged."""
    source = coarse_grid(prepared, *maps.shape[1:])
    values: npt.NDArray[np.float16] = resample(
        prepared.spread(maps), source=source, target=geometry, outside=0.0, dtype=np.float16
    )
    return values


CARD = ExplainerCard(
    title="Attention maps and weights of slices (from the graph)",
    paper="https://github.com/peppocola/Screening-COVID19",
    reads=(SLICES, *MAPS),
    explain=explain,
)
