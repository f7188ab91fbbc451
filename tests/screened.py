"""Screenings of phantoms by the tiny bundle."""

from functools import cache
from pathlib import Path

import numpy as np

from ctsieve.ops.window import apply_window
from ctsieve.phantoms.chest import make_phantom
from ctsieve.phantoms.presets import preset
from ctsieve.phantoms.spec import Phantom
from ctsieve.pipeline.screen import Screener
from ctsieve.types.geometry import Geometry
from ctsieve.types.provenance import Acquisition, Provenance, SliceSource
from ctsieve.types.results import Screening
from ctsieve.types.volume import CTPicture
from tests.tiny_bundle import make_tiny_bundle

NUM_SLICES = 24
MATRIX = 128


@cache
def phantom(kind: str = "covid", seed: int = 5) -> Phantom:
    """A small phantom, made once per process."""
    return make_phantom(preset(kind, seed=seed, num_slices=NUM_SLICES, matrix=MATRIX))


def phantom_picture(kind: str = "covid") -> CTPicture:
    """The middle slice of the phantom as a picture in the lung window."""
    hu = phantom(kind).volume.hu[NUM_SLICES // 2][None]
    values = apply_window(hu)
    source = SliceSource(file="slice.png", sha256="0" * 64)
    return CTPicture(
        values=values.astype(np.float32),
        geometry=Geometry.of_picture(values.shape, "0" * 64),
        provenance=Provenance(
            reader="picture",
            reader_version="0",
            digest="0" * 64,
            slices=(source,),
            acquisition=Acquisition(intensity="display", picture_format="PNG", picture_mode="L"),
        ),
    )


def screener(folder: Path) -> Screener:
    """A screener of the tiny bundle, written to `folder`."""
    return Screener.load(make_tiny_bundle(folder).folder, threads=1)


def screen_phantom(folder: Path, kind: str = "covid") -> Screening:
    """The phantom judged by the tiny bundle."""
    return screener(folder).screen(phantom(kind).volume)


def screen_picture(folder: Path) -> Screening:
    """The phantom's middle slice as a picture, judged by the tiny bundle."""
    return screener(folder).screen(phantom_picture())
