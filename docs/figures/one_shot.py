"""Lesions that a One Shot model finds: boxes and masks beside what is really there."""

from collections.abc import Iterator

import numpy as np
from drawing import Sheet, draw
from lab import Lab
from PIL import Image
from showing import IS_FOUND, IS_TRUE, Arrays, View, ill_slices, slice_output, view_of

from ctsieve.explain import lesions

KINDS = {1: "hazy", 2: "solid"}


def figures(lab: Lab) -> Iterator[tuple[str, Image.Image]]:
    """One sheet."""
    view = view_of(lab.shown)
    output = slice_output(lab.one_shot, lab.shown)
    geometry = lab.shown.phantom.volume.geometry
    shown = lesions.explain(output, lab.shown.prepared, geometry, label="covid19")
    if shown is None:
        raise ValueError("the network finds no objects")
    chosen = ill_slices(lab.shown, 4)
    sheet = Sheet(
        title="One Shot + LSTM + attention: lesions it finds",
        headings=[],
        rows=[
            [view.tile(n, words=[f"slice {n + 1}"]) for n in chosen],
            [
                view.tile(
                    n,
                    shown,
                    truth=False,
                    boxes=_boxes(view, output, n),
                    words=_said(view, output, n),
                )
                for n in chosen
            ],
        ],
        words=[
            "Above the slices with the lesions that are there, below boxes and masks of the "
            "segmentation branch; heat is an object's score times the probability of its mask.",
        ],
        legend=[IS_TRUE, (IS_FOUND[0], "boxes found")],
        heat=f"share of the peak ({shown.peak:.2f})",
    )
    yield "one-shot-lesions", draw(sheet)


def _places(view: View, output: Arrays, index: int) -> tuple[int, list[int]]:
    position = int(np.flatnonzero(view.chest.prepared.index == index)[0])
    return position, [int(d) for d in np.flatnonzero(output["labels"][position] > 0)]


def _boxes(view: View, output: Arrays, index: int) -> list[tuple[float, float, float, float]]:
    """Boxes in pixels of the image, from cells of the prepared grid."""
    position, places = _places(view, output, index)
    grid, geometry = view.chest.prepared.grid, view.chest.phantom.volume.geometry
    found = []
    for place in places:
        x1, y1, x2, y2 = output["boxes"][position, place]
        corners = geometry.to_index(
            grid.to_world([[0, y1 - 0.5, x1 - 0.5], [0, y2 - 0.5, x2 - 0.5]])
        )
        (_, top, left), (_, bottom, right) = corners + 0.5
        found.append((float(left), float(top), float(right), float(bottom)))
    return found


def _said(view: View, output: Arrays, index: int) -> list[str]:
    position, places = _places(view, output, index)
    words = [
        f"{KINDS[int(output['labels'][position, d])]} {output['scores'][position, d]:.2f}"
        for d in places
    ]
    return [", ".join(words[:3]), ", ".join(words[3:])]
