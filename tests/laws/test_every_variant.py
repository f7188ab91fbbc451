"""The variants of each model: every value of every choice in its configuration, one at a time.

`test_every_model.py` holds each name to the whole contract in its default sizes; here every other
backbone, score or stage is held to what could break with it: outputs, masks, batches, the graph.
A choice is a field whose type is a `Literal`; a new one is tried by being there.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
import torch
from tests.laws.trying import built, inputs, opened, run, slices, takes_scans

from ctsieve.export.agreement import TOLERANCE, largest_difference, own_rounding
from ctsieve.export.onnx import export
from ctsieve.models import MODELS
from ctsieve.models._backbones import BACKBONES
from ctsieve.pipeline.package import ROUNDINGS

PRESET = "preset"
"""The one choice that `test_every_model.py` tries itself."""
MORE: dict[str, dict[str, tuple[Any, ...]]] = {
    "la-dnn": {"backbone": tuple(BACKBONES), "num_lesions": (0,)},
}
"""Choices whose type does not say what there is: LA-DNN's backbones, and its baseline."""


def variants() -> Iterator[tuple[str, str, Any]]:
    """Each model with one choice made otherwise than in its default."""
    for name in MODELS:
        default = MODELS[name].config()
        choices = {
            field: get_args(kind)
            for field, kind in get_type_hints(type(default)).items()
            if get_origin(kind) is Literal and field != PRESET
        }
        for field, values in (choices | MORE.get(name, {})).items():
            for value in values:
                if value != getattr(default, field):
                    yield name, field, value


VARIANTS = list(variants())


def test_every_backbone_of_the_papers_is_among_them() -> None:
    tried = {(name, value) for name, field, value in VARIANTS if field == "backbone"}
    default = {("la-dnn", "mobilenet-v2")}
    assert {("la-dnn", backbone) for backbone in BACKBONES} <= tried | default
    assert {(name, "googlenet") for name in MODELS if name.startswith("series-")} <= tried


@pytest.mark.parametrize(("name", "field", "value"), VARIANTS)
def test_a_variant_keeps_the_contract(name: str, field: str, value: Any, tmp_path: Path) -> None:  # noqa: ANN401
    card = MODELS[name]
    model = built(card, **{field: value})
    given = inputs(card, batch=2)
    together = run(model, given)
    alone = [run(model, tuple(part[i : i + 1] for part in given)) for i in range(2)]
    for key, got in together.items():
        assert got.isfinite().all(), key
        one_by_one = torch.cat([output[key] for output in alone])
        size = max(1.0, float(got.abs().max())) if got.numel() else 1.0
        torch.testing.assert_close(got, one_by_one, rtol=1e-4, atol=1e-4 * size, msg=key)
    if takes_scans(card):
        x, keep = given
        x[~keep] = 1e4
        for key, got in run(model, (x, keep)).items():
            assert got.equal(together[key]), f"{key}: a masked slice was read"
    *_, rows, columns = card.example_shape
    images = slices(card, 3, seed=1).numpy()
    engine = opened(export(model, (rows, columns)), tmp_path)
    difference = largest_difference(model, engine.run(images), images)
    if difference > TOLERANCE:  # as when a bundle is written: a softmax over scores of hundreds
        assert difference < ROUNDINGS * own_rounding(model, images)
