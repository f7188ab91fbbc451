"""Figures 5, 6 and 7 of the ATT2 paper: maps in slices, maps weighed by the scan, Otsu masks."""

from collections.abc import Iterator

import numpy as np
from drawing import Sheet, bars, draw, width_of
from lab import COVID, Lab
from PIL import Image
from scipy.special import softmax
from showing import IS_FOUND, IS_TRUE, Arrays, View, ill_slices, scan_output, slice_output, view_of

from ctsieve.explain import attention, otsu
from ctsieve.types.results import Explanation

LABEL = "covid19"


def figures(lab: Lab) -> Iterator[tuple[str, Image.Image]]:
    """Three sheets."""
    view = view_of(lab.shown)
    output = slice_output(lab.att2, lab.shown)
    yield "att2-slices", in_slices(view, output)
    yield "att2-otsu", masks(view, output)
    yield "att2-scan", in_scan(view, scan_output(lab.scans, lab.shown))


def in_slices(view: View, output: Arrays) -> Image.Image:
    """Each map alone, and both together."""
    maps = [_shown(view, output, name) for name in (("attention1",), ("attention2",))]
    both = _shown(view, output, ("attention1", "attention2"))
    indices = list(view.chest.prepared.index)
    rows = []
    for index in ill_slices(view.chest, 3):
        share = softmax(output["logits"][indices.index(index)])[COVID]
        rows.append(
            [
                view.tile(index, words=[f"slice {index + 1}, COVID-19 {share:.2f}"]),
                view.tile(index, maps[0], words=[f"peak of all slices {maps[0].peak:.3f}"]),
                view.tile(index, maps[1], words=[f"peak of all slices {maps[1].peak:.3f}"]),
                view.tile(index, both, truth=False, words=["root of their product"]),
            ]
        )
    return draw(
        Sheet(
            title="ResNet50-ATT2: where each slice was looked at",
            headings=["slice", "attention 1 (layer 3)", "attention 2 (layer 4)", "both"],
            rows=rows,
            words=[
                "Maps of the two spatial attention modules (as figure 5 of the paper). Each sums "
                "to 1 over its slice; one scale holds for the whole scan.",
            ],
            legend=[IS_TRUE],
            heat="share of the largest value in the scan",
        )
    )


def in_scan(view: View, output: Arrays) -> Image.Image:
    """The four slices that weigh most, their maps weighed by the attention of the scan."""
    weights = output["attention"][0]
    shown = _shown(view, output, ("attention1", "attention"))
    index = view.chest.prepared.index
    top = attention.top_slices(weights, index)
    share = softmax(output["logits"][0])[COVID]
    chosen = [int(np.flatnonzero(index == number)[0]) for number, _ in top]
    return draw(
        Sheet(
            title=f"ResNet50-LSTM-ATT2: the slices that decided (COVID-19 {share:.2f})",
            headings=[],
            rows=[
                [view.tile(n, words=[f"slice {n + 1}", f"weight {w:.3f}"]) for n, w in top],
                [
                    view.tile(n, shown, truth=False, words=["map times weight, root"])
                    for n, _ in top
                ],
            ],
            words=[
                "The four slices of largest weight, and attention 1 weighed by the attention of "
                "the sequence (as figure 6 of the paper). Below, the weight of every slice.",
            ],
            legend=[IS_TRUE],
            heat="root of map times weight, share of the largest in the scan",
            chart=bars(
                weights,
                width=width_of(4),
                ill=view.chest.ill,
                chosen=chosen,
                words="weight of each slice; slices that show lesions are underlined",
            ),
        )
    )


def masks(view: View, output: Arrays) -> Image.Image:
    """Otsu masks of both maps beside the lesions that are there."""
    found = otsu.explain(
        output, view.chest.prepared, view.chest.phantom.volume.geometry, label=LABEL
    )
    both = _shown(view, output, ("attention1", "attention2"))
    if found is None:
        raise ValueError("the network has no maps")
    chosen = ill_slices(view.chest, 4)
    return draw(
        Sheet(
            title="ResNet50-ATT2: Otsu masks of attention",
            headings=[],
            rows=[
                [view.tile(n, both, truth=False, words=[f"slice {n + 1}"]) for n in chosen],
                [
                    view.tile(n, found=found.heat[n] > 0, words=[_overlap(view, found, n)])
                    for n in chosen
                ],
            ],
            words=[
                "Above the root of the product of both maps, below its mask by Otsu's threshold "
                "(as figure 7 of the paper). Such a mask is no segmentation: the rule finds two "
                "groups in every map, also in that of a healthy lung.",
            ],
            legend=[IS_TRUE, (IS_FOUND[0], "mask of attention")],
            heat="share of the largest value in the scan",
        )
    )


def _shown(view: View, output: Arrays, names: tuple[str, ...]) -> Explanation:
    given = {name: output[name] for name in names}
    geometry = view.chest.phantom.volume.geometry
    found = attention.explain(given, view.chest.prepared, geometry, label=LABEL)
    if found is None:
        raise ValueError(f"no map among {names}")
    return found


def _overlap(view: View, found: Explanation, index: int) -> str:
    """How much of the mask lies in lesions, and how much of lesions in the mask."""
    mask, truth = found.heat[index] > 0, view.chest.phantom.lesions[index] > 0
    both = (mask & truth).sum()
    return f"{both / mask.sum():.0%} of it in lesions, {both / truth.sum():.0%} of them"
