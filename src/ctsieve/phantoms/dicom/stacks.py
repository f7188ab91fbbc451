"""Stacks of image planes cut out of a volume: upright, turned, sheared, irregular, projected.

A plane knows its place in LPS millimetres, so that whatever a habit does to the order, direction or
spacing of the planes, the anatomy keeps its millimetres.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from ctsieve.types.volume import AIR_HU, CTVolume

Vector = npt.NDArray[np.float64]
AXIAL = ("ORIGINAL", "PRIMARY", "AXIAL")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plane:
    """One image: `hu` (rows, columns) and where its first pixel lies."""

    hu: npt.NDArray[np.int16]
    position: Vector


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stack:
    """Images of one series, in the order of their instance numbers."""

    planes: tuple[Plane, ...]
    across: Vector
    """Unit vector along a row (growing column)."""
    down: Vector
    """Unit vector along a column (growing row)."""
    spacing_mm: tuple[float, float]
    """Between rows and between columns."""
    step_mm: float
    """Nominal distance of slices."""
    role: str = "axial"
    """Tells series of one study apart."""
    image_type: tuple[str, ...] = AXIAL
    patient_position: str = "HFS"
    tilt_degrees: float = 0.0


Arrange = Callable[[CTVolume], tuple[Stack, ...]]


def upright(volume: CTVolume) -> tuple[Stack, ...]:
    """Head first, on the back, as the volume lies."""
    return (_as_it_lies(volume),)


def from_the_feet(volume: CTVolume) -> tuple[Stack, ...]:
    """Instance 1 nearest the feet; nothing else is changed."""
    stack = _as_it_lies(volume)
    return (replace(stack, planes=stack.planes[::-1]),)


def feet_first(volume: CTVolume) -> tuple[Stack, ...]:
    """Feet first on the back: the image shows the patient's left on its left."""
    stack = _mirrored(_as_it_lies(volume), columns=True, rows=False)
    return (replace(stack, planes=stack.planes[::-1], patient_position="FFS"),)


def prone(volume: CTVolume) -> tuple[Stack, ...]:
    """Head first on the belly: the image is turned by half a turn, spine above."""
    stack = _mirrored(_as_it_lies(volume), columns=True, rows=True)
    return (replace(stack, patient_position="HFP"),)


def tilted(volume: CTVolume) -> tuple[Stack, ...]:
    """The gantry leans by 12 degrees while the table moves along z: a sheared grid."""
    degrees = 12.0
    stack = _as_it_lies(volume)
    angle = np.deg2rad(degrees)
    down = np.array([0.0, np.cos(angle), -np.sin(angle)])
    _, rows, columns = volume.hu.shape
    middle = np.array([0.0, (rows - 1) / 2, (columns - 1) / 2])
    half = (rows - 1) / 2 * stack.spacing_mm[0] * down
    planes = []
    for number in range(len(stack.planes)):
        centre = volume.geometry.to_world([number, *middle[1:]])[0]
        left = (columns - 1) / 2 * stack.spacing_mm[1] * stack.across
        planes.append(_cut(volume, replace(stack, down=down), centre - half - left))
    return (replace(stack, planes=tuple(planes), down=down, tilt_degrees=degrees),)


def irregular(volume: CTVolume) -> tuple[Stack, ...]:
    """Slices up to a fifth of a step off their places."""
    stack = _as_it_lies(volume)
    rng = np.random.default_rng(4)
    inner = np.arange(1, len(stack.planes) - 1)
    places = np.arange(len(stack.planes), dtype=np.float64)
    places[inner] += rng.uniform(-0.2, 0.2, len(inner))
    corners = volume.geometry.to_world(np.stack([places, 0 * places, 0 * places], axis=1))
    return (replace(stack, planes=tuple(_cut(volume, stack, corner) for corner in corners)),)


def without_the_middle(volume: CTVolume) -> tuple[Stack, ...]:
    """The slice in the middle was lost."""
    stack = _as_it_lies(volume)
    lost = len(stack.planes) // 2
    return (replace(stack, planes=stack.planes[:lost] + stack.planes[lost + 1 :]),)


def with_companions(volume: CTVolume) -> tuple[Stack, ...]:
    """A localiser and a coronal reformat of more images lie beside the axial series."""
    stack = _as_it_lies(volume)
    return (_localiser(volume, stack), stack, _coronal(volume, stack))


def _as_it_lies(volume: CTVolume) -> Stack:
    step, row, column = volume.geometry.spacing
    directions = volume.geometry.affine[:3, :3] / np.array([step, row, column])
    number = np.arange(len(volume.hu))
    corners = volume.geometry.to_world(np.stack([number, 0 * number, 0 * number], axis=1))
    return Stack(
        planes=tuple(
            Plane(hu=hu, position=corner) for hu, corner in zip(volume.hu, corners, strict=True)
        ),
        across=directions[:, 2],
        down=directions[:, 1],
        spacing_mm=(row, column),
        step_mm=step,
    )


def _mirrored(stack: Stack, *, columns: bool, rows: bool) -> Stack:
    """The same places, read in the other direction along rows and along columns."""
    height, width = stack.planes[0].hu.shape
    shift = np.zeros(3)
    if columns:
        shift = shift + (width - 1) * stack.spacing_mm[1] * stack.across
    if rows:
        shift = shift + (height - 1) * stack.spacing_mm[0] * stack.down
    order = (slice(None, None, -1 if rows else 1), slice(None, None, -1 if columns else 1))
    planes = tuple(Plane(hu=p.hu[order], position=p.position + shift) for p in stack.planes)
    return replace(
        stack,
        planes=planes,
        across=-stack.across if columns else stack.across,
        down=-stack.down if rows else stack.down,
    )


def _cut(volume: CTVolume, stack: Stack, corner: Vector) -> Plane:
    """The plane of the stack's shape and directions at `corner`, sampled from the volume."""
    _, rows, columns = volume.hu.shape
    down = np.arange(rows)[:, None, None] * stack.spacing_mm[0] * stack.down
    across = np.arange(columns)[None, :, None] * stack.spacing_mm[1] * stack.across
    places = (corner + down + across).reshape(-1, 3)
    index = volume.geometry.to_index(places).T.reshape(3, rows, columns)
    hu = ndimage.map_coordinates(
        volume.hu.astype(np.float32), index, order=1, mode="constant", cval=AIR_HU
    )
    return Plane(hu=np.rint(hu).astype(np.int16), position=corner)


def _localiser(volume: CTVolume, stack: Stack) -> Stack:
    """A projection from front to back, 1 pixel a slice high."""
    attenuation = np.clip(volume.hu.astype(np.float32) + 1000.0, 0.0, None).mean(axis=1)
    hu = np.rint(attenuation - 1000.0).astype(np.int16)
    slices = np.asarray(volume.geometry.affine[:3, 0])
    return replace(
        stack,
        planes=(Plane(hu=hu, position=volume.geometry.to_world([0, 0, 0])[0]),),
        down=slices / np.linalg.norm(slices),
        spacing_mm=(stack.step_mm, stack.spacing_mm[1]),
        step_mm=1.0,
        role="localiser",
        image_type=("ORIGINAL", "PRIMARY", "LOCALIZER"),
    )


def _coronal(volume: CTVolume, stack: Stack) -> Stack:
    rows = volume.hu.shape[1]
    chosen = np.unique(np.linspace(0, rows - 1, min(rows, len(volume.hu) + 12)).astype(int))
    slices = np.asarray(volume.geometry.affine[:3, 0])
    return replace(
        stack,
        planes=tuple(_coronal_plane(volume, row) for row in chosen),
        down=slices / np.linalg.norm(slices),
        spacing_mm=(stack.step_mm, stack.spacing_mm[1]),
        step_mm=stack.spacing_mm[0] * float(np.diff(chosen).mean()) if len(chosen) > 1 else 1.0,
        role="coronal",
        image_type=("DERIVED", "SECONDARY", "REFORMATTED"),
    )


def _coronal_plane(volume: CTVolume, row: int) -> Plane:
    return Plane(hu=volume.hu[:, row], position=volume.geometry.to_world([0, row, 0])[0])
