"""Lesions of a wanted kind, place and volume; their density is mixed into the lung's.

A lesion is the set of lung voxels with the smallest score, where the score is a warped distance
from the lesion's centre: taking just as many as make up the wanted volume hits it to half a voxel.
Density of ground glass, consolidation and crazy paving: D. M. Hansell et al., "Fleischner Society:
glossary of terms for thoracic imaging", Radiology 246 (2008); attenuation ranges as usual in CT.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage, spatial

from ctsieve.phantoms.shapes import Field
from ctsieve.phantoms.spec import LESION_KINDS, LOBES, LesionSpec, LesionTruth
from ctsieve.phantoms.texture import Grain
from ctsieve.types.errors import UsageError
from ctsieve.types.geometry import Geometry

ZONES = {"upper": (0.62, 0.86), "middle": (0.42, 0.66), "lower": (0.14, 0.44)}
"""Heights in the lung, 0 at its lowest and 1 at its highest voxel."""

GGO_HU, CONSOLIDATION_HU, WEB_HU = -560.0, 38.0, -300.0
LOBULE_MM = 6.5


@dataclass(frozen=True, slots=True, eq=False)
class LungMap:
    """The aerated lung, voxel by voxel."""

    mask: npt.NDArray[np.bool_]
    depth: Field
    """Distance from the ribs, mm; more towards the spine and the heart."""
    lobes: npt.NDArray[np.uint8]
    grid: Geometry


@dataclass(frozen=True, slots=True, eq=False)
class Lesions:
    """All lesions of a phantom on its grid."""

    labels: npt.NDArray[np.int8]
    blend: Field
    """How far the lung's density has gone to `density`, 0 to 1."""
    density: Field
    """HU."""
    truth: tuple[LesionTruth, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Candidates:
    """Voxels that one lesion may take."""

    flat: npt.NDArray[np.int64]
    xyz: Field
    depth: Field


@dataclass(frozen=True, slots=True, eq=False)
class _Shape:
    """A lesion as the candidates whose score is at most `edge`."""

    found: _Candidates
    score: Field
    edge: float


def place_lesions(lungs: LungMap, specs: Sequence[LesionSpec], rng: np.random.Generator) -> Lesions:
    """Place all lesions; a later one takes only what an earlier one left.

    Raises:
        UsageError: there is not as much lung left as a lesion needs, or its voxels are too large.
    """
    labels = np.zeros(lungs.mask.shape, dtype=np.int8)
    blend = np.zeros(lungs.mask.shape, dtype=np.float32)
    density = np.zeros(lungs.mask.shape, dtype=np.float32)
    warps = tuple(Grain.draw(rng, size) for size in (30.0, 11.0, 4.5))
    truth = []
    for spec in specs:
        found = _candidates(lungs, labels, spec, rng)
        score = _score(found, spec, warps, rng)
        need = round(spec.ml / lungs.grid.voxel_ml)
        if need == 0:
            raise UsageError(
                f"a {spec.kind} of {spec.ml:g} ml is less than half a voxel of this grid",
                hint="ask for more, or for a finer grid (`--slices`, `--matrix`)",
            )
        if need > len(score):
            raise UsageError(
                f"a {spec.kind} of {spec.ml:g} ml does not fit into the {spec.side} lung",
                hint="ask for less, or for a grid that covers the whole chest",
            )
        order = np.argpartition(score, need - 1)
        taken = order[:need]
        where = found.flat[taken]
        labels.ravel()[where] = 1 + LESION_KINDS.index(spec.kind)
        shape = _Shape(found, score, float(score[order[need - 1]]))
        _mix(shape, spec, onto=(blend, density), grains=warps, rng=rng)
        truth.append(_truth(lungs, where, spec))
    return Lesions(labels, *_softened(blend, density, lungs), tuple(truth))


def _candidates(
    lungs: LungMap, labels: npt.NDArray[np.int8], spec: LesionSpec, rng: np.random.Generator
) -> _Candidates:
    """Free voxels of the lung, of the lobe if the lesion keeps to one; xyz relative to a centre."""
    wanted = (
        {spec.lobe} if spec.lobe else {name for name in LOBES if name[0] == spec.side[0].upper()}
    )
    numbers = [1 + LOBES.index(name) for name in LOBES if name in wanted]
    free = lungs.mask & (labels == 0) & np.isin(lungs.lobes, numbers)
    flat = np.flatnonzero(free)
    if not len(flat):
        raise UsageError(
            f"no {spec.side} lung is left for a {spec.kind} of {spec.ml:g} ml",
            hint="the grid must show the lungs",
        )
    index = np.stack(np.unravel_index(flat, free.shape), axis=1)
    xyz = lungs.grid.to_world(index).astype(np.float32)
    depth = lungs.depth.ravel()[flat]
    centre = _centre(xyz, depth, spec, rng)
    lobes = lungs.lobes.ravel()[flat]
    keep = np.ones(len(flat), dtype=bool)
    point = xyz[centre]
    if spec.placement == "lobar":
        keep = lobes == lobes[centre]
        earlier = np.argwhere((labels > 0) & (lungs.lobes == lobes[centre]))
        if len(earlier):
            # Around the lesion that the lobe has: a hazy rim, not a second focus.
            point = lungs.grid.to_world(earlier).mean(axis=0).astype(np.float32)
    return _Candidates(flat[keep], (xyz - point)[keep], depth[keep])


def _centre(xyz: Field, depth: Field, spec: LesionSpec, rng: np.random.Generator) -> int:
    """A voxel of the wanted zone, nearest to the wanted depth."""
    z, y = xyz[:, 2], xyz[:, 1]
    height = (z - z.min()) / max(float(np.ptp(z)), 1e-3)
    low, high = ZONES[spec.zone]
    goal = rng.uniform(low, high)
    size = (spec.ml * 1000.0) ** (1 / 3)
    inside = {"peripheral": 0.12 * size, "central": 0.9 * size + 12.0, "lobar": 0.4 * size}
    half = np.median(y[np.abs(height - goal) < 0.1]) if (np.abs(height - goal) < 0.1).any() else 0.0
    wrong = np.maximum(half - y, 0.0) if spec.posterior else np.maximum(y - half, 0.0)
    span = float(np.ptp(z)) + 1.0
    penalty = (
        np.abs(height - goal) * span
        + np.abs(depth - inside[spec.placement]) * 5.0
        + wrong * 2.0
        + rng.random(len(z), dtype=np.float32) * 30.0
    )
    return int(penalty.argmin())


def _score(
    found: _Candidates, spec: LesionSpec, warps: Sequence[Grain], rng: np.random.Generator
) -> Field:
    """Warped distance from the centre; a peripheral lesion hugs the pleura."""
    offset = rng.uniform(-400.0, 400.0, 3).astype(np.float32)
    stretch = rng.uniform(0.8, 1.25, 3).astype(np.float32)
    distance = np.linalg.norm(found.xyz * stretch, axis=1)
    if spec.placement == "peripheral":
        distance = np.hypot(distance, 2.0 * np.maximum(found.depth - 2.0, 0.0))
    size = (spec.ml * 1000.0) ** (1 / 3)
    rough = 0.55 if spec.placement == "lobar" else 1.0
    wobble = np.zeros(len(distance), dtype=np.float32)
    for grain, strength in zip(warps, (0.17, 0.15, 0.08), strict=True):
        wobble += rough * strength * grain.at_points(found.xyz + offset)
    return np.asarray(distance + size * wobble, dtype=np.float32)


def _mix(
    shape: _Shape,
    spec: LesionSpec,
    *,
    onto: tuple[Field, Field],
    grains: Sequence[Grain],
    rng: np.random.Generator,
) -> None:
    """Blend the lesion's density in; ground glass fades more slowly than consolidation."""
    blend, density = onto
    _, middle, fine = grains
    found = shape.found
    fade = 2.5 if spec.kind == "consolidation" else 5.5
    share = np.clip(0.5 + (shape.edge - shape.score) / (2.0 * fade), 0.0, 1.0)
    near = np.flatnonzero(share > 0.0)
    share = share[near] * share[near] * (3.0 - 2.0 * share[near])
    xyz = found.xyz[near]
    if spec.kind == "consolidation":
        hu = CONSOLIDATION_HU + 8.0 * middle.at_points(xyz)
    else:
        hu = GGO_HU + 65.0 * middle.at_points(xyz) + 45.0 * fine.at_points(xyz)
    if spec.kind == "crazy_paving":
        web = polygon_web(xyz, rng)
        hu = hu - 15.0 + web * (WEB_HU - hu)
    where = found.flat[near]
    stronger = share > blend.ravel()[where]
    blend.ravel()[where[stronger]] = share[stronger]
    density.ravel()[where[stronger]] = hu[stronger]


def _softened(blend: Field, density: Field, lungs: LungMap) -> tuple[Field, Field]:
    """Both blurred by half a pixel, and continued over the lung's rim, which the mask lacks."""
    sigma = 0.5
    for number in np.flatnonzero(blend.any(axis=(1, 2))):
        inside = ndimage.gaussian_filter(lungs.mask[number].astype(np.float32), sigma)
        share = ndimage.gaussian_filter(blend[number], sigma)
        mixed = ndimage.gaussian_filter(blend[number] * density[number], sigma)
        blend[number] = np.minimum(share / np.maximum(inside, 1e-3), 1.0)
        density[number] = mixed / np.maximum(share, 1e-6)
    return blend, density


def polygon_web(xyz: Field, rng: np.random.Generator) -> Field:
    """How much of the places (n, 3) is wall between random polyhedra of about `LOBULE_MM`, 0 to 1.

    The cells are tall along z, so that a thick slice does not smear the web away.
    """
    flat = xyz * np.asarray([1.0, 1.0, 0.35], np.float32)
    low, high = flat.min(axis=0) - LOBULE_MM, flat.max(axis=0) + LOBULE_MM
    axes = [np.arange(a, b + LOBULE_MM, LOBULE_MM) for a, b in zip(low, high, strict=True)]
    seeds = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    seeds = seeds + rng.uniform(-0.42, 0.42, seeds.shape) * LOBULE_MM
    near, _ = spatial.cKDTree(seeds).query(flat, k=2)
    gap = np.diff(np.asarray(near), axis=1)[:, 0]
    return np.asarray(np.clip(1.2 - gap / 1.0, 0.0, 1.0), dtype=np.float32)


def _truth(lungs: LungMap, where: npt.NDArray[np.int64], spec: LesionSpec) -> LesionTruth:
    index = np.stack(np.unravel_index(where, lungs.mask.shape), axis=1)
    x, y, z = (float(v) for v in lungs.grid.to_world(index).mean(axis=0))
    lobe = int(np.bincount(lungs.lobes.ravel()[where], minlength=6)[1:].argmax())
    return LesionTruth(
        kind=spec.kind,
        side=spec.side,
        lobe=LOBES[lobe],
        centre_mm=(x, y, z),
        ml=len(where) * lungs.grid.voxel_ml,
        slices=tuple(int(s) for s in np.unique(index[:, 0])),
    )
