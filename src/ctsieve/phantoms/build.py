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
            breast_mm=float(max(rng.uniform(-18.0, 18.0), 0.0)),
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
    (120, 58),
    (112, 66),
    (100, 78),
    (84, 90),
    (60, 105),
    (30, 117),
    (0, 125),
    (-60, 132),
    (-120, 135),
    (-180, 133),
    (-230, 129),
)
_FRONT = profile(
    (120, 26),
    (112, 10),
    (100, -8),
    (84, -27),
    (66, -44),
    (45, -60),
    (20, -74),
    (0, -82),
    (-60, -95),
    (-120, -99),
    (-180, -97),
    (-230, -95),
)
_BACK = profile(
    (120, 36),
    (112, 50),
    (100, 61),
    (84, 69),
    (60, 76),
    (0, 85),
    (-60, 88),
    (-120, 87),
    (-180, 81),
    (-230, 73),
)
_SPINE = profile(
    (130, 24), (100, 30), (60, 41), (0, 51), (-60, 54), (-120, 50), (-180, 41), (-230, 33)
)
