"""What every slice says by itself: the probability of each slice, where a scan model gives one.

Paper    Ye, series models, section 4.2: max pooling gives every slice a logit and the largest is
         the scan's, so that the top slices are those that decided.
Differs  The paper shows weights of attention only; max pooling has none.

Shapes   S judged slices, L labels, the one asked for first.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from scipy.special import expit, softmax

from ctsieve.explain._laid_out import laid_out
from ctsieve.ops.prepare import Prepared
from ctsieve.types.cards import ExplainerCard
from ctsieve.types.geometry import Geometry
from ctsieve.types.promise import promise
from ctsieve.types.results import Explanation

OUTPUT = "slice_logits"
"""The graph output with the logits of every slice, (S, L) or (1, S, L) for one scan."""


def explain(
    output: Mapping[str, npt.NDArray[np.float32]],
    prepared: Prepared,
    geometry: Geometry,
    *,
    label: str,
) -> Explanation | None:
    """Every slice as hot as its own probability of `label`, or None without such an output."""
    if OUTPUT not in output:
        return None
    logits = output[OUTPUT][0] if output[OUTPUT].ndim == 3 else output[OUTPUT]
    promise(len(logits) == prepared.index.size, f"{OUTPUT} has one row for each judged slice")
    share = expit(logits) if logits.shape[1] == 1 else softmax(logits, axis=1)
    maps = share[:, :1, None].astype(np.float32)
    return laid_out(maps, prepared, geometry, method="Scores of slices", label=label)


CARD = ExplainerCard(
    title="Probabilities of single slices (from the graph)",
    paper="Ye, COVID-19 classification of chest CT scans using bidirectional LSTM and attention",
    reads=(OUTPUT,),
    explain=explain,
)
