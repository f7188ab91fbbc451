"""Label maps become the objects that detectors learn from.

Paper    One Shot + LSTM + attention, section 4; components of more than 100 pixels are objects (the
         authors' code).
Differs  A mask's values mean what they say ("value"), or what the authors' code makes of them:
         the rank of a value among those present, so that an image without ground glass calls its
         consolidation ground glass; "rank" where lungs are objects, "lesion-rank" where not.

Shapes   R C rows and columns, G objects; boxes are (x1, y1, x2, y2) in pixels, ends excluded.
"""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from skimage.measure import label, regionprops

from ctsieve.datasets.cncb_lesions import lesion_ranks, rank_labels
from ctsieve.models._detector.training import Target

Bytes = npt.NDArray[np.uint8]
Kinds = Sequence[Sequence[int]]
"""Values of kind 1, of kind 2, ...; values that stand nowhere are background."""
Naming = Literal["value", "rank", "lesion-rank"]
NAMINGS: dict[Naming, Callable[[Bytes], Bytes]] = {
    "value": lambda labels: labels,
    "rank": rank_labels,
    "lesion-rank": lesion_ranks,
}


def objects_of(
    labels: Bytes,
    kinds: Kinds,
    *,
    min_area: int = 100,
    naming: Naming = "value",
) -> Target:
    """Connected parts (G) of each kind in a label map (R, C) that have more than `min_area` pixels.

    Example:
        >>> labels = np.zeros((8, 8), np.uint8)
        >>> labels[2:5, 1:4], labels[6, 6] = 2, 3
        >>> target = objects_of(labels, [[1], [2], [3]], min_area=1)
        >>> target.boxes.tolist(), target.labels.tolist()
        ([[1.0, 2.0, 4.0, 5.0]], [2])
    """
    boxes, numbers, masks = [], [], []
    named = NAMINGS[naming](labels)
    for kind, values in enumerate(kinds, start=1):
        parts = label(np.isin(named, values), connectivity=2)  # type: ignore[no-untyped-call]
        for part in regionprops(parts):  # type: ignore[no-untyped-call]
            if part.area > min_area:
                top, left, bottom, right = part.bbox
                boxes.append([left, top, right, bottom])
                numbers.append(kind)
                masks.append(parts == part.label)
    return Target(
        torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
        torch.tensor(numbers, dtype=torch.int64),
        torch.from_numpy(np.array(masks, dtype=np.uint8).reshape(-1, *labels.shape)),
    )
