"""A TOML file becomes a run folder; the same run again gives the same; what is wrong is said."""

import json
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.collection import REPOSITORY
from tests.learning.small import config, small_detector, write_pictures

from ctsieve.models import MODELS
from ctsieve.pipeline.architecture import build_network, start_from
from ctsieve.pipeline.experiment import read_recipe
from ctsieve.pipeline.reproduce import compared, reproduce
from ctsieve.pipeline.run_record import draw_curves
from ctsieve.pipeline.train import train
from ctsieve.pipeline.train_config import ModelSection
from ctsieve.types.errors import InputRejected, UsageError
from ctsieve.types.provenance import file_digest

CONFIGS = sorted((REPOSITORY / "configs").glob("*.toml"))


@pytest.fixture(autouse=True)
def _libraries_may_warn() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("pictures"))


def test_a_run_folder_says_what_was_done_and_can_be_repeated(
    pictures: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    weights = train(config("resnet18"), out, data=pictures)
    record = json.loads((out / "run.json").read_text())
    result = json.loads((out / "result.json").read_text())
    assert record["seed"] == 0
    assert record["environment"]["torch"]
    assert result["weights"] == file_digest(weights)
    rows = (out / "curves.csv").read_text().splitlines()
    assert len(rows) == 3
    assert result["figures"]["tune/loss"] == min(float(row.split(",")[2]) for row in rows[1:])
    assert (out / "curves.png").read_bytes()[:4] == b"\x89PNG"
    assert (out / "checkpoints" / "last.ckpt").is_file()
    written = "".join(p.read_text() for p in out.glob("*.json"))
    assert str(tmp_path) not in written
    comparison = reproduce(out, tmp_path / "again", data=pictures)
    different = [row.what for row in comparison if not row.same]
    assert set(different) <= {"revision of the code"}  # files may change while tests run
    changed = compared(
        {**record, **result}, {**record, **result, "split_digest": "x", "weights": "y"}
    )
    assert [row.what for row in changed if not row.same] == ["split", "weights"]


def test_another_run_is_not_written_over(pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(UsageError, match="holds a run with other settings"):
        train(config("resnet18"), tmp_path, data=pictures)


def test_an_unreadable_image_stops_the_run_before_it_begins(tmp_path: Path) -> None:
    data = write_pictures(tmp_path / "data")
    (data / "p7.png").write_bytes(b"no picture")
    with pytest.raises(InputRejected, match=r"case 'p7.png' cannot be prepared"):
        train(config("resnet18"), tmp_path / "run", data=data)
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_an_empty_class_stops_the_run(pictures: Path, tmp_path: Path) -> None:
    chosen = config("resnet18", data={"labels": ["mosaic"]})
    with pytest.raises(InputRejected, match="'mosaic' has no case on the train side"):
        train(chosen, tmp_path / "run", data=pictures)
    assert not (tmp_path / "run").exists(), "the corrected run may have its name"


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_committed_settings_are_understood_and_name_a_known_model(path: Path) -> None:
    shown = json.loads(read_recipe(path).show())
    assert shown["run"]["seed"] == 0
    assert path.stem == "la-dnn-default" or shown["model"]["name"] in MODELS.names()


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("run.batch_size=63", None),
        ("run.piece_size=7", "no multiple of 7"),
        ("run.sead=1", "run.sead"),
        ("optimiser.kind=lion", "optimiser.kind"),
        ("data.fold=2", "fold 2 of 1"),
    ],
)
def test_settings_are_checked(setting: str, sentence: str | None) -> None:
    path = REPOSITORY / "configs" / "resnet50-att2.toml"
    if sentence is None:
        read_recipe(path, [setting])
        return
    with pytest.raises(UsageError, match=sentence):
        read_recipe(path, [setting])


def test_architectures_take_settings_by_name(tmp_path: Path) -> None:
    section = ModelSection(
        name="one-shot-lstm", preset="fixed", initial="random", settings=small_detector()
    )
    network = build_network(section, ("a", "b"), folder=tmp_path)
    assert network.detector.backbone.channels == 16  # type: ignore[union-attr]
    assert network.config.num_labels == 2  # type: ignore[union-attr]
    for wrong, sentence in {
        "width": "model.settings has no 'width'",
        "units": "model.settings.units is 'x'",
    }.items():
        settings = {wrong: "x"}
        with pytest.raises(UsageError, match=sentence):
            build_network(
                section.model_copy(update={"settings": settings}), ("a",), folder=tmp_path
            )


def test_a_second_stage_starts_from_the_first(tmp_path: Path) -> None:
    section = ModelSection(
        name="mask-net", preset="fixed", initial="random", settings=small_detector()
    )
    torch.manual_seed(1)
    staged = section.model_copy(update={"settings": {**section.settings, "stage": "segmentation"}})
    first = build_network(staged, ("a",), folder=tmp_path)
    run = tmp_path / "first"
    run.mkdir()
    save_file(
        {k: v.contiguous() for k, v in first.state_dict().items()}, run / "weights.safetensors"
    )
    second = build_network(
        section.model_copy(update={"start": "first"}), ("a", "b", "c"), folder=tmp_path
    )
    given = load_file(run / "weights.safetensors")
    own = second.state_dict()
    shared = [name for name in own if name in given]
    assert any(name.startswith("rpn.") for name in shared)
    assert all(torch.equal(own[name], given[name]) for name in shared)
    with pytest.raises(InputRejected, match="holds no weights"):
        start_from(second, tmp_path / "nowhere")
    with pytest.raises(InputRejected, match="no tensor of"):
        start_from(second, run, prefix="elsewhere.")


def test_curves_are_drawn_for_figures_that_begin_late(tmp_path: Path) -> None:
    rows = [{"epoch": 1.0, "train/loss": 2.0}, {"epoch": 2.0, "tune/loss": 1.0, "tune/auc": 0.7}]
    draw_curves(rows, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 5000
