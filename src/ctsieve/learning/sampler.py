"""How often each case is drawn, so that no source drowns another or gives the label away.

Sites of one label (all positive or all negative) are the trap: the more they count, the more the
network learns to tell sites apart instead of diseases.  So shares are set by hand, per site.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from ctsieve.types.cases import Case
from ctsieve.types.errors import UsageError


def case_weights(cases: Sequence[Case], shares: Mapping[str, float]) -> npt.NDArray[np.float64]:
    """Probability of each case; sums to 1.

    Each site is drawn in proportion to its share; inside a site all cases are alike, but those of
    no trust (`weight` 0) are never drawn.

    Raises:
        UsageError: a site has no share, or nothing is left to draw.

    Example:
        >>> a = Case(id="a", patient="a", label="covid19", files=(), site="one")
        >>> b = Case(id="b", patient="b", label="covid19", files=(), site="one")
        >>> c = Case(id="c", patient="c", label="covid19", files=(), site="two")
        >>> case_weights([a, b, c], {"one": 1.0, "two": 1.0}).tolist()
        [0.25, 0.25, 0.5]
    """
    sizes = Counter(case.site for case in cases if case.weight > 0.0)
    if missing := sorted(set(sizes) - set(shares)):
        raise UsageError(f"site {missing[0]!r} has no share", hint="add it to `data.shares`")
    drawn = [case.weight > 0.0 for case in cases]
    weights = np.array(
        [shares[c.site] / sizes[c.site] if d else 0.0 for c, d in zip(cases, drawn, strict=True)]
    )
    if weights.sum() <= 0.0:
        raise UsageError("no case can be drawn", hint="some share in `data.shares` must exceed 0")
    return np.asarray(weights / weights.sum(), dtype=np.float64)
