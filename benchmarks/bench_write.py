"""Every output format on a 300-slice study of 512 x 512: seconds and bytes."""

import functools
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from benchmarks.table import Row, median_seconds
from ctsieve.pipeline.names import FORMATS
from ctsieve.types.geometry import Geometry
from ctsieve.types.provenance import Provenance, SliceSource
from ctsieve.types.recipe import Calibration, Level, Recipe, Threshold
from ctsieve.types.results import (
    BundleIdentity,
    Explanation,
    GateReport,
    LesionFlag,
    Prediction,
    Screening,
    SliceScores,
)
from ctsieve.types.study import StudyHeader
from ctsieve.types.volume import CTVolume

SHAPE = (300, 512, 512)
CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
COARSE = (30, 16, 16)
PAGE_LIMIT_SECONDS = 0.6
PAGE_LIMIT_MB = 4.0
LABELS = ("covid19",)
LESIONS = ("ggo", "consolidation", "crazy_paving", "air_bronchogram", "septal_thickening")


def run() -> list[Row]:
    """A row for each format that is at hand."""
    screening = large_screening()
    rows = []
    for name in FORMATS.names():
        card = FORMATS[name]
        with tempfile.TemporaryDirectory() as folder:
            (seconds,) = median_seconds(functools.partial(card.write, screening, Path(folder)))
            size = sum(p.stat().st_size for p in Path(folder).rglob("*") if p.is_file())
        is_page = name == "html"
        rows.append(
            Row(
                name=f"write {name}, 300 slices",
                value=seconds,
                unit="s",
                target=f"< {PAGE_LIMIT_SECONDS} s, < {PAGE_LIMIT_MB:g} MB" if is_page else "",
                note=f"{size / 1e6:.2f} MB",
            )
        )
    return rows


def large_screening() -> Screening:
    """Smooth lungs and heat with noise, as hard to compress as a scan; all 300 slices judged."""
    rng = np.random.default_rng(0)
    heat = _smooth(rng.random(COARSE, dtype=np.float32)).astype(np.float16)
    lungs = np.asarray(_smooth(rng.random(COARSE, dtype=np.float32)) > 0.5)
    hu = np.where(lungs, np.int16(-850), np.int16(40))
    hu += rng.integers(-60, 60, SHAPE, dtype=np.int16)
    geometry = Geometry.from_spacing(SHAPE, spacing=(1.0, 0.7, 0.7), frame="1.2.3")
    index = np.arange(SHAPE[0])
    logit = np.sin(index / 20.0).astype(np.float32)[:, None]
    level = Level(calibration=(Calibration(),), thresholds=(Threshold(label="covid19", value=0.5),))
    sources = [SliceSource(file="", sha256=f"{i:064x}", sop_instance_uid=f"1.2.{i}") for i in index]
    return Screening(
        image=CTVolume(
            hu=hu,
            geometry=geometry,
            provenance=Provenance(
                reader="dicom",
                reader_version="0",
                digest="0" * 64,
                slices=tuple(sources),
                study_uid="1.2.3.1",
                series_uid="1.2.3.2",
                frame_of_reference_uid="1.2.3",
            ),
            study=StudyHeader(sop_class=CT_IMAGE, orientation=((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))),
        ),
        gate=GateReport(),
        prediction=Prediction(
            probability={"covid19": 0.9},
            threshold={"covid19": 0.5},
            multi_label=True,
            calibrated=False,
            level="scan",
        ),
        recipe=Recipe(labels=LABELS, multi_label=True, lesions=LESIONS, picture=level, scan=level),
        bundle=BundleIdentity(name="benchmark", version="0", digest="0" * 64),
        software="ctsieve",
        slices=SliceScores(
            index=index,
            logit=logit,
            probability=(1 / (1 + np.exp(-logit))).astype(np.float32),
            lesion=np.full((SHAPE[0], len(LESIONS)), 0.3, dtype=np.float32),
            weight=np.full(SHAPE[0], 1 / SHAPE[0], dtype=np.float32),
        ),
        lesions=tuple(
            LesionFlag(kind=kind, probability=0.3, threshold=0.5, present=False) for kind in LESIONS
        ),
        explanation=Explanation(
            method="noise", label="covid19", heat=heat, peak=1.0, geometry=geometry
        ),
        lungs=lungs,
    )


def _smooth(coarse: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Coarse noise in [0, 1] drawn out over the whole grid."""
    factors = [full / part for full, part in zip(SHAPE, coarse.shape, strict=True)]
    return np.asarray(ndimage.zoom(coarse, factors, order=1))
