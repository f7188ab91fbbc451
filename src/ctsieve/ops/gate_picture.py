"""What the gate learns from a picture of CT slices: display values, no HU, no millimetres."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from ctsieve.ops.gate_rules import (
    BLACK_LUNG,
    COLOURED_SHARE,
    FOV_CONTACT_SHARE,
    PANEL_SHARE,
    SCAN_SLICES,
    SMALL_PIXELS,
    SQUARE_RATIO,
    WHITE_FRAME,
    found,
)
from ctsieve.ops.inverted import inverted
from ctsieve.ops.lungs import edge_contact, sections
from ctsieve.ops.picture_lungs import is_turned
from ctsieve.types.results import Finding
from ctsieve.types.volume import CTPicture

BoolArray = npt.NDArray[np.bool_]


def picture_measurements(picture: CTPicture, lungs: BoolArray) -> dict[str, float]:
    """What can be measured on the lungs (S, R, C) of a picture; shares are of the picture."""
    cells = sections(lungs)
    num_slices, num_rows, num_columns = lungs.shape
    shown = picture.values[lungs]
    return {
        "num_slices": float(num_slices),
        "num_lung_slices": float(np.count_nonzero(cells)),
        "largest_lung_section_share": float(cells.max()) / (num_rows * num_columns),
        "lung_edge_contact_share": edge_contact(lungs, (1.0, 1.0)) / max(num_rows, num_columns),
        "lung_median": float(np.median(shown)) if shown.size else 0.0,
        "coloured_share": picture.provenance.acquisition.coloured_fraction,
    }


def picture_findings(
    picture: CTPicture, lungs: BoolArray, measured: dict[str, float]
) -> Iterator[Finding]:
    """What a picture and its lungs (S, R, C) give reason to say."""
    exchanged, no_lungs = inverted(picture.values), measured["num_lung_slices"] == 0
    if exchanged == "surely" or (exchanged == "perhaps" and no_lungs):
        yield found("inverted", "It shows a chest only when black and white are exchanged.")
        return
    if exchanged == "perhaps":
        yield found(
            "perhaps-inverted",
            "It looks more like a chest when black and white are exchanged.",
        )
    if no_lungs:
        yield found("not-chest", "No dark regions of the size of lungs lie inside a bright body.")
        return
    yield from _size(picture, measured)
    contact = measured["lung_edge_contact_share"]
    if contact >= FOV_CONTACT_SHARE:
        yield found(
            "truncated-fov",
            f"The lungs touch the edge over {contact:.0%} of the longer side: the picture cuts "
            "them.",
        )
    if is_turned(lungs):
        yield found("wrong-orientation", "The lungs lie one above the other: a quarter turn.")
    if measured["lung_median"] <= BLACK_LUNG:
        yield found(
            "wrong-window",
            f"Half of the lungs is at or below {measured['lung_median']:.2f} of white: a "
            "soft-tissue window hides what is in them.",
        )
    traces = list(_traces_of_a_page(picture, lungs))
    if traces:
        yield found("figure-from-paper", f"It looks cut out of a page: {', '.join(traces)}.")


def _size(picture: CTPicture, measured: dict[str, float]) -> Iterator[Finding]:
    num_slices, num_rows, num_columns = picture.values.shape
    num_lung_slices = int(measured["num_lung_slices"])
    if num_slices > 1 and num_lung_slices < SCAN_SLICES:
        yield found(
            "few-slices",
            f"Lungs show in {num_lung_slices} of {num_slices} slices; a scan needs {SCAN_SLICES}.",
        )
    if min(num_rows, num_columns) < SMALL_PIXELS:
        yield found(
            "low-resolution",
            f"{num_columns} x {num_rows} pixels; a CT slice has 512 x 512, and below "
            f"{SMALL_PIXELS} fine opacities are lost.",
        )


def _traces_of_a_page(picture: CTPicture, lungs: BoolArray) -> Iterator[str]:
    coloured = picture.provenance.acquisition.coloured_fraction
    if coloured >= COLOURED_SHARE:
        yield f"coloured marks on {coloured:.2%} of it"
    first = picture.values[0]
    if max(line.mean() for line in (first[0], first[-1], first[:, 0], first[:, -1])) >= WHITE_FRAME:
        yield "a white border"
    longer, shorter = max(first.shape), min(first.shape)
    if longer > SQUARE_RATIO * shorter:
        yield f"not square ({first.shape[1]} x {first.shape[0]})"
    num_lungs = _num_large_regions(lungs[0])
    if num_lungs > 2:
        yield f"{num_lungs} lungs"


def _num_large_regions(lungs: BoolArray) -> int:
    labels, _ = ndimage.label(lungs)
    areas = np.bincount(labels.ravel())[1:]
    return int((areas >= PANEL_SHARE * areas.max()).sum()) if areas.size else 0
