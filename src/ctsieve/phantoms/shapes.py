"""Signed distances to simple shapes, and a canvas that paints them with soft edges.

All lengths are millimetres in the phantom's own frame: x to the left, y to the back, z to the head,
(0, 0, 0) near the tracheal bifurcation.  Distances are negative inside.  Coordinates are arrays
that broadcast: a slice is x (1, C), y (R, 1), z (1, 1); a coarse chest is (1, 1, C), (1, R, 1),
(S, 1, 1).
Source: I. Quilez, "Distance functions" (ellipse bound, capsule, polynomial smooth minimum).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.interpolate import PchipInterpolator

Field = npt.NDArray[np.float32]
Scalar = float | npt.NDArray[np.floating[Any]]
Place = tuple[float, float, float]
Path = Sequence[tuple[float, float, float, float]]
"""A tube through (x, y, z, radius), mm."""

Profile = Callable[[Field], Field]


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Places to draw at, with the size of the pixels they stand for."""

    x: Field
    y: Field
    z: Field
    pixel: float = 1.0
    thickness: float = 1.0

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of a field on these points."""
        return np.broadcast_shapes(self.x.shape, self.y.shape, self.z.shape)

    @property
    def height(self) -> float:
        """The z of a slice (of the first, if there are several)."""
        return float(self.z.flat[0])


def at_height(curve: Profile, z: float) -> float:
    """The value of a profile at one height."""
    return float(curve(np.asarray([z], dtype=np.float32))[0])


def profile(*knots: tuple[float, float]) -> Profile:
    """A smooth curve through (z, value) knots that stays flat beyond its ends."""
    zs, values = zip(*sorted(knots), strict=True)
    curve = PchipInterpolator(zs, values)
    low, high = float(zs[0]), float(zs[-1])

    def value(z: Field) -> Field:
        return np.asarray(curve(np.clip(z, low, high)), dtype=np.float32)

    return value


def ellipse(
    at: Points, centre: Sequence[Scalar], radii: Sequence[Scalar], *, turn: float = 0.0
) -> Field:
    """Distance to an upright elliptic column (x, y); `turn` radians moves +x towards +y."""
    x, y = at.x - centre[0], at.y - centre[1]
    if turn:
        cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
        x, y = x * cos + y * sin, y * cos - x * sin
    u, v = x / radii[0], y / radii[1]
    k0 = np.sqrt(u * u + v * v)
    u, v = u / radii[0], v / radii[1]
    k1 = np.sqrt(u * u + v * v)
    return np.asarray(k0 * (k0 - 1.0) / np.maximum(k1, 1e-6), dtype=np.float32)


def squircle(
    at: Points, centre: Sequence[Scalar], radii: Sequence[Scalar], power: float = 2.6
) -> Field:
    """Rough distance to a superellipse column, between an ellipse and a box."""
    u = np.abs(at.x - centre[0]) / radii[0]
    v = np.abs(at.y - centre[1]) / radii[1]
    q = (u**power + v**power) ** (1.0 / power)
    slope = np.sqrt((u / radii[0]) ** 2 + (v / radii[1]) ** 2)
    plain = np.sqrt(u * u + v * v)
    return np.asarray((q - 1.0) * plain / np.maximum(slope, 1e-6), dtype=np.float32)


def capsule(at: Points, start: Sequence[float], stop: Sequence[float], radius: Scalar) -> Field:
    """Distance to a tube with round ends from `start` to `stop` (x, y, z)."""
    a, b = np.asarray(start, np.float32), np.asarray(stop, np.float32)
    d = b - a
    along = (at.x - a[0]) * d[0] + (at.y - a[1]) * d[1] + (at.z - a[2]) * d[2]
    t = np.clip(along / max(float(d @ d), 1e-6), 0.0, 1.0)
    x, y, z = at.x - a[0] - t * d[0], at.y - a[1] - t * d[1], at.z - a[2] - t * d[2]
    return np.asarray(np.sqrt(x * x + y * y + z * z) - radius, dtype=np.float32)


def join(first: Field, second: Field, blend: float) -> Field:
    """The union of two shapes with a fillet of about `blend` mm."""
    h = np.maximum(blend - np.abs(first - second), 0.0) / blend
    return np.asarray(np.minimum(first, second) - h * h * (blend / 4.0), dtype=np.float32)


def cut(shape: Field, tool: Field, blend: float) -> Field:
    """`shape` without `tool`, the new edge rounded by about `blend` mm."""
    return -join(-shape, tool, blend)


def xyz(x: float, y: float, z: float) -> Field:
    """A point as an array (3,)."""
    return np.asarray([x, y, z], dtype=np.float32)


def coverage(distance: Field, width: float) -> Field:
    """Share of a pixel of `width` mm that lies inside, by its centre's distance."""
    return np.asarray(np.clip(0.5 - distance / width, 0.0, 1.0), dtype=np.float32)


class Canvas:
    """A slice that is being drawn; `near` gives a window on the same pixels."""

    def __init__(self, at: Points, hu: Field) -> None:
        self.at = at
        self.hu = hu

    def near(self, x: float, y: float, radius: float) -> "Canvas":
        """The part of the canvas within `radius` mm (a square), sharing its pixels."""
        left, right = np.searchsorted(self.at.x[0], (x - radius, x + radius))
        top, bottom = np.searchsorted(self.at.y[:, 0], (y - radius, y + radius))
        at = Points(
            self.at.x[:, left:right],
            self.at.y[top:bottom],
            self.at.z,
            self.at.pixel,
            self.at.thickness,
        )
        return Canvas(at, self.hu[top:bottom, left:right])

    def paint(self, distance: Field, hu: Scalar, *, softness: float = 0.0) -> None:
        """Cover what lies inside with `hu`, edges shared by area."""
        share = coverage(distance, self.at.pixel + softness)
        self.hu += share * (hu - self.hu)

    def tubes(self, path: Path, hu: float) -> None:
        """Paint a chain of capsules through (x, y, z, radius); only what meets this slice."""
        for (*a, ra), (*b, rb) in pairwise(path):
            reach = max(ra, rb) + self.at.thickness / 2
            low, high = min(a[2], b[2]) - reach, max(a[2], b[2]) + reach
            if not low <= self.at.height <= high:
                continue
            x, y = (a[0] + b[0]) / 2, (a[1] + b[1]) / 2
            extent = max(abs(a[0] - b[0]), abs(a[1] - b[1])) / 2 + reach + self.at.pixel
            part = self.near(x, y, extent)
            part.paint(tapered(part.at, (*a, ra), (*b, rb)), hu)


def tapered(at: Points, start: Sequence[float], stop: Sequence[float]) -> Field:
    """Distance to a tube between (x, y, z, radius) and another, its radius changing evenly."""
    a, b = np.asarray(start[:3], np.float32), np.asarray(stop[:3], np.float32)
    d = b - a
    along = (at.x - a[0]) * d[0] + (at.y - a[1]) * d[1] + (at.z - a[2]) * d[2]
    t = np.clip(along / max(float(d @ d), 1e-6), 0.0, 1.0)
    x, y, z = at.x - a[0] - t * d[0], at.y - a[1] - t * d[1], at.z - a[2] - t * d[2]
    radius = start[3] + t * (stop[3] - start[3])
    return np.asarray(np.sqrt(x * x + y * y + z * z) - radius, dtype=np.float32)
