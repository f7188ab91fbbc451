"""Make a synthetic chest CT: anatomy, lesions and noise from one seed, on any grid.

The anatomy is a function of the seed alone; the grid only samples it.  So two specs with one seed
show the same chest, at different resolution; lesions keep their volume, side and zone, but their
outlines follow the grid.
"""

import hashlib

import numpy as np
import numpy.typing as npt

from ctsieve.phantoms.abdomen import paint_abdomen
from ctsieve.phantoms.bones import paint_bones
from ctsieve.phantoms.build import Build
from ctsieve.phantoms.lesions import Lesions, LungMap, place_lesions
from ctsieve.phantoms.lungs import fissure_lines, lobe_labels, lung_fields
from ctsieve.phantoms.mediastinum import paint_mediastinum, paint_windpipe
from ctsieve.phantoms.shapes import Canvas, Field, Points
from ctsieve.phantoms.spec import HEIGHT_MM, ChestSpec, Phantom
from ctsieve.phantoms.texture import Grain, scanner_noise, streaks
from ctsieve.phantoms.tubes import LungTubes, grow_tubes, paint_tubes
from ctsieve.phantoms.wall import FAT_HU, paint_table, paint_wall
from ctsieve.types.geometry import Geometry
from ctsieve.types.provenance import Acquisition, Provenance
from ctsieve.types.volume import AIR_HU, CTVolume
from ctsieve.version import __version__

TOP_MM = 118.0
"""The z of the top of the phantom when the grid covers it all."""

CENTRE_Y_MM = 8.0
TABLE_MM = -412.5
"""Added to z, as scanners do not put their zero at the tracheal bifurcation."""

LUNG_HU = -868.0
BLOOD_IN_LUNG_HU = 40.0


def make_phantom(spec: ChestSpec) -> Phantom:
    """The chest CT that `spec` asks for; the same bits for the same spec.

    Raises:
        UsageError: a lesion does not fit into the lung that the grid shows, or the grid is too
            coarse for it.

    Example:
        >>> phantom = make_phantom(ChestSpec.covering(seed=1, num_slices=8, matrix=48))
        >>> phantom.volume.hu.shape
        (8, 48, 48)
    """
    streams = [np.random.default_rng([spec.seed, k]) for k in range(6)]
    build = Build.draw(streams[0])
    grid = grid_of(spec)
    grains = tuple(Grain.draw(streams[1], size) for size in (16.0, 5.0, 2.2))
    chest = _draw_chest(spec, grid, build, grains)
    world = Geometry(grid.shape, _shifted(grid.affine), grid.frame)
    lung_map = LungMap(chest.share > 0.5, chest.depth, chest.lobes, world)
    lesions = place_lesions(lung_map, spec.lesions, streams[2])
    tubes = grow_tubes(build, grid, streams[3], thickness=spec.thickness_mm)
    hu = _finish(spec, chest, lesions, tubes, (build, grid, grains), streams[4])
    return Phantom(
        volume=CTVolume(hu=hu, geometry=world, provenance=_provenance(hu, spec, grid.frame)),
        lungs=lung_map.mask,
        lobes=np.where(lung_map.mask, chest.lobes, 0).astype(np.uint8),
        lesions=lesions.labels,
        truth=lesions.truth,
        spec=spec,
    )


class _Chest:
    """What is drawn slice by slice before lesions are known."""

    def __init__(self, shape: tuple[int, int, int]) -> None:
        self.hu = np.full(shape, AIR_HU, dtype=np.float32)
        self.share = np.zeros(shape, dtype=np.float32)
        self.depth = np.zeros(shape, dtype=np.float32)
        self.lobes = np.zeros(shape, dtype=np.uint8)


def grid_of(spec: ChestSpec) -> Geometry:
    """The grid of `spec` in the phantom's own frame (without the table's height)."""
    thick, row, column = spec.spacing_mm
    rows, columns = spec.matrix
    top = TOP_MM - (HEIGHT_MM - spec.num_slices * thick) / 2 - thick / 2
    digest = hashlib.sha256(spec.model_dump_json().encode()).digest()
    return Geometry.from_spacing(
        (spec.num_slices, rows, columns),
        spacing=(thick, row, column),
        frame=f"2.25.{int.from_bytes(digest[:14], 'big')}",
        origin=(-(columns - 1) / 2 * column, CENTRE_Y_MM - (rows - 1) / 2 * row, top),
    )


def slice_points(spec: ChestSpec, grid: Geometry, number: int) -> Points:
    """The pixel centres of slice `number`."""
    _, rows, columns = grid.shape
    thick, row, column = grid.spacing
    x0, y0, z0 = grid.affine[:3, 3]
    return Points(
        x=np.asarray(x0 + column * np.arange(columns), np.float32)[None],
        y=np.asarray(y0 + row * np.arange(rows), np.float32)[:, None],
        z=np.asarray([[z0 - thick * number]], np.float32),
        pixel=(row + column) / 2,
        thickness=min(thick, spec.thickness_mm),
    )


def _shifted(affine: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    moved = affine.copy()
    moved[2, 3] += TABLE_MM
    return moved


def _draw_chest(spec: ChestSpec, grid: Geometry, build: Build, grains: tuple[Grain, ...]) -> _Chest:
    """Everything but the inside of the lungs, and where the lungs are."""
    chest = _Chest(grid.shape)
    for number in range(spec.num_slices):
        at = slice_points(spec, grid, number)
        canvas = Canvas(at, chest.hu[number])
        lung = lung_fields(at, build)
        paint_table(canvas, build)
        paint_wall(canvas, build, lung.cage, [grain.on_slice(at) for grain in grains[:2]])
        canvas.paint(lung.cage + 1.5, FAT_HU)
        paint_mediastinum(canvas, build, contrast=spec.contrast)
        paint_abdomen(canvas, lung.cage, lung.dome, contrast=spec.contrast)
        paint_bones(canvas, build, lung.cage)
        paint_windpipe(canvas)
        chest.share[number] = lung.share
        chest.depth[number] = np.maximum(50.0 - np.abs(at.x), 0.0) * 0.6 - lung.cage
        chest.lobes[number] = lobe_labels(at)
    return chest


def _finish(
    spec: ChestSpec,
    chest: _Chest,
    lesions: Lesions,
    tubes: LungTubes,
    world: tuple[Build, Geometry, tuple[Grain, ...]],
    rng: np.random.Generator,
) -> npt.NDArray[np.int16]:
    """Fill the lungs, add noise, round."""
    _, grid, grains = world
    blood = 230.0 if spec.contrast else BLOOD_IN_LUNG_HU
    hu = np.empty(grid.shape, dtype=np.int16)
    for number in range(spec.num_slices):
        at = slice_points(spec, grid, number)
        lung = _aerated(at, grains)
        lung += lesions.blend[number] * (lesions.density[number] - lung)
        lung += tubes.vessels[number] * (blood - lung)
        lung += tubes.walls[number] * (-40.0 - lung)
        lung += tubes.lumens[number] * (-970.0 - lung)
        # Tubes are painted on the lung alone: where a branch leaves it, the heart hides the branch.
        inside = Canvas(at, lung)
        paint_tubes(inside, tubes, blood)
        paint_windpipe(inside)
        body = chest.hu[number]
        noisy = body + chest.share[number] * (lung - body) + _noise(spec, at, rng)
        hu[number] = np.rint(np.clip(noisy, -1024.0, 3071.0)).astype(np.int16)
    return hu


def _aerated(at: Points, grains: tuple[Grain, ...]) -> Field:
    """Lung without vessels: denser towards the back, where blood and weight go."""
    coarse, middle, fine = (grain.on_slice(at) for grain in grains)
    gravity = 0.30 * (at.y + 10.0)
    mottle = 2.5 * coarse + 4.0 * middle + 13.0 * np.maximum(fine, -0.6)
    fissure = 120.0 * fissure_lines(at)
    return np.asarray(LUNG_HU + gravity + mottle + fissure, dtype=np.float32)


def _noise(spec: ChestSpec, at: Points, rng: np.random.Generator) -> Field:
    """More in the middle of the body than at its rim; streaks between the shoulders."""
    shape = spec.matrix
    rim = (at.x / 190.0) ** 2 + ((at.y - CENTRE_Y_MM) / 150.0) ** 2
    strength = spec.noise_hu * np.maximum(1.12 - 0.55 * rim, 0.5)
    shoulders = float(np.clip((at.height - 45.0) / 45.0, 0.0, 1.0))
    noise = strength * (1.0 + 0.5 * shoulders) * scanner_noise(rng, shape, at.pixel)
    if shoulders > 0.0:
        band = np.exp(-(((at.y - 20.0) / 34.0) ** 2))
        noise += 1.1 * spec.noise_hu * shoulders * band * streaks(rng, shape, at.pixel)
    return np.asarray(noise, dtype=np.float32)


def _provenance(hu: npt.NDArray[np.int16], spec: ChestSpec, frame: str) -> Provenance:
    digest = hashlib.sha256(hu.tobytes()).hexdigest()
    return Provenance(
        reader="phantom",
        reader_version=__version__,
        digest=digest,
        slices=(None,) * spec.num_slices,
        frame_of_reference_uid=frame,
        acquisition=Acquisition(
            modality="CT",
            body_part="CHEST",
            contrast=spec.contrast,
            slice_thickness_mm=min(spec.spacing_mm[0], spec.thickness_mm),
        ),
        steps=(f"synthetic, seed {spec.seed}",),
    )
