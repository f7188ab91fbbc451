"""A recipe survives JSON, and refuses what cannot be meant."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ctsieve.types.recipe import (
    Calibration,
    FittedOn,
    InputSpec,
    Level,
    ObjectRule,
    Recipe,
    Threshold,
)

NOTHING: dict[str, list[object]] = {"calibration": [], "thresholds": []}
shares = st.floats(0.0, 1.0)


def level(labels: tuple[str, ...], value: float = 0.5, slope: float = 1.0) -> Level:
    return Level(
        calibration=tuple(Calibration(slope=slope) for _ in labels),
        thresholds=tuple(Threshold(label=label, value=value) for label in labels),
    )


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    """Recipes of all shapes."""
    known = ["covid19", "other_pneumonia", "neither"]
    labels = tuple(draw(st.lists(st.sampled_from(known), min_size=1, unique=True)))
    lesions = tuple(draw(st.lists(st.sampled_from(["ggo", "consolidation"]), unique=True)))
    size = (draw(st.integers(32, 512)), draw(st.integers(32, 512)))
    crop = draw(st.sampled_from(["whole", "body", "lungs"]))
    kind = draw(st.sampled_from(["slice", "scan", "instances"]))
    rule = ObjectRule(kinds=("lungs", "ggo"), organs=("lungs",), score=draw(shares))
    return Recipe(
        kind=kind,
        objects=rule if kind == "instances" else None,
        labels=labels,
        multi_label=draw(st.booleans()),
        lesions=lesions,
        lesion_thresholds=tuple(draw(shares) for _ in lesions),
        input=InputSpec(size=size, crop=crop),
        picture=level(labels, draw(shares), draw(st.floats(0.01, 10.0))),
        scan=level(labels, draw(shares)),
    )


@given(recipes())
def test_json_round_trip(recipe: Recipe) -> None:
    again = Recipe.model_validate_json(recipe.model_dump_json())
    assert again == recipe
    assert again.digest == recipe.digest


def test_the_digest_changes_with_a_threshold() -> None:
    one = Recipe(
        labels=("covid19",), multi_label=True, picture=level(("covid19",)), scan=level(("covid19",))
    )
    other = one.model_copy(update={"scan": level(("covid19",), 0.6)})
    assert one.digest != other.digest


def test_recipes_of_schema_1_load_and_keep_their_digest() -> None:
    one = level(("covid19",))
    old = Recipe(schema_version="1", labels=("covid19",), multi_label=True, picture=one, scan=one)
    plain = old.model_dump()
    del plain["kind"], plain["objects"], plain["input"]["num_slices"]
    text = json.dumps(plain, separators=(",", ":"))
    assert Recipe.model_validate_json(text) == old
    assert old.digest == hashlib.sha256(text.encode()).hexdigest()
    newer = old.model_copy(update={"schema_version": "1.1"})
    assert newer.digest != old.digest


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"kind": "instances"}, "needs `objects`"),
        ({"objects": {"kinds": ["lesion"]}}, "needs `objects`"),
        ({"kind": "scan", "schema_version": "1"}, "schema 1"),
        ({"input": {"num_slices": 16}, "schema_version": "1"}, "schema 1"),
        ({"labels": [], "picture": NOTHING, "scan": NOTHING}, "at least one label"),
    ],
)
def test_a_kind_has_what_it_needs_and_nothing_else(
    changes: dict[str, object], sentence: str
) -> None:
    plain = Recipe(
        labels=("covid19",), multi_label=True, picture=level(("covid19",)), scan=level(("covid19",))
    ).model_dump()
    with pytest.raises(ValidationError, match=sentence):
        Recipe.model_validate({**plain, **changes})


def test_thresholds_must_be_in_label_order() -> None:
    with pytest.raises(ValidationError, match="label order"):
        Recipe(
            labels=("covid19", "neither"),
            multi_label=False,
            picture=level(("neither", "covid19")),
            scan=level(("covid19", "neither")),
        )


def test_an_unknown_key_is_an_error() -> None:
    with pytest.raises(ValidationError, match="extra"):
        Calibration.model_validate({"slope": 1.0, "temperature": 2.0})


def test_nothing_can_be_said_to_be_fitted_on_test_data() -> None:
    facts = {
        "data": "d", "digest": "x", "criterion": "youden", "num_cases": 1, "num_patients": 1,
    }  # fmt: skip
    assert FittedOn.model_validate(facts).side == "tune"
    with pytest.raises(ValidationError, match="tune"):
        FittedOn.model_validate({**facts, "side": "test"})
