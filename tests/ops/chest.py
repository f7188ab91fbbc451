"""A plain chest of ellipsoids, for laws about lungs: body, two lungs, spine, trachea, vessels."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ctsieve.types.geometry import Geometry
from ctsieve.types.provenance import Acquisition, Provenance, SliceSource
from ctsieve.types.volume import CTPicture, CTVolume, Window

Mask = npt.NDArray[np.bool_]
Points = tuple[npt.NDArray[np.floating], npt.NDArray[np.floating], npt.NDArray[np.floating]]

HEIGHT_MM, DEPTH_MM, WIDTH_MM = 240.0, 290.0, 380.0
LUNG_LUNG = Window(centre=-600.0, width=1500.0)
SOFT_TISSUE = Window(centre=40.0, width=400.0)
WIDE = Window(centre=-300.0, width=1400.0)
PLAIN = Acquisition(
    modality="CT", manufacturer="ctsieve tests", kernel="B50", kvp=120.0, slice_thickness_mm=2.0
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chest:
    """Hounsfield units with the lungs that are in them."""

    hu: npt.NDArray[np.int16]
    lungs: Mask
    spacing: tuple[float, float, float]

    def volume(self, acquisition: Acquisition = PLAIN) -> CTVolume:
        """As the reader of DICOM would give it."""
        return volume_of(self.hu, self.spacing, acquisition)

    def picture(self, window: Window = LUNG_LUNG) -> CTPicture:
        """As a picture of the middle slice."""
        middle = len(self.hu) // 2
        return picture_of(shown(self.hu[middle : middle + 1], window))

    def cut(self, *, rows: slice = slice(None), columns: slice = slice(None)) -> "Chest":
        """A smaller field of view."""
        return replace(
            self,
            hu=np.ascontiguousarray(self.hu[:, rows, columns]),
            lungs=self.lungs[:, rows, columns],
        )


def make_chest(
    spacing: tuple[float, float, float] = (4.0, 2.0, 2.0), *, seed: int = 0, table: bool = True
) -> Chest:
    """A chest from neck to upper abdomen on a grid of `spacing` millimetres."""
    z, y, x = at = _points(spacing)
    rng = np.random.default_rng(seed)
    hu = np.full(np.broadcast_shapes(z.shape, y.shape, x.shape), -1000.0)
    hu[_ball(at, (0, 0, 0), (1e6, 100, 155))] = -90.0
    hu[_ball(at, (0, 0, 0), (1e6, 90, 145))] = 40.0
    lungs = np.zeros(hu.shape, np.bool_)
    for side in (-1, 1):
        lungs |= _ball(at, (0, -5, side * 72), (95, 72, 58))
    # The diaphragm: a flat dome that rises into the lungs from below.
    lungs &= ~_ball(at, (100, 0, 0), (60, 70, 120))
    hu[lungs] = -860.0
    hu[_ball(at, (0, 72, 0), (1e6, 16, 16))] = 500.0
    hu[_ball(at, (-90, -5, 0), (95, 9, 9))] = -1000.0
    lungs &= hu == -860.0
    vessels = lungs & (np.sin(y / 6.0) * np.sin(x / 6.0) * np.cos(z / 15.0) > 0.93)
    hu[vessels] = 40.0
    if table:
        hu[(np.abs(y - 118.0) < 2.5) & (np.abs(x) < 170.0) & (z < 1e6)] = -150.0
    hu += rng.normal(0.0, 15.0, hu.shape)
    return Chest(hu=hu.round().astype(np.int16), lungs=lungs, spacing=spacing)


def with_opacity(chest: Chest, *, centre: tuple[float, float, float], mm: float, hu: int) -> Chest:
    """The chest with a ball of `mm` radius of density `hu` at `centre` (z, y, x), in the lungs."""
    inside = _ball(_points(chest.spacing), centre, (mm, mm, mm)) & chest.lungs
    changed = chest.hu.copy()
    changed[inside] = hu
    return replace(chest, hu=changed)


def make_abdomen(spacing: tuple[float, float, float] = (4.0, 2.0, 2.0)) -> Chest:
    """A belly with gas in the bowel and no lungs."""
    at = _points(spacing)
    hu = make_chest(spacing).hu.copy()
    hu[_ball(at, (0, 0, 0), (1e6, 90, 145))] = 40
    for x in (-70, 10, 60):
        hu[_ball(at, (10, -50, x), (60, 12, 22))] = -990
    return Chest(hu=hu, lungs=np.zeros(hu.shape, np.bool_), spacing=spacing)


def make_head(spacing: tuple[float, float, float] = (4.0, 1.0, 1.0)) -> Chest:
    """A skull with brain and frontal sinuses."""
    at = _points(spacing)
    hu = np.full(_shape(spacing), -1000)
    hu[_ball(at, (0, 0, 0), (140, 95, 75))] = 900
    hu[_ball(at, (0, 0, 0), (133, 88, 68))] = 35
    hu[_ball(at, (20, -80, 0), (20, 7, 20))] = -980
    return Chest(hu=hu.astype(np.int16), lungs=np.zeros(hu.shape, np.bool_), spacing=spacing)


def make_cylinder(spacing: tuple[float, float, float] = (4.0, 2.0, 2.0)) -> Chest:
    """A test object: water with inserts of air, fat and bone."""
    at = _points(spacing)
    hu = np.full(_shape(spacing), -1000)
    hu[_ball(at, (0, 0, 0), (1e6, 100, 100))] = 0
    for place, value in ((-45, -1000), (0, -100), (45, 900)):
        hu[_ball(at, (0, 0, place), (1e6, 15, 15))] = value
    return Chest(hu=hu.astype(np.int16), lungs=np.zeros(hu.shape, np.bool_), spacing=spacing)


def volume_of(
    hu: npt.NDArray[np.int16], spacing: tuple[float, float, float], acquisition: Acquisition = PLAIN
) -> CTVolume:
    """Hounsfield units as a volume with a file for each slice."""
    shape = (hu.shape[0], hu.shape[1], hu.shape[2])
    return CTVolume(
        hu=hu,
        geometry=Geometry.from_spacing(shape, spacing=spacing, frame="1.2.3"),
        provenance=_provenance(len(hu), acquisition),
    )


def picture_of(
    values: npt.NDArray[np.float32], acquisition: Acquisition | None = None
) -> CTPicture:
    """Display values (S, R, C) as a picture."""
    shape = (values.shape[0], values.shape[1], values.shape[2])
    said = acquisition or Acquisition(intensity="display", picture_format="PNG", picture_mode="L")
    return CTPicture(
        values=values,
        geometry=Geometry.of_picture(shape, "digest"),
        provenance=_provenance(len(values), said),
    )


def shown(hu: npt.NDArray[np.int16], window: Window) -> npt.NDArray[np.float32]:
    """Hounsfield units in a window, as a screen shows them."""
    return np.asarray(np.clip((hu - window.low) / window.width, 0.0, 1.0), dtype=np.float32)


def exchanged(picture: CTPicture) -> CTPicture:
    """The picture with black and white exchanged."""
    return picture_of(np.asarray(1.0 - picture.values, dtype=np.float32))


def dice(one: Mask, other: Mask) -> float:
    """Overlap of two masks: 1 where they are the same."""
    return 2.0 * float((one & other).sum()) / max(1.0, float(one.sum() + other.sum()))


def _provenance(num_slices: int, acquisition: Acquisition) -> Provenance:
    return Provenance(
        reader="tests",
        reader_version="0",
        digest="digest",
        slices=tuple(SliceSource(file=str(n), sha256="") for n in range(num_slices)),
        acquisition=acquisition,
    )


def _shape(spacing: tuple[float, float, float]) -> tuple[int, int, int]:
    dz, dy, dx = spacing
    return round(HEIGHT_MM / dz), round(DEPTH_MM / dy), round(WIDTH_MM / dx)


def _points(spacing: tuple[float, float, float]) -> Points:
    """Millimetres from the middle of the chest along (slice, row, column), to be broadcast."""
    z, y, x = (
        (np.arange(n, dtype=np.float64) - (n - 1) / 2) * mm
        for n, mm in zip(_shape(spacing), spacing, strict=True)
    )
    return z[:, None, None], y[None, :, None], x[None, None, :]


def _ball(
    at: Points, centre: tuple[float, float, float], radii: tuple[float, float, float]
) -> Mask:
    terms = [((a - c) / r) ** 2 for a, c, r in zip(at, centre, radii, strict=True)]
    return np.asarray(terms[0] + terms[1] + terms[2] <= 1.0)
