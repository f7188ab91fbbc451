"""Every authors' file is read, fits its model, and gives exactly the golden weights back."""

import json
import re
import warnings
from pathlib import Path

import pytest
import safetensors.torch
import torch
from tests.bundles.upstream.golden_checkpoints import (
    LA_DNN,
    LAYOUTS,
    fill_and_gold,
    golden_state,
    old_spelling,
)
from tests.screened import phantom, phantom_picture

from ctsieve.bundles import store
from ctsieve.bundles.upstream import upstream_of
from ctsieve.bundles.verify import verify
from ctsieve.models._detector.mask_rcnn import MaskRcnn
from ctsieve.pipeline.checkpoint import read_checkpoint
from ctsieve.pipeline.import_checkpoint import (
    ARCHITECTURE,
    WEIGHTS,
    Imported,
    build,
    fitted,
    import_checkpoint,
    load_imported,
)
from ctsieve.pipeline.screen import Screener

KINDS = {
    "lstm": "instances",
    "affinity": "instances",
    "single-shot": "instances",
    "mask-rcnn": "instances",
    "lstm-att2": "scan",
}
OLD = {"affinity", "single-shot"}
"""Layouts whose file is written in the old spelling and the file format of old torch."""


@pytest.fixture(scope="module")
def imported(name: str, tmp_path_factory: pytest.TempPathFactory) -> Imported:
    """The bundle that an authors' file of that layout becomes."""
    layout, folder = LAYOUTS[name], tmp_path_factory.mktemp(name)
    state = golden_state(layout)
    if name in OLD:
        state = old_spelling(state)
    source = folder / "authors.pth"
    torch.save(layout.wrap(state), source, _use_new_zipfile_serialization=name not in OLD)
    return import_checkpoint(source, model=layout.model, folder=folder / "out")


@pytest.mark.parametrize("name", LAYOUTS, scope="module")
def test_an_authors_file_gives_the_golden_weights_back(name: str, imported: Imported) -> None:
    layout, folder = LAYOUTS[name], imported.bundle.folder
    fill, gold = fill_and_gold(layout)
    model = load_imported(folder, preset="paper")
    assert not model.training
    assert fill.fingerprint(model.state_dict()) == gold[layout.digest]
    document = json.loads((folder / ARCHITECTURE).read_text(encoding="utf-8"))
    for path, value in layout.settings.items():
        assert document["settings"][path] == (list(value) if isinstance(value, tuple) else value)


@pytest.mark.parametrize("name", LAYOUTS, scope="module")
def test_an_authors_file_ends_in_a_bundle_that_screens(name: str, imported: Imported) -> None:
    bundle, kind = imported.bundle, KINDS.get(name, "slice")
    assert bundle.recipe.kind == kind
    assert all(row.passed for row in verify(bundle))
    assert "Not calibrated" in bundle.text("MODEL_CARD.md")

    image = phantom().volume if kind == "scan" else phantom_picture()
    screening = Screener.load(bundle.folder, threads=1).screen(image)
    prediction = screening.prediction
    assert not prediction.calibrated
    if name == "mask-rcnn":
        assert prediction.probability == {}
        assert "no class" in str(prediction.abstained)
    else:
        assert list(prediction.probability) == ["covid19", "other_pneumonia", "neither"]
        assert prediction.abstained is None
        assert set(prediction.threshold.values()) == {0.5}
    assert bool(screening.lesion_totals) is (kind == "instances")
    if kind == "scan":
        assert screening.slices is not None
        assert screening.slices.index.size == 16  # of the 22 that show lungs
        assert len(screening.top_slices) == 4
        assert screening.explanation is not None


def test_a_first_stage_is_no_classifier(tmp_path: Path) -> None:
    layout, source = LAYOUTS["mask-rcnn"], tmp_path / "authors.pth"
    torch.save(layout.wrap(golden_state(layout)), source)
    out = import_checkpoint(source, model="mask-net", folder=tmp_path / "out")
    model = load_imported(out.bundle.folder, preset="paper")
    assert isinstance(model, MaskRcnn)
    assert model.config.detector.branches.mask_values == "logit"
    assert out.bundle.recipe.labels == ()


@pytest.mark.parametrize("prefix", ["densenet169_out.", ""])
def test_names_of_old_and_new_densenets(prefix: str) -> None:
    state = golden_state(LA_DNN)
    old = {
        re.sub(r"(denselayer\d+\.(?:norm|conv))(\d)\.", r"\1.\2.", key).replace(
            "densenet169_out.", prefix
        ): value
        for key, value in state.items()
        if not key.endswith("num_batches_tracked")
    }
    card = upstream_of("la-dnn")
    settings = card.settings("la-dnn", {k: tuple(v.shape) for k, v in old.items()})
    assert settings == {"backbone": "densenet169", "num_lesions": 5, "normalisation": "imagenet"}
    with torch.device("meta"):
        wanted = build("la-dnn", settings).state_dict()
    fill, gold = fill_and_gold(LA_DNN)
    ours = fitted(wanted, old, card.rename)
    named = {f"densenet169_out.{key}": value for key, value in ours.items()}
    assert fill.fingerprint(named) == gold["weights_sha256"]


@pytest.mark.slow
def test_la_dnn_becomes_a_bundle_that_says_it_is_not_calibrated(tmp_path: Path) -> None:
    source, folder = tmp_path / "densenet169.path.tar", tmp_path / "out"
    torch.save(LA_DNN.wrap(golden_state(LA_DNN)), source, _use_new_zipfile_serialization=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        imported = import_checkpoint(source, model="la-dnn", folder=folder)
    assert imported.bundle.folder == folder
    bundle = store.import_bundle(folder)
    assert all(row.passed for row in verify(bundle))
    assert bundle.recipe.picture.calibration[0].fitted is None
    assert "Not calibrated" in bundle.text("MODEL_CARD.md")
    screening = Screener.load(folder, threads=1).screen(phantom_picture())
    assert not screening.prediction.calibrated
    assert screening.prediction.threshold == {"covid19": 0.5}
    weights = safetensors.torch.load((folder / WEIGHTS).read_bytes())
    assert weights["classifier.weight"].equal(
        read_checkpoint(source).tensors["densenet169_out.classifier.weight"]
    )
