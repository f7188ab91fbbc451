"""Random changes that take away what tells sources apart: window, scale, file type, marks, frames.

Every change is drawn from one generator, so a batch is a function of its seed.  Nothing here knows
a label.  Left and right are exchanged, up and down are not: a CT is never upside down on purpose,
but a few pictures come turned by quarter turns.

Shapes   B images, N rows and columns in the cache, R rows and columns for the network.
"""

import io
import string
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageDraw
from torch import Tensor
from torch.nn import functional as F

Bytes = npt.NDArray[np.uint8]
Random = np.random.Generator

LETTERS = string.ascii_uppercase + string.digits


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """How often and how strongly; probabilities are per image."""

    marks: float = 0.25
    """Arrows, letters, boxes and circles as papers and viewers draw them."""
    resize: float = 0.35
    jpeg: float = 0.35
    frame: float = 0.08
    """White or black bars on two sides."""
    noise: float = 0.3
    quarter_turn: float = 0.03
    degrees: float = 6.0
    """Standard deviation of the rotation."""
    zoom: tuple[float, float] = (-0.35, 0.2)
    """Logarithm of the field of view's share: negative is closer."""
    shift: float = 0.06
    tone: float = 0.28
    """Standard deviation of the logarithm of gamma."""
    levels: tuple[float, float, float, float] = (-0.12, 0.15, -0.3, 0.25)
    """Ranges of what becomes black, and, added to 1, of what becomes white."""


def augment(images: list[Bytes], size: int, how: Augmentation, random: Random) -> Tensor:
    """Changed copies of prepared slices (N, N) as float32 (B, 1, size, size) in [0, 1]."""
    stained = np.stack([_stain(image, how, random) for image in images])
    x = torch.from_numpy(stained)[:, None].float() / 255.0
    return _noise(_tone(_move(x, size, how, random), how, random), how, random)


def _stain(image: Bytes, how: Augmentation, random: Random) -> Bytes:
    """Changes that files and figures bring: marks, resizing, JPEG, bars."""
    if random.random() < how.marks:
        image = _mark(image, random)
    if random.random() < how.resize:
        image = _resized(image, random)
    if random.random() < how.jpeg:
        image = _recompressed(image, int(random.integers(20, 95)))
    if random.random() < how.frame:
        image = _framed(image, random)
    return image


def _mark(image: Bytes, random: Random) -> Bytes:
    picture = Image.fromarray(image)
    pen = ImageDraw.Draw(picture)
    for _ in range(int(random.integers(1, 4))):
        shade = int(random.choice([0, 255, int(random.integers(0, 256))]))
        x, y = (int(v) for v in random.integers(0, image.shape[0], 2))
        length = int(random.integers(4, 26))
        kind = random.random()
        if kind < 0.35:
            text = "".join(random.choice(list(LETTERS), int(random.integers(1, 5))))
            pen.text((x, y), text, fill=shade, font_size=int(random.integers(8, 30)))
        elif kind < 0.7:
            pen.polygon(_arrow(x, y, length, random.uniform(0.0, 2 * np.pi)), fill=shade)
        elif kind < 0.85:
            pen.rectangle([x, y, x + length, y + length], outline=shade, width=2)
        else:
            pen.ellipse([x, y, x + length, y + length], outline=shade, width=2)
    return np.asarray(picture)


def _arrow(x: int, y: int, length: float, angle: float) -> list[tuple[float, float]]:
    """Corners of an arrow with its tip at (x, y)."""
    head, tail, wide, thin = 0.7 * length, 1.5 * length, 0.45 * length, 0.18 * length
    along_across = [
        *((0.0, 0.0), (head, wide), (head, thin), (tail, thin)),
        *((tail, -thin), (head, -thin), (head, -wide)),
    ]
    cos, sin = float(np.cos(angle)), float(np.sin(angle))
    return [(x + a * cos - b * sin, y + a * sin + b * cos) for a, b in along_across]


def _resized(image: Bytes, random: Random) -> Bytes:
    """Down by a random filter and up again, as a figure's way into a PDF and out."""
    size = image.shape[0]
    small = int(size * random.uniform(0.35, 1.0))
    filters = (Image.Resampling.BILINEAR, Image.Resampling.BOX, Image.Resampling.BICUBIC)
    down = Image.fromarray(image).resize((small, small), filters[int(random.integers(3))])
    return np.asarray(down.resize((size, size), Image.Resampling.BICUBIC))


def _recompressed(image: Bytes, quality: int) -> Bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def _framed(image: Bytes, random: Random) -> Bytes:
    framed = image.copy()
    width = int(random.integers(4, 30))
    bars = framed if random.random() < 0.5 else framed.T
    bars[:width] = bars[-width:] = random.choice([0, 255])
    return framed


def _move(x: Tensor, size: int, how: Augmentation, random: Random) -> Tensor:
    """Rotate, zoom, shift and mirror."""
    num = len(x)
    angle = np.radians(np.clip(random.normal(0.0, how.degrees, num), -18.0, 18.0))
    turned = random.random(num) < how.quarter_turn
    angle += np.where(turned, random.integers(1, 4, num), 0) * np.pi / 2
    across = np.exp(random.uniform(*how.zoom, num))
    down = across * np.exp(random.normal(0.0, 0.06, num))
    mirror = np.where(random.random(num) < 0.5, -1.0, 1.0)
    theta = np.zeros((num, 2, 3), dtype=np.float32)
    theta[:, 0, 0], theta[:, 0, 1] = np.cos(angle) * across * mirror, -np.sin(angle) * across
    theta[:, 1, 0], theta[:, 1, 1] = np.sin(angle) * down * mirror, np.cos(angle) * down
    theta[:, :, 2] = random.normal(0.0, how.shift, (num, 2))
    grid = F.affine_grid(torch.from_numpy(theta), [num, 1, size, size], align_corners=False)
    outside = "zeros" if random.random() < 0.5 else "border"
    return F.grid_sample(x, grid, mode="bilinear", padding_mode=outside, align_corners=False)


def _tone(x: Tensor, how: Augmentation, random: Random) -> Tensor:
    """Random black, white and gamma: windows that other viewers might have had."""

    def per_image(values: npt.NDArray[np.float64]) -> Tensor:
        return torch.from_numpy(values.astype(np.float32)).view(-1, 1, 1, 1)

    black = per_image(random.uniform(*how.levels[:2], len(x)))
    white = 1.0 + per_image(random.uniform(*how.levels[2:], len(x)))
    stretched = ((x - black) / (white - black)).clamp(1e-4, 1.0)
    return stretched ** per_image(np.exp(random.normal(0.0, how.tone, len(x))))


def _noise(x: Tensor, how: Augmentation, random: Random) -> Tensor:
    sigma = np.where(random.random(len(x)) < how.noise, random.uniform(0.0, 0.06, len(x)), 0.0)
    grain = random.standard_normal(tuple(x.shape), dtype=np.float32)
    grain *= sigma.astype(np.float32)[:, None, None, None]
    return (x + torch.from_numpy(grain)).clamp(0.0, 1.0)
