"""Randomness with a grain: smooth random fields in millimetres, and the noise of a CT scanner."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import fft, ndimage

from ctsieve.phantoms.shapes import Field, Points

LATTICE = (48, 64, 64)
"""Random values a grain holds along z, y and x; it repeats beyond them."""


@dataclass(frozen=True, slots=True, eq=False)
class Grain:
    """A smooth random field of mean 0 and variance about 1 whose blobs are `size` mm wide."""

    values: Field
    size: float

    @classmethod
    def draw(cls, rng: np.random.Generator, size: float) -> "Grain":
        """A new field."""
        values = ndimage.gaussian_filter(
            rng.standard_normal(LATTICE, dtype=np.float32), 0.7, mode="wrap"
        )
        return cls(np.asarray(values / values.std(), dtype=np.float32), size)

    def on_slice(self, at: Points) -> Field:
        """The field on a slice (R, C)."""
        low, share = divmod(at.height / self.size, 1.0)
        first = self.values[int(low) % LATTICE[0]]
        second = self.values[(int(low) + 1) % LATTICE[0]]
        plane = first + np.float32(share) * (second - first)
        rows, columns = _weights(at.y[:, 0], self.size), _weights(at.x[0], self.size)
        return np.asarray(rows @ plane @ columns.T, dtype=np.float32)

    def at_points(self, xyz: Field) -> Field:
        """The field at points (n, 3) given as x, y, z."""
        places = (xyz[:, ::-1] / self.size).T
        values = ndimage.map_coordinates(self.values, places, order=1, mode="grid-wrap")
        return np.asarray(values, dtype=np.float32)


def _weights(places: Field, size: float) -> Field:
    """Cubic B-spline weights (n, 64) of the lattice for `places` in mm."""
    low, share = np.divmod(places / size, 1.0)
    low = low.astype(np.int64)
    table = np.zeros((len(places), LATTICE[1]), dtype=np.float32)
    cubic = (
        (1 - share) ** 3 / 6,
        (3 * share**3 - 6 * share**2 + 4) / 6,
        (-3 * share**3 + 3 * share**2 + 3 * share + 1) / 6,
        share**3 / 6,
    )
    for offset, weight in zip((-1, 0, 1, 2), cubic, strict=True):
        table[np.arange(len(places)), (low + offset) % LATTICE[1]] += weight
    return table * 1.5


def scanner_noise(
    rng: np.random.Generator, shape: tuple[int, int], pixel_mm: float
) -> npt.NDArray[np.float32]:
    """Noise of variance 1 with the grain of filtered back-projection: a ramp, then a roll-off."""
    rows, columns = (fft.next_fast_len(n, real=True) for n in shape)
    spectrum = fft.rfft2(rng.standard_normal((rows, columns), dtype=np.float32))
    radius = np.hypot(fft.fftfreq(rows)[:, None], fft.rfftfreq(columns)[None]) / pixel_mm
    transfer = np.sqrt(radius + 0.03) * np.exp(-((radius / 0.42) ** 2))
    noise = fft.irfft2(spectrum * transfer.astype(np.float32), s=(rows, columns))
    noise = noise[: shape[0], : shape[1]]
    return np.asarray(noise / max(float(noise.std()), 1e-6), dtype=np.float32)


def streaks(rng: np.random.Generator, shape: tuple[int, int], pixel_mm: float) -> Field:
    """Left-to-right streaks of variance 1, as photons starve between the shoulders."""
    noise = rng.standard_normal(shape, dtype=np.float32)
    noise = ndimage.uniform_filter1d(noise, max(3, round(90.0 / pixel_mm)), axis=1)
    noise = ndimage.gaussian_filter1d(noise, 0.9 / pixel_mm + 0.1, axis=0)
    return np.asarray(noise / max(float(noise.std()), 1e-6), dtype=np.float32)
