"""A run that is told to MLflow is found there with its settings and the figures of every epoch."""

import csv
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient
from tests.learning.small import config, write_pictures

from ctsieve.pipeline.train import train
from ctsieve.types.errors import UsageError

FILES = "MLFLOW_ALLOW_FILE_STORE"
"""MLflow asks to be told that files are meant."""


def test_a_run_is_found_in_mlflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FILES, "true")
    address = (tmp_path / "store").as_uri()
    data = write_pictures(tmp_path / "data")
    out = tmp_path / "run"
    train(config("resnet18", run={"mlflow": address}), out, data=data)
    client = MlflowClient(address)
    experiment = client.get_experiment_by_name("resnet18")
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.data.params["optimiser/learning_rate"] == "0.001"
    with (out / "curves.csv").open(newline="", encoding="utf-8") as file:
        epochs = list(csv.DictReader(file))
    kept = client.get_metric_history(run.info.run_id, "tune/auc_mean")
    assert [m.value for m in kept] == [float(row["tune/auc_mean"]) for row in epochs]
    assert run.info.status == "FINISHED"


def test_an_address_that_mlflow_refuses_is_said_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(FILES, raising=False)
    data = write_pictures(tmp_path / "data")
    chosen = config("resnet18", run={"mlflow": (tmp_path / "store").as_uri()})
    with pytest.raises(UsageError, match="MLflow does not log to") as refused:
        train(chosen, tmp_path / "run", data=data)
    assert FILES in refused.value.hint
    assert not (tmp_path / "run" / "checkpoints").exists()
