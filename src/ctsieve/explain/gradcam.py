"""Grad-CAM++ maps that the graph itself returned, laid onto the image's own grid.

Paper    Chattopadhay et al., "Grad-CAM++", WACV 2018, used by LA-DNN (figure 4).
Differs  Nothing is differentiated here: for a linear head on pooled features the weights have a
         closed form, which the bundle's graph evaluates as its output `heat` (S, h, w).  One scale
         for the whole image: the peak is kept, so a faint map looks faint.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ctsieve.explain._laid_out import laid_out
from ctsieve.ops.prepare import Prepared
from ctsieve.types.cards import ExplainerCard
from ctsieve.types.geometry import Geometry
from ctsieve.types.results import Explanation

OUTPUT = "heat"
"""The graph output this explainer shows."""


def explain(
    output: Mapping[str, npt.NDArray[np.float32]],
    prepared: Prepared,
    geometry: Geometry,
    *,
    label: str,
) -> Explanation | None:
    """Heat of `label` on `geometry`, or None where the graph has no such output."""
    if OUTPUT not in output:
        return None
    return laid_out(output[OUTPUT], prepared, geometry, method="Grad-CAM++", label=label)


CARD = ExplainerCard(
    title="Grad-CAM++ (closed form, from the graph)",
    paper="https://arxiv.org/abs/1710.11063",
    reads=(OUTPUT,),
    explain=explain,
)
