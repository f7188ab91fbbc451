"""What is refused: pickles that call functions, and weights of another model."""

import json
import os
import pickle
import tarfile
import warnings
from pathlib import Path

import pytest
import safetensors.torch
import torch
from tests.bundles.upstream.golden_checkpoints import RATIOS, SIZES
from torch import Tensor, nn
from torch.nn.backends.thnn import _get_thnn_function_backend
from torchvision.models.detection.anchor_utils import AnchorGenerator

from ctsieve.bundles.upstream import UPSTREAM, upstream_of
from ctsieve.cli import main
from ctsieve.models import MODELS
from ctsieve.models.one_shot_affinity import (
    OneShotAffinity,
    OneShotAffinityConfig,
)
from ctsieve.pipeline import checkpoint_anchors
from ctsieve.pipeline.checkpoint import Anchors, read_checkpoint
from ctsieve.pipeline.import_checkpoint import WEIGHTS, import_checkpoint, load_imported
from ctsieve.types.errors import BundleError, UnknownName, UsageError

NAME = "one-shot-affinity"
CLASSIFIER = "s2new.class_predict_logits.bias"


class Hostile:
    """Unpickled by an unrestricted loader, it makes a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.marker}",)


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    """Weights of the affinity model with 16 regions and 8 affinities, under the authors' names."""
    config = OneShotAffinityConfig(num_affinities=8)
    return dict(OneShotAffinity(config).state_dict())


@pytest.mark.parametrize("modern", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("place", ["bare", "beside", "in anchors"])
def test_a_hostile_pickle_is_refused_and_not_run(place: str, modern: bool, tmp_path: Path) -> None:
    marker, source = tmp_path / "it-ran", tmp_path / "authors.pth"
    hostile = Hostile(marker)
    anchors = AnchorGenerator((SIZES,), (RATIOS,))
    anchors.extra = hostile
    document = {
        "bare": hostile,
        "beside": {"model_weights": {"a": torch.ones(1)}, "epoch": hostile},
        "in anchors": {"model_weights": {"a": torch.ones(1)}, "anchor_generator": anchors},
    }[place]
    torch.save(document, source, _use_new_zipfile_serialization=modern)
    with pytest.raises(BundleError, match=r"asks for (posix|nt)\.system") as caught:
        read_checkpoint(source)
    assert caught.value.hint
    with pytest.raises(BundleError, match="unpickling"):  # the second gate, without the first
        checkpoint_anchors.read(source)
    assert not marker.exists()
    pickle.loads(pickle.dumps(hostile))  # noqa: S301  # the trap works
    assert marker.exists()


@pytest.mark.parametrize("with_anchors", [True, False])
def test_a_hostile_pickle_of_a_newer_protocol_is_refused_too(
    with_anchors: bool, tmp_path: Path
) -> None:
    marker, source = tmp_path / "it-ran", tmp_path / "authors.pth"
    document: dict[str, object] = {"model": {"a": torch.ones(1)}, "epoch": Hostile(marker)}
    if with_anchors:
        document["anchor_generator"] = AnchorGenerator((SIZES,), (RATIOS,))
    torch.save(document, source, pickle_protocol=4)
    with pytest.raises(BundleError, match="cannot be read safely"):
        read_checkpoint(source)
    with pytest.raises(BundleError, match="unpickling"):
        checkpoint_anchors.read(source)
    assert not marker.exists()


def test_what_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "authors.pth"
    with pytest.raises(BundleError, match="there is no file"):
        read_checkpoint(source)
    for content in (b"", b"<html>quota exceeded</html>", b"PK\x03\x04 cut off"):
        source.write_bytes(content)
        with pytest.raises(BundleError, match="no checkpoint of torch"):
            read_checkpoint(source)
    with tarfile.open(source, "w") as archive:
        archive.add(tmp_path, "weights", recursive=False)
    with pytest.raises(BundleError, match="tar archive"):
        read_checkpoint(source)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.trace(nn.Identity(), torch.ones(1)), source)
    with pytest.raises(BundleError, match="no checkpoint of torch"):
        read_checkpoint(source)
    torch.save({"epoch": 3, "model": {}}, source)
    with pytest.raises(BundleError, match="no state dict"):
        read_checkpoint(source)


class OldBackend:
    """What every module of torch 1.1 holds, which three of the repositories were written for."""

    def __reduce__(self) -> tuple[object, tuple[()]]:
        return _get_thnn_function_backend, ()


@pytest.mark.parametrize("modern", [True, False], ids=["zip", "legacy"])
def test_anchors_of_old_torch_are_numbers(modern: bool, tmp_path: Path) -> None:
    source = tmp_path / "authors.pth"
    anchors = AnchorGenerator((SIZES,), (RATIOS,))
    anchors._backend = OldBackend()
    anchors.cell_anchors = [torch.ones(30, 4)]
    document = {"model_weights": {"a": torch.ones(3)}, "anchor_generator": anchors}
    torch.save(document, source, _use_new_zipfile_serialization=modern)
    checkpoint = read_checkpoint(source)
    assert checkpoint.anchors == Anchors(sizes=(SIZES,), ratios=(RATIOS,))
    assert checkpoint.tensors["a"].equal(torch.ones(3))


def test_anchors_without_numbers_are_refused(tmp_path: Path) -> None:
    source = tmp_path / "authors.pth"
    for sizes in ((), ("two",), ((2, -4),)):
        anchors = AnchorGenerator((SIZES,), (RATIOS,))
        anchors.sizes = sizes
        torch.save({"model": {"a": torch.ones(1)}, "anchors": anchors}, source)
        with pytest.raises(BundleError, match="anchor generator"):
            checkpoint_anchors.anchors_of(checkpoint_anchors.read(source))


def imported(state: dict[str, Tensor], folder: Path) -> Path:
    """Save `state` and import it as the affinity model."""
    torch.save({"model_weights": state}, folder / "authors.pth")
    out = import_checkpoint(folder / "authors.pth", model=NAME, folder=folder / "out")
    return out.bundle.folder


def test_sizes_come_from_the_file(state: dict[str, Tensor], tmp_path: Path) -> None:
    model = load_imported(imported(state, tmp_path))
    assert isinstance(model, OneShotAffinity)
    assert (model.config.num_affinities, model.config.num_sieve_stages) == (8, 1)
    assert all(value.equal(state[name]) for name, value in model.state_dict().items())


def test_the_first_tensor_that_does_not_fit_is_named(
    state: dict[str, Tensor], tmp_path: Path
) -> None:
    missing = {k: v for k, v in state.items() if k != CLASSIFIER}
    sieve = "affinity_layer.sieve.0.conv_up.bias"
    spoilt = {
        f"the checkpoint lacks {CLASSIFIER}": missing,
        "no extra.weight": {**state, "extra.weight": torch.ones(1)},
        rf"{CLASSIFIER}: the checkpoint has the shape \(4,\), the model \(3,\)": {
            **state,
            CLASSIFIER: torch.ones(4),
        },
        f"{CLASSIFIER} holds numbers that are not finite": {
            **state,
            CLASSIFIER: torch.full((3,), torch.nan),
        },
        "sieve.1.conv_up.bias should be the same tensor": {
            **state,
            sieve.replace("sieve.0", "sieve.1"): state[sieve] + 1.0,
        },
        "no tensor 'affinity_layer.batch_to_feat_mat'": {
            k: v for k, v in state.items() if k != "affinity_layer.batch_to_feat_mat"
        },
        "no backbone here has layers": {
            **state,
            "backbone.body.layer1.0.conv1.weight": torch.ones(7, 64, 3, 3),
        },
    }
    for sentence, tensors in spoilt.items():
        with pytest.raises(BundleError, match=sentence):
            imported(tensors, tmp_path)
        assert not (tmp_path / "out").exists()


def test_a_folder_with_files_and_a_model_without_authors_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not empty"):
        import_checkpoint(tmp_path / "a.pth", model=NAME, folder=Path(__file__).parent)
    with pytest.raises(UnknownName, match="no authors' checkpoint"):
        import_checkpoint(tmp_path / "a.pth", model="series-maxpool", folder=tmp_path / "out")
    with pytest.raises(BundleError, match=r"holds no architecture\.json"):
        load_imported(tmp_path)
    for name in ("architecture.json", WEIGHTS):
        (tmp_path / name).write_text("{", encoding="utf-8")
    with pytest.raises(BundleError, match="damaged"):
        load_imported(tmp_path)


@pytest.mark.parametrize("name", UPSTREAM)
def test_a_repository_says_what_it_publishes_and_names_models_that_exist(name: str) -> None:
    card = UPSTREAM[name]
    assert card.source.startswith("https://")
    assert card.licence in {"none", "MIT"}
    assert card.weights
    assert set(card.models) <= set(MODELS.names())
    assert all(upstream_of(model) is card for model in card.models)
    page = Path(__file__).parents[3] / "docs" / "reference" / "authors-checkpoints.md"
    text = page.read_text(encoding="utf-8")
    for words in (card.source, *card.models, *(weights.where for weights in card.weights)):
        assert words in text


def test_the_command_line_imports_and_says_what_is_missing(
    state: dict[str, Tensor],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source, out = tmp_path / "authors.pth", tmp_path / "out"
    torch.save({"model_weights": state}, source)
    monkeypatch.setattr("sys.argv", ["ctsieve", "bundle", "import", str(source)])
    with pytest.raises(SystemExit):
        main()
    assert "needs --as MODEL" in capsys.readouterr().err
    command = ["ctsieve", "bundle", "import", str(source), "--as", NAME]
    monkeypatch.setattr("sys.argv", command)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "--as and --out belong together" in capsys.readouterr().err
    monkeypatch.setattr("sys.argv", [*command, "--out", str(out)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert f"{len(state)} tensors of {NAME}" in said
    assert f"{NAME}-resnet18-authors 0.1.0" in said
    assert "not calibrated" in said
    document = json.loads((out / "architecture.json").read_text(encoding="utf-8"))
    assert document["settings"]["num_affinities"] == 8
    stored = safetensors.torch.load((out / WEIGHTS).read_bytes())
    assert set(stored) == {name for name in state if not name.endswith("num_batches_tracked")}
    for verb, words in (("verify", "ok   model.onnx"), ("show", "Not calibrated")):
        monkeypatch.setattr("sys.argv", ["ctsieve", "bundle", verb, str(out)])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 0
        assert words in capsys.readouterr().out
