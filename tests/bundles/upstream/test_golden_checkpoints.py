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
from tests.screened import phantom_picture

from ctsieve.bundles import store
from ctsieve.bundles.upstream import upstream_of
from ctsieve.bundles.verify import verify
from ctsieve.models._detector.mask_rcnn import MaskRcnn
from ctsieve.pipeline.checkpoint import read_checkpoint
from ctsieve.pipeline.import_checkpoint import (
    ARCHITECTURE,
    WEIGHTS,
    build,
    fitted,
    import_checkpoint,
    load_imported,
)
from ctsieve.pipeline.screen import Screener

OLD = {"affinity", "single-shot"}
"""Layouts whose file is written in the old spelling and the file format of old torch."""


@pytest.mark.parametrize("name", LAYOUTS)
def test_an_authors_file_gives_the_golden_weights_back(name: str, tmp_path: Path) -> None:
    layout, source = LAYOUTS[name], tmp_path / "authors.pth"
    state = golden_state(layout)
    if name in OLD:
        state = old_spelling(state)
    torch.save(layout.wrap(state), source, _use_new_zipfile_serialization=name not in OLD)
    imported = import_checkpoint(source, model=layout.model, folder=tmp_path / "out")

    fill, gold = fill_and_gold(layout)
    ours = safetensors.torch.load((imported.folder / WEIGHTS).read_bytes())
    assert fill.fingerprint(ours) == gold[layout.digest]
    document = json.loads((imported.folder / ARCHITECTURE).read_text(encoding="utf-8"))
    for path, value in layout.settings.items():
        assert document["settings"][path] == (list(value) if isinstance(value, tuple) else value)


def test_an_imported_folder_is_a_network_again(tmp_path: Path) -> None:
    layout, source = LAYOUTS["mask-rcnn"], tmp_path / "authors.pth"
    torch.save(layout.wrap(golden_state(layout)), source)
    folder = import_checkpoint(source, model="mask-net", folder=tmp_path / "out").folder
    fill, gold = fill_and_gold(layout)
    model = load_imported(folder, preset="paper")
    assert fill.fingerprint(model.state_dict()) == gold[layout.digest]
    assert isinstance(model, MaskRcnn)
    assert model.config.detector.branches.mask_values == "logit"
    assert not model.training


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
    assert imported.is_bundle
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
