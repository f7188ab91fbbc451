"""The colours of heat: a perceptually uniform map, and how strongly it covers the anatomy.

Source   OKLab: B. Ottosson, "A perceptual color space for image processing", 2020,
         https://bottosson.github.io/posts/oklab/ (the two matrices).

The path runs from violet over red and orange to pale yellow with lightness rising evenly, so equal
steps of heat look equally large, and it stays in order when printed grey or seen without red.
"""

from functools import cache

import numpy as np
import numpy.typing as npt

from ctsieve.types.promise import promise

Bytes = npt.NDArray[np.uint8]

FAINTEST = 0.1
"""Heat below this is not painted at all: what the network barely used must not tint anatomy."""

OPAQUEST = 0.6
"""Cover of the hottest place; the anatomy beneath stays visible."""

LIGHTNESS = (0.42, 0.93)
"""OKLab lightness at heat 0 and 1.  It starts well above black, as lungs are shown dark."""

HUE_DEGREES = (310.0, 460.0)
CHROMA = 0.17

_CONE_FROM_LAB = np.array(
    [
        [1.0, 0.3963377774, 0.2158037573],
        [1.0, -0.1055613458, -0.0638541728],
        [1.0, -0.0894841775, -1.2914855480],
    ]
)
_RGB_FROM_CONE = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


@cache
def heat_colours() -> Bytes:
    """256 sRGB colours (256, 3) for heat 0 to 1; read-only."""
    share = np.linspace(0.0, 1.0, 256)
    lightness = LIGHTNESS[0] + share * (LIGHTNESS[1] - LIGHTNESS[0])
    hue = np.deg2rad(HUE_DEGREES[0] + share * (HUE_DEGREES[1] - HUE_DEGREES[0]))
    chroma = np.full(256, CHROMA)
    for _ in range(40):
        linear = _linear_rgb(lightness, chroma, hue)
        beyond = (linear.min(axis=1) < 0.0) | (linear.max(axis=1) > 1.0)
        # Too colourful for a screen: take colour away and leave lightness and hue alone.
        chroma[beyond] *= 0.97
    # Gamut edges bend; a smooth chroma keeps steps even.
    padded = np.pad(chroma, 24, mode="edge")
    chroma = np.minimum(chroma, np.convolve(padded, np.ones(49) / 49, mode="valid"))
    linear = np.clip(_linear_rgb(lightness, chroma, hue), 0.0, 1.0)
    encoded = np.where(
        linear <= 0.0031308, 12.92 * linear, 1.055 * np.power(linear, 1 / 2.4) - 0.055
    )
    colours = np.round(encoded * 255).astype(np.uint8)
    colours.flags.writeable = False
    return colours


@cache
def heat_cover() -> Bytes:
    """Opacity (256,) for heat 0 to 1: nothing below `FAINTEST`, then soon strong; read-only."""
    heat = np.linspace(0.0, 1.0, 256)
    share = np.clip((heat - FAINTEST) / (1.0 - FAINTEST), 0.0, 1.0)
    cover = np.round(255 * OPAQUEST * np.power(share, 0.75)).astype(np.uint8)
    cover.flags.writeable = False
    return cover


def heat_levels(heat: npt.NDArray[np.float16]) -> Bytes:
    """Heat in [0, 1] as whole numbers 0 to 255, any shape; exact to half a level.

    Float16 has only 65,536 values, so a table is as exact as arithmetic and much faster.
    """
    promise(heat.dtype == np.float16, f"heat is float16, got {heat.dtype}")
    return np.asarray(_levels_of_float16()[heat.view(np.uint16)])


@cache
def _levels_of_float16() -> Bytes:
    values = np.arange(65536, dtype=np.uint16).view(np.float16).astype(np.float32)
    finite = np.nan_to_num(values, nan=0.0, posinf=1.0, neginf=0.0)
    return np.round(np.clip(finite, 0.0, 1.0) * 255).astype(np.uint8)


def paint(grey: Bytes, levels: Bytes) -> Bytes:
    """Heat levels laid over a grey picture of the same shape: RGB (..., 3)."""
    cover = heat_cover()[levels].astype(np.float32)[..., None] / 255
    mixed = grey[..., None] * (1.0 - cover) + heat_colours()[levels] * cover
    return np.asarray(np.round(mixed).astype(np.uint8))


def _linear_rgb(
    lightness: npt.NDArray[np.float64],
    chroma: npt.NDArray[np.float64],
    hue: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Linear sRGB (n, 3) of OKLCh; outside [0, 1] where a screen has no such colour."""
    lab = np.stack([lightness, chroma * np.cos(hue), chroma * np.sin(hue)], axis=1)
    # einsum, not matmul: no BLAS, so the same bits on every machine.
    cone = np.einsum("nk,ck->nc", lab, _CONE_FROM_LAB) ** 3
    return np.asarray(np.einsum("nk,ck->nc", cone, _RGB_FROM_CONE))
