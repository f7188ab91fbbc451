"""What screenings to write are put together from: a recipe, an origin, scores of slices."""

import numpy as np
import numpy.typing as npt

from ctsieve.types.provenance import Acquisition, Provenance, SeriesChoice, SliceSource, hashed
from ctsieve.types.recipe import Calibration, FittedOn, Level, Recipe, Threshold
from ctsieve.types.results import SliceScores

PERSON = "MUSTERMANN^ERIKA"
"""Stands wherever a file or folder name could carry a person's name."""

STUDY_UID = "1.2.826.0.1.3680043.8.498.1"
SERIES_UID = "1.2.826.0.1.3680043.8.498.2"
HEADER_TEXT = "<script>alert('B60f')</script> & \"x\""
"""What a hostile header says."""

LESIONS = ("ggo", "consolidation", "crazy_paving", "air_bronchogram", "septal_thickening")
FITTED = FittedOn(
    data="phantoms",
    digest="ab" * 32,
    criterion="highest Youden index",
    num_cases=40,
    num_patients=1,
)


def recipe_for(labels: tuple[str, ...]) -> Recipe:
    """A recipe for `labels`, calibrated, with a band in which no call is made."""
    level = Level(
        calibration=tuple(Calibration(slope=1.25, fitted=FITTED) for _ in labels),
        thresholds=tuple(
            Threshold(label=k, value=0.55, fitted=FITTED, sensitivity=0.9) for k in labels
        ),
        uncertain=(0.45, 0.6),
    )
    return Recipe(
        labels=labels,
        multi_label=len(labels) == 1,
        lesions=LESIONS,
        lesion_thresholds=(0.5, 0.4, 0.3, 0.3, 0.3),
        picture=level,
        scan=level,
    )


def provenance_of(num_slices: int) -> Provenance:
    """Slices of one series; the second was interpolated, the third has no true UID."""
    sources: list[SliceSource | None] = [
        SliceSource(
            file=f"{PERSON}/IM{k:04d}.dcm",
            sha256=hashed(str(k)) * 5 + "abcd",
            sop_instance_uid=f"{SERIES_UID}.{k + 1}",
            instance_number=num_slices - k,
        )
        for k in range(num_slices)
    ]
    if num_slices > 2:
        sources[1] = None
        sources[2] = SliceSource(file=f"{PERSON}.dcm", sha256="c" * 64, sop_instance_uid=PERSON)
    return Provenance(
        reader="dicom",
        reader_version="0.1.0",
        digest="d" * 64,
        slices=tuple(sources),
        study_uid=STUDY_UID,
        series_uid=SERIES_UID,
        frame_of_reference_uid="1.2.3",
        acquisition=Acquisition(
            modality="CT",
            image_type=("ORIGINAL", "PRIMARY", "AXIAL"),
            kernel=HEADER_TEXT,
            contrast=False,
            kvp=float("nan"),
            slice_thickness_mm=2.5,
        ),
        steps=("sorted by position", "1 missing slice interpolated"),
        choices=(
            SeriesChoice(
                series=SERIES_UID, summary="axial", num_images=9, chosen=True, reasons=("axial",)
            ),
            SeriesChoice(
                series=PERSON, summary="localizer", num_images=1, chosen=False, reasons=("one",)
            ),
        ),
    )


def slice_scores(index: npt.NDArray[np.int64], num_labels: int) -> SliceScores:
    """Scores that rise and fall along the scan; the top quarter decides."""
    place = np.linspace(-2.0, 2.0, index.size)
    logit = np.repeat((2.0 - place**2)[:, None], num_labels, axis=1)
    probability = 1 / (1 + np.exp(-logit))
    if num_labels > 1:
        probability = np.full_like(logit, 1 / num_labels)
    weight = np.zeros(index.size)
    chosen = np.argsort(-logit[:, 0], kind="stable")[: max(1, index.size // 4)]
    weight[chosen] = 1 / max(1, chosen.size)
    return SliceScores(
        index=index,
        logit=logit.astype(np.float32),
        probability=probability.astype(np.float32),
        lesion=np.tile(np.array([0.9, 0.5, 0.2, 0.1, 0.05], dtype=np.float32), (index.size, 1)),
        weight=weight.astype(np.float32),
    )
