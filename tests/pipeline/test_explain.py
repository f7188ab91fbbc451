"""Explaining: the answer stays, the map is the method's, and the check can tell maps apart."""

import numpy as np
import pytest
from tests.screened import phantom, phantom_picture, screener

from ctsieve.explain import EXPLAINERS
from ctsieve.pipeline.explain import explain, own_method, possible
from ctsieve.pipeline.screen import Screener
from ctsieve.runtime import ModelOutput, Runtime
from ctsieve.types.errors import UnknownName, UsageError


class Unwilling:
    """A runtime that says what it returns and must not be asked for it."""

    def __init__(self, runtime: Runtime) -> None:
        self.outputs = runtime.outputs

    def run(self, x: object, *, progress: object = None) -> ModelOutput:  # noqa: D102
        raise AssertionError(f"a method that cannot work was given {x} and {progress}")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Screener:
    return screener(tmp_path_factory.mktemp("bundle"))


def test_the_graph_s_own_map_is_the_screening_s(tiny: Screener) -> None:
    image = phantom().volume
    told, plain = explain(image, tiny).screening, tiny.screen(image)
    assert told.prediction == plain.prediction
    assert told.explanation is not None
    assert plain.explanation is not None
    np.testing.assert_array_equal(told.explanation.heat, plain.explanation.heat)


def test_occlusion_of_a_mean_is_where_a_slice_is_brighter_than_its_mean(tiny: Screener) -> None:
    told = explain(phantom().volume, tiny, "occlusion", check=True)
    shown, fall = told.screening.explanation, told.faithfulness
    assert shown is not None
    assert fall is not None
    assert shown.method == "Occlusion"
    assert shown.peak > 0.0
    assert fall.hottest > fall.random, "the tiny network is the mean of a slice"


def test_a_picture_can_be_explained_too(tiny: Screener) -> None:
    shown = explain(phantom_picture(), tiny, "occlusion").screening.explanation
    assert shown is not None
    assert shown.heat.shape == phantom_picture().values.shape


@pytest.mark.parametrize("method", ["attention", "otsu", "lesions", "slice-scores"])
def test_a_method_without_its_outputs_is_refused_with_those_that_work(
    method: str, tiny: Screener
) -> None:
    never = Screener(tiny.bundle, Unwilling(tiny.runtime))
    with pytest.raises(UsageError, match=method) as refused:
        explain(phantom().volume, never, method)
    assert refused.value.hint == "methods for this bundle: gradcam, occlusion"


def test_an_unknown_method_is_refused(tiny: Screener) -> None:
    with pytest.raises(UnknownName, match="shap"):
        explain(phantom().volume, tiny, "shap")


def test_every_method_is_possible_where_its_outputs_are() -> None:
    everything = {name: None for card in EXPLAINERS.values() for name in card.reads}
    assert possible({**everything, "logits": None}) == EXPLAINERS.names()
    assert possible({"logits": None}) == ("occlusion",)


@pytest.mark.parametrize(
    ("outputs", "method"),
    [
        (("logits", "heat"), "gradcam"),
        (("logits", "attention1", "attention2"), "attention"),
        (("logits", "attention"), "attention"),
        (("boxes", "labels", "scores", "roi_masks"), "lesions"),
        (("logits", "slice_logits"), "slice-scores"),
        (("logits",), "occlusion"),
    ],
)
def test_unasked_a_bundle_shows_what_its_own_graph_returned(
    outputs: tuple[str, ...], method: str
) -> None:
    assert own_method(possible(dict.fromkeys(outputs))) == method
