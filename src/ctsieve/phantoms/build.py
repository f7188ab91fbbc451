"""The build of a synthetic patient: what differs between people, drawn from a seed."""

from dataclasses import dataclass

import numpy as np

from ctsieve.phantoms.shapes import Field, profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """Sizes that vary from patient to patient."""

    wide: float
    """Scale of the chest from left to right; 1 is average."""
    deep: float
    """Scale of the chest from front to back."""
    fat_mm: float
    """Thickness of the fat under the skin at the side of the chest."""
    heart: float
    """Scale of the heart."""
    dome_mm: float
    """How much higher than usual the diaphragm stands."""
    rib_phase_mm: float
    """Shift of the ribs along the chest."""
    breast_mm: float
    """How far the breasts stand out; 0 for none."""

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Build":
        """A patient."""
        return cls(
            wide=float(rng.uniform(0.94, 1.05)),
            deep=float(rng.uniform(0.94, 1.06)),
            fat_mm=float(rng.uniform(7.0, 20.0)),
            heart=float(rng.uniform(0.93, 1.08)),
            dome_mm=float(rng.uniform(-8.0, 12.0)),
            rib_phase_mm=float(rng.uniform(-8.0, 8.0)),
            breast_mm=float(max(rng.uniform(-22.0, 26.0), 0.0)),
        )

    def half_width(self, z: Field) -> Field:
        """Half the inner width of the rib cage."""
        return _HALF_WIDTH(z) * np.float32(self.wide)

    def front(self, z: Field) -> Field:
        """The y of the inner front of the rib cage."""
        return _FRONT(z) * np.float32(self.deep)

    def back(self, z: Field) -> Field:
        """The y of the inner back of the rib cage, beside the spine."""
        return _BACK(z) * np.float32(self.deep)

    def spine(self, z: Field) -> Field:
        """The y of the middle of the vertebral bodies."""
        return _SPINE(z) * np.float32(self.deep)


_HALF_WIDTH = profile(
    (118, 44), (106, 62), (92, 80), (74, 95), (50, 109), (0, 126), (-60, 133), (-120, 136),
    (-180, 134), (-230, 130),
)
_FRONT = profile(
    (118, 14), (108, 0), (92, -22), (74, -42), (50, -60), (20, -77), (0, -84), (-60, -98),
    (-120, -101), (-180, -98), (-230, -96),
)
_BACK = profile(
    (118, 44), (108, 54), (92, 64), (74, 71), (50, 77), (0, 84), (-60, 87), (-120, 86), (-180, 80),
    (-230, 72),
)
_SPINE = profile(
    (130, 22), (100, 30), (60, 42), (0, 52), (-60, 55), (-120, 51), (-180, 42), (-230, 34)
)
