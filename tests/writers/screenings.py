"""Screenings to write: of a phantom chest with made-up scores, and of every awkward kind."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
from scipy import ndimage
from tests.writers import kinds
from tests.writers.parts import (
    HEADER_TEXT,
    LESIONS,
    provenance_of,
    recipe_for,
    slice_scores,
)

from ctsieve.ops.window import apply_window
from ctsieve.phantoms.chest import make_phantom
from ctsieve.phantoms.presets import preset
from ctsieve.phantoms.spec import Phantom
from ctsieve.types.geometry import Geometry
from ctsieve.types.recipe import Calibration, Level, Threshold
from ctsieve.types.results import (
    BundleIdentity,
    Explanation,
    Finding,
    GateReport,
    Involvement,
    LesionFlag,
    Prediction,
    Screening,
)
from ctsieve.types.volume import CTPicture, CTVolume


@cache
def phantom() -> Phantom:
    """A small chest with lesions, made once per process."""
    return make_phantom(preset("covid", seed=5, num_slices=24, matrix=128))


@cache
def scan() -> Screening:
    """A phantom above the threshold, with everything a screening can hold."""
    volume = phantom().volume
    image = CTVolume(
        hu=volume.hu,
        geometry=volume.geometry,
        provenance=provenance_of(volume.geometry.shape[0]),
    )
    lungs = phantom().lungs > 0
    heat = ndimage.gaussian_filter(lungs.astype(np.float32), (2, 8, 8)) * np.linspace(
        0.2, 1.0, lungs.shape[0], dtype=np.float32
    ).reshape(-1, 1, 1)
    recipe = recipe_for(("covid19",))
    index = np.flatnonzero(lungs.any(axis=(1, 2)))
    return Screening(
        image=image,
        gate=GateReport(
            findings=(Finding(code="thick-slices", severity="warning", sentence="Thick slices."),),
            measurements={"lung_litres": 4.2, "noise_hu": float("inf")},
        ),
        prediction=Prediction(
            probability={"covid19": 0.934},
            threshold={"covid19": 0.55},
            logit={"covid19": 2.1},
            multi_label=True,
            calibrated=True,
            level="scan",
        ),
        recipe=recipe,
        bundle=BundleIdentity(name="tiny", version="1.0.0", digest="e" * 64),
        software="ctsieve 0.1.0",
        slices=slice_scores(index, 1),
        lesions=tuple(
            LesionFlag(kind=kind, probability=p, threshold=0.4, present=p >= 0.4)
            for kind, p in zip(LESIONS, (0.9, 0.5, 0.2, 0.1, 0.05), strict=True)
        ),
        explanation=Explanation(
            method="Grad-CAM++",
            label="covid19",
            heat=(heat / heat.max()).astype(np.float16),
            peak=3.25,
            geometry=image.geometry,
        ),
        lungs=lungs,
        involvement=Involvement(percent=17.4, lung_ml=4312.0, dense_ml=750.3, method="by density"),
    )


def negative() -> Screening:
    """The same, just below the threshold."""
    below = replace(scan().prediction, probability={"covid19": 0.54996})
    return replace(scan(), prediction=below, gate=GateReport())


def abstained() -> Screening:
    """The same, in the band where no call is made."""
    reason = "probability 0.52 lies in the uncertain band 0.45 to 0.60"
    inside = replace(scan().prediction, probability={"covid19": 0.52}, abstained=reason)
    return replace(scan(), prediction=inside)


def three_labels() -> Screening:
    """A softmax over three labels that says other pneumonia."""
    labels = ("covid19", "other_pneumonia", "neither")
    whole = scan()
    assert whole.slices is not None
    answer = Prediction(
        probability=dict(zip(labels, (0.11, 0.82, 0.07), strict=True)),
        threshold=dict.fromkeys(labels, 0.55),
        multi_label=False,
        calibrated=False,
        level="scan",
    )
    level = Level(
        calibration=tuple(Calibration() for _ in labels),
        thresholds=tuple(Threshold(label=k, value=0.55) for k in labels),
    )
    recipe = recipe_for(labels).model_copy(update={"scan": level, "picture": level})
    scores = slice_scores(whole.slices.index, 3)
    return replace(whole, prediction=answer, recipe=recipe, slices=scores)


def rejected() -> Screening:
    """A volume that was not judged."""
    recipe = recipe_for(("covid19",))
    return Screening(
        image=scan().image,
        gate=GateReport(
            findings=(
                Finding(code="contrast", severity="warning", sentence=f"Contrast {HEADER_TEXT}."),
                Finding(code="not-chest", severity="rejection", sentence="There are no lungs."),
            )
        ),
        prediction=Prediction(
            probability={},
            threshold={"covid19": 0.55},
            multi_label=True,
            calibrated=False,
            level="scan",
            abstained="the image was rejected",
        ),
        recipe=recipe,
        bundle=scan().bundle,
        software="ctsieve 0.1.0",
    )


def pictures(num_pictures: int) -> Screening:
    """Slices of the phantom as pictures that know neither HU nor millimetres."""
    values = apply_window(phantom().volume.hu[8 : 8 + num_pictures, :, :100])
    geometry = Geometry.of_picture(values.shape, "f" * 64)
    whole = scan()
    heat = np.zeros(values.shape, dtype=np.float16)
    heat[:, 20:50, 60:90] = 1.0
    return replace(
        whole,
        image=CTPicture(values=values, geometry=geometry, provenance=provenance_of(num_pictures)),
        slices=slice_scores(np.arange(num_pictures), 1),
        prediction=replace(whole.prediction, level="scan" if num_pictures > 1 else "picture"),
        explanation=Explanation(
            method="Grad-CAM++", label="covid19", heat=heat, peak=0.02, geometry=geometry
        ),
        lungs=None,
        involvement=None,
    )


def picture() -> Screening:
    """A single picture."""
    return pictures(1)


def stack() -> Screening:
    """A stack of pictures."""
    return pictures(5)


def bare() -> Screening:
    """A judged volume without map, lungs, lesions or involvement."""
    return replace(
        scan(), explanation=None, lungs=None, lesions=(), involvement=None, gate=GateReport()
    )


def sequence() -> Screening:
    """A scan read as a sequence: slices have shares and no scores."""
    return kinds.sequence(three_labels())


def no_attention() -> Screening:
    """A sequence whose network does not say which slices decided."""
    return kinds.no_attention(three_labels())


def instances() -> Screening:
    """Two kinds of lesions in their places."""
    return kinds.instances(three_labels())


def unclassified() -> Screening:
    """Lesions in a picture, by a network that gives no class."""
    return kinds.unclassified(three_labels(), picture())


EVERY: dict[str, Callable[[], Screening]] = {
    "scan": scan,
    "negative": negative,
    "abstained": abstained,
    "three-labels": three_labels,
    "rejected": rejected,
    "picture": picture,
    "stack": stack,
    "bare": bare,
    "sequence": sequence,
    "no-attention": no_attention,
    "instances": instances,
    "unclassified": unclassified,
}
"""One of each kind, by name."""


def tiny(geometry: Geometry, marked: tuple[int, int, int]) -> Screening:
    """A volume on `geometry` with heat and lung in the one voxel `marked`."""
    heat = np.zeros(geometry.shape, dtype=np.float16)
    heat[marked] = 1.0
    image = CTVolume(
        hu=np.full(geometry.shape, -800, dtype=np.int16),
        geometry=geometry,
        provenance=replace(provenance_of(0), slices=(None,) * geometry.shape[0]),
    )
    return replace(
        scan(),
        image=image,
        slices=slice_scores(np.arange(geometry.shape[0]), 1),
        explanation=Explanation(
            method="Grad-CAM++", label="covid19", heat=heat, peak=1.0, geometry=geometry
        ),
        lungs=heat > 0,
    )
