"""Screenings by other kinds of networks: of sequences, and of objects in slices."""

from dataclasses import replace

import numpy as np

from ctsieve.ops.decide import NO_CLASS, no_answer
from ctsieve.ops.objects import total_lesions
from ctsieve.types.recipe import Level, ObjectRule
from ctsieve.types.results import Lesion, Screening


def sequence(whole: Screening) -> Screening:
    """A scan read as a sequence: slices have shares and no scores, labels are three."""
    assert whole.slices is not None
    index = whole.slices.index
    share = np.exp(-((np.linspace(-2.0, 2.0, index.size) - 0.5) ** 2)).astype(np.float32)
    none = np.zeros((index.size, 0), dtype=np.float32)
    scores = replace(
        whole.slices, logit=none, probability=none, lesion=none, weight=share / share.sum()
    )
    recipe = whole.recipe.model_copy(
        update={"kind": "scan", "lesions": (), "lesion_thresholds": ()}
    )
    return replace(whole, slices=scores, recipe=recipe, lesions=())


def no_attention(labelled: Screening) -> Screening:
    """A sequence whose network does not say which slices decided."""
    whole = sequence(labelled)
    assert whole.slices is not None
    even = np.full_like(whole.slices.weight, 1 / whole.slices.index.size)
    return replace(whole, slices=replace(whole.slices, weight=even), explanation=None)


def instances(whole: Screening) -> Screening:
    """Two kinds of lesions in their places, one of them of many slices."""
    found = tuple(
        lesion(whole, kind, start, stop)
        for kind, start, stop in (
            ("ggo", (8, 50, 20), (16, 80, 45)),
            ("ggo", (12, 60, 85), (14, 75, 100)),
            ("consolidation", (10, 70, 88), (13, 84, 104)),
        )
    )
    rule = ObjectRule(kinds=("lungs", "ggo", "consolidation"), organs=("lungs",))
    recipe = whole.recipe.model_copy(
        update={"kind": "instances", "objects": rule, "lesions": (), "lesion_thresholds": ()}
    )
    assert whole.slices is not None
    none = np.zeros((whole.slices.index.size, 0), dtype=np.float32)
    return replace(
        whole,
        recipe=recipe,
        slices=replace(whole.slices, lesion=none),
        lesions=(),
        explanation=None,
        lesion_instances=found,
        lesion_totals=total_lesions(found, rule, whole.lungs),
    )


def lesion(
    screening: Screening, kind: str, start: tuple[int, int, int], stop: tuple[int, int, int]
) -> Lesion:
    """An ellipsoid that fills its box."""
    size = [b - a for a, b in zip(start, stop, strict=True)]
    axes = np.meshgrid(*(np.linspace(-1.0, 1.0, n) for n in size), indexing="ij")
    mask = np.asarray(sum(axis**2 for axis in axes) <= 1.05)
    return Lesion(
        kind=kind,
        score=0.75,
        start=start,
        stop=stop,
        mask=mask,
        geometry=screening.image.geometry,
    )


def unclassified(labelled: Screening, one: Screening) -> Screening:
    """Lesions in a picture, by a network that gives no class."""
    whole = instances(labelled)
    assert one.slices is not None
    none = np.zeros((1, 0), dtype=np.float32)
    level = Level(calibration=(), thresholds=())
    recipe = whole.recipe.model_copy(update={"labels": (), "picture": level, "scan": level})
    found = (lesion(one, "ggo", (0, 40, 20), (1, 70, 45)),)
    return replace(
        one,
        recipe=recipe,
        prediction=no_answer(recipe, level="picture", reason=NO_CLASS),
        slices=replace(one.slices, logit=none, probability=none, lesion=none),
        lesions=(),
        explanation=None,
        lesion_instances=found,
        lesion_totals=total_lesions(found, recipe.objects, None),
    )
