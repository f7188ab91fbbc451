"""Figure 5 of the series paper: the four slices of largest weight."""

from collections.abc import Iterator

import numpy as np
from drawing import Sheet, bars, draw, width_of
from lab import Lab
from PIL import Image
from scipy.special import expit
from showing import IS_TRUE, scan_output, view_of

from ctsieve.explain import attention


def figures(lab: Lab) -> Iterator[tuple[str, Image.Image]]:
    """One sheet."""
    view, index = view_of(lab.shown), lab.shown.prepared.index
    output = scan_output(lab.series, lab.shown)
    weights = output["attention"][0]
    top = attention.top_slices(weights, index)
    share = expit(output["logits"][0, 0])
    sheet = Sheet(
        title=f"Bi-LSTM with attention: top four slices (COVID-19 {share:.2f})",
        headings=[],
        rows=[[view.tile(n, words=[f"slice {n + 1}", f"weight {w:.3f}"]) for n, w in top]],
        words=[
            "The slices that weigh most in the answer, the first first, with their weights (as "
            "figure 5 of the series paper), and the weights of all slices.",
        ],
        legend=[IS_TRUE],
        chart=bars(
            weights,
            width=width_of(4),
            ill=lab.shown.ill,
            chosen=[int(np.flatnonzero(index == n)[0]) for n, _ in top],
            words="weight of each slice; slices that show lesions are underlined",
        ),
    )
    yield "series-top-slices", draw(sheet)
