"""Slices as 8-bit pictures: windowed, in true proportions, and encoded for a page.

Anatomy and heat are two pictures, one over the other, so that a page can fade the heat.
"""

import base64
import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from ctsieve.ops.window import LUNG, apply_window
from ctsieve.types.geometry import Geometry
from ctsieve.types.results import Explanation
from ctsieve.types.volume import CTPicture, CTVolume
from ctsieve.writers._colour import heat_colours, heat_cover, heat_levels

Bytes = npt.NDArray[np.uint8]
Size = tuple[int, int]
"""Width and height in pixels, the order of imaging libraries."""

SLICE_QUALITY, SHEET_QUALITY = 90, 80
"""JPEG qualities: of what is read closely, and of what is only leafed through."""
Letters = tuple[str, str, str, str] | tuple[()]
"""Patient directions at the left, top, right and bottom of a picture; empty where not known."""

AXIAL: Letters = ("R", "A", "L", "P")
CORONAL: Letters = ("R", "H", "L", "F")

SCALE_BARS_MM = (200, 100, 50, 20, 10, 5, 2, 1)
"""Lengths a scale bar may have; the longest one within `SCALE_BAR_SHARE` is taken."""
SCALE_BAR_SHARE = 0.28


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruler:
    """A picture's size in pixels, and its scale bar; 0 long where there are no millimetres."""

    size: Size
    letters: Letters
    bar_length: float
    bar_shown: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A half-open box of rows and columns."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.bottom - self.top

    @property
    def columns(self) -> int:
        """Number of columns."""
        return self.right - self.left


def whole(geometry: Geometry) -> Box:
    """The box of a whole slice."""
    _, rows, columns = geometry.shape
    return Box(top=0, bottom=rows, left=0, right=columns)


def grey_slice(image: CTVolume | CTPicture, index: int, box: Box) -> Bytes:
    """One slice (rows, columns) inside `box`: lung window for HU, as it is for a picture."""
    place = (index, slice(box.top, box.bottom), slice(box.left, box.right))
    if isinstance(image, CTVolume):
        return to_bytes(apply_window(image.hu[place], LUNG))
    return to_bytes(image.values[place])


def to_bytes(values: npt.NDArray[np.float32]) -> Bytes:
    """Values in [0, 1] as 0 to 255."""
    return np.asarray(np.round(values * np.float32(255)).astype(np.uint8))


def heat_slice(explanation: Explanation, index: int, box: Box) -> Bytes:
    """Heat levels (rows, columns) of one slice inside `box`."""
    return heat_levels(explanation.heat[index, box.top : box.bottom, box.left : box.right])


def true_size(geometry: Geometry, box: Box, *, longest: int) -> Size:
    """Pixels to show `box` with: true proportions, longest side `longest` or native if smaller."""
    _, row_step, column_step = geometry.spacing
    width, height = box.columns * column_step, box.rows * row_step
    scale = min(longest, max(box.columns, box.rows)) / max(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def resized(pixels: Bytes, size: Size) -> Bytes:
    """Shrunk with averaging or enlarged smoothly to `size`."""
    if (pixels.shape[1], pixels.shape[0]) == size:
        return pixels
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    return np.asarray(picture.resize(size, Image.Resampling.BILINEAR))


def jpeg_uri(pixels: Bytes, *, quality: int = SLICE_QUALITY) -> str:
    """A grey picture as a `data:` address."""
    with io.BytesIO() as buffer:
        Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "JPEG", quality=quality)
        return picture_uri("image/jpeg", buffer.getvalue())


def grey_png(pixels: Bytes) -> bytes:
    """A grey picture (rows, columns) as PNG."""
    with io.BytesIO() as buffer:
        Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "PNG")
        return buffer.getvalue()


def heat_uri(levels: Bytes) -> str:
    """Heat levels as a `data:` address of a coloured, partly see-through PNG."""
    return picture_uri("image/png", heat_png(levels))


def heat_png(levels: Bytes) -> bytes:
    """Heat levels (rows, columns) as a coloured, partly see-through PNG."""
    picture = Image.fromarray(np.ascontiguousarray(levels), mode="L")
    picture = Image.frombytes("P", picture.size, picture.tobytes())
    picture.putpalette(heat_colours().tobytes())
    with io.BytesIO() as buffer:
        picture.save(buffer, "PNG", transparency=heat_cover().tobytes(), compress_level=6)
        return buffer.getvalue()


def slice_ruler(image: CTVolume | CTPicture, box: Box, size: Size) -> Ruler:
    """What to draw on a slice shown with `size` pixels; a picture has neither sides nor mm."""
    if isinstance(image, CTPicture):
        shown = f"{box.columns} \N{MULTIPLICATION SIGN} {box.rows} pixels"
        return Ruler(size=size, letters=(), bar_length=0.0, bar_shown=shown)
    return scaled_ruler(size, AXIAL, width_mm=box.columns * image.geometry.spacing[2])


def scaled_ruler(size: Size, letters: Letters, *, width_mm: float) -> Ruler:
    """What to draw on a view that is `width_mm` wide."""
    bar = scale_bar_mm(width_mm)
    return Ruler(
        size=size, letters=letters, bar_length=bar * size[0] / width_mm, bar_shown=f"{bar} mm"
    )


def scale_bar_mm(width_mm: float) -> int:
    """The longest round length that takes at most `SCALE_BAR_SHARE` of the width."""
    fitting = [n for n in SCALE_BARS_MM if n <= width_mm * SCALE_BAR_SHARE]
    return fitting[0] if fitting else SCALE_BARS_MM[-1]


def picture_uri(kind: str, content: bytes) -> str:
    """An encoded picture as a `data:` address."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
