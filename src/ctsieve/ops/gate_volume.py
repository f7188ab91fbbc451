"""What the gate learns from the Hounsfield units of a volume."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ctsieve.ops.coarse import coarse_grid, sample
from ctsieve.ops.gate_rules import (
    AIR_HU,
    BONE_HU,
    CUT_SHARE,
    FAT_HU,
    FOV_CONTACT_MM,
    LEAST_BODY_SHARE,
    LEAST_LUNGS_CM2,
    LEAST_TISSUE_SHARE,
    SCAN_SLICES,
    SPINE_RATIO,
    found,
)
from ctsieve.ops.lungs import edge_contact, lung_box, lung_slices, sections
from ctsieve.ops.picture_lungs import is_turned
from ctsieve.types.results import Finding
from ctsieve.types.volume import CTVolume

BoolArray = npt.NDArray[np.bool_]

LOOK_MM = 6.0
"""Cell of the grid on which intensities are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intensities:
    """What the Hounsfield units of a volume are like, counted on a coarse grid."""

    lowest: float
    body_share: float
    """Share of the volume denser than `FAT_HU`."""
    tissue_share: float
    """Share of that which is no denser than `BONE_HU`."""


def intensities(volume: CTVolume) -> Intensities:
    """Count them."""
    hu = sample(volume.hu, coarse_grid(volume.hu.shape, volume.geometry.spacing, cell_mm=LOOK_MM))
    body = hu > FAT_HU
    num_body = int(np.count_nonzero(body))
    num_tissue = int(np.count_nonzero(body & (hu < BONE_HU)))
    return Intensities(
        lowest=float(hu.min()),
        body_share=num_body / hu.size,
        tissue_share=num_tissue / max(1, num_body),
    )


def not_hounsfield(seen: Intensities) -> Iterator[Finding]:
    """Air and water must be where Hounsfield put them.

    An 8-bit export has no air, unscaled values (0..4095, or air at 0) have it at the wrong place.
    """
    if seen.lowest > AIR_HU:
        yield found(
            "not-hu",
            f"The lowest value is {seen.lowest:.0f}; a chest holds air near -1000 HU.",
        )
    elif seen.body_share < LEAST_BODY_SHARE:
        yield found(
            "not-hu",
            f"Only {seen.body_share:.2%} of the volume is denser than {FAT_HU:.0f} HU: no body.",
        )
    elif seen.tissue_share < LEAST_TISSUE_SHARE:
        yield found(
            "not-hu",
            f"Only {seen.tissue_share:.0%} of the body lies between {FAT_HU:.0f} and "
            f"{BONE_HU:.0f} HU, where soft tissue belongs.",
        )


def volume_measurements(volume: CTVolume, lungs: BoolArray) -> dict[str, float]:
    """What can be measured on the lungs (S, R, C) of the volume; units are in the names."""
    cells = sections(lungs)
    _, row_mm, column_mm = volume.geometry.spacing
    most = max(1, int(cells.max()))
    return {
        "num_slices": float(len(cells)),
        "num_lung_slices": float(lung_slices(lungs).sum()),
        "lung_ml": float(cells.sum()) * volume.geometry.voxel_ml,
        "largest_lung_section_cm2": float(cells.max()) * row_mm * column_mm / 100.0,
        "first_section_share": float(cells[0]) / most,
        "last_section_share": float(cells[-1]) / most,
        "lung_edge_contact_mm": float(edge_contact(lungs, (row_mm, column_mm))),
    }


def volume_findings(
    volume: CTVolume, lungs: BoolArray, measured: dict[str, float]
) -> Iterator[Finding]:
    """What the lungs (S, R, C) of a volume give reason to say."""
    section = measured["largest_lung_section_cm2"]
    if section < LEAST_LUNGS_CM2:
        yield found(
            "not-chest",
            f"The largest lung section is {section:.0f} cm2; a chest slice has at least "
            f"{LEAST_LUNGS_CM2:.0f}.",
        )
        return
    yield from _coverage(measured)
    contact = measured["lung_edge_contact_mm"]
    if contact >= FOV_CONTACT_MM:
        yield found(
            "truncated-fov",
            f"The lungs touch the edge of a slice over {contact:.0f} mm: the field of view cuts "
            "them.",
        )
    yield from _orientation(volume, lungs)


def _coverage(measured: dict[str, float]) -> Iterator[Finding]:
    num_lung_slices = int(measured["num_lung_slices"])
    if num_lung_slices < SCAN_SLICES:
        yield found(
            "few-slices",
            f"Lungs show in {num_lung_slices} of {measured['num_slices']:.0f} slices; a scan needs "
            f"{SCAN_SLICES}.",
        )
        return
    ends = {"first": measured["first_section_share"], "last": measured["last_section_share"]}
    cut = [
        f"{name} slice still has {share:.0%}" for name, share in ends.items() if share >= CUT_SHARE
    ]
    if cut:
        yield found("partial-coverage", f"The {' and the '.join(cut)} of the largest lung section.")


def _orientation(volume: CTVolume, lungs: BoolArray) -> Iterator[Finding]:
    """Whether the spine is where the canonical grid says: behind and between the lungs."""
    if is_turned(lungs[:: max(1, len(lungs) // 32), ::4, ::4]):
        yield found("wrong-orientation", "The lungs lie one above the other: a quarter turn.")
        return
    front, back = _bone_in_front_and_behind(volume, lungs)
    if front > SPINE_RATIO * max(back, 1):
        yield found(
            "wrong-orientation",
            f"There is {front / max(back, 1):.1f} times as much bone in front of the lungs as "
            "behind them: upside down.",
        )


def _bone_in_front_and_behind(volume: CTVolume, lungs: BoolArray) -> tuple[int, int]:
    """Bone cells in the front and back thirds of the box of the lungs, in its middle columns."""
    top, left, bottom, right = lung_box(lungs)
    height, width = bottom - top, right - left
    columns = slice(left + width // 3, right - width // 3, 3)
    beyond = height // 6
    shown = np.flatnonzero(lung_slices(lungs))
    shown = shown[:: max(1, len(shown) // 32)]
    front = volume.hu[shown, max(0, top - beyond) : top + height // 3 : 3, columns]
    back = volume.hu[shown, bottom - height // 3 : bottom + beyond : 3, columns]
    return int((front > BONE_HU).sum()), int((back > BONE_HU).sum())
