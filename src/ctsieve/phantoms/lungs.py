"""Where the lungs are: rib cage, diaphragm, mediastinum, fissures; and how aerated lung looks."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ctsieve.phantoms.build import Build
from ctsieve.phantoms.mediastinum import envelope
from ctsieve.phantoms.shapes import Field, Points, coverage, cut, ellipse, join

LEFT, RIGHT = 1.0, -1.0


@dataclass(frozen=True, slots=True, eq=False)
class LungFields:
    """Shapes that decide where lung is, on one set of points."""

    cage: Field
    """Distance to the inner surface of the rib cage."""
    envelope: Field
    """Distance to the mediastinum with the hearts and vessels in it."""
    dome: Field
    """The z of the diaphragm."""
    share: Field
    """Share of the pixel that is lung."""


def rib_cage(at: Points, build: Build) -> Field:
    """Distance to the inner surface of the rib cage: two round halves that melt in the middle."""
    front, back, wide = build.front(at.z), build.back(at.z), build.half_width(at.z)
    centre, half = (front + back) / 2, (back - front) / 2
    radius = 0.60 * wide
    halves = [
        ellipse(at, (side * (wide - radius), centre + 5.0), (radius, half - 3.0))
        for side in (-1.0, 1.0)
    ]
    front_bow = ellipse(at, (0.0, centre - 0.10 * half), (0.74 * wide, 0.90 * half))
    return join(join(halves[0], halves[1], 20.0), front_bow, 14.0)


def diaphragm(at: Points, build: Build) -> Field:
    """The z of the diaphragm above each (x, y)."""
    left = at.x > 0
    top = np.where(left, -112.0, -97.0) + build.dome_mm
    x0 = np.where(left, 68.0, -64.0)
    side = (at.x - x0) / (62.0 * build.wide)
    back = np.maximum(at.y + 30.0, 0.0) / (112.0 * build.deep)
    front = np.maximum(-30.0 - at.y, 0.0) / (68.0 * build.deep)
    drop = 34.0 * np.minimum(np.abs(side), 1.4) ** 2.4 + 84.0 * back**1.9 + 34.0 * front**2
    return np.asarray(top - drop, dtype=np.float32)


def lung_fields(at: Points, build: Build) -> LungFields:
    """Everything that decides where lung is, at the points."""
    cage = rib_cage(at, build)
    middle = envelope(at, build)
    dome = diaphragm(at, build)
    inside = cut(cage, middle, 7.0)
    above = np.clip(0.5 + (at.z - dome) / at.thickness, 0.0, 1.0)
    share = coverage(inside, at.pixel) * above
    return LungFields(cage, middle, dome, np.asarray(share, dtype=np.float32))


def oblique_fissure(at: Points) -> Field:
    """Distance above (+) or below (-) the oblique fissure; lower lobes lie below."""
    wave = 4.0 * np.sin(at.x / 31.0) - 0.0011 * (np.abs(at.x) - 70.0) ** 2
    slope = np.where(at.x > 0, 0.98, 0.90)
    low = np.where(at.x > 0, 14.0, 34.0)
    plane = at.z + low + wave - slope * (at.y + 6.0)
    return np.asarray(plane / np.hypot(1.0, slope), dtype=np.float32)


def horizontal_fissure(at: Points) -> Field:
    """Distance above (+) or below (-) the horizontal fissure of the right lung."""
    return np.asarray(at.z + 14.0 + 4.0 * np.cos(at.x / 25.0) - 0.10 * (at.y + 40.0), np.float32)


def lobe_labels(at: Points) -> npt.NDArray[np.uint8]:
    """1 + the place in `LOBES` = (RUL, RML, RLL, LUL, LLL), for every point."""
    lower = oblique_fissure(at) < 0
    right = np.where(lower, 3, np.where(horizontal_fissure(at) < 0, 2, 1))
    return np.where(at.x > 0, np.where(lower, 5, 4), right).astype(np.uint8)


def fissure_lines(at: Points) -> Field:
    """How much of a pixel is fissure, 0 to 1; a thick slice smears a slanting fissure."""
    width = 0.7 * at.pixel + 0.5
    smear = np.hypot(width, 0.35 * at.thickness)
    oblique = np.exp(-((oblique_fissure(at) / smear) ** 2)) * (width / smear)
    flat = np.hypot(width, 0.5 * at.thickness)
    level = np.exp(-((horizontal_fissure(at) / flat) ** 2)) * (width / flat)
    level = np.where((at.x < 0) & (oblique_fissure(at) > 0), level, 0.0)
    return np.asarray(np.maximum(oblique, level), dtype=np.float32)
