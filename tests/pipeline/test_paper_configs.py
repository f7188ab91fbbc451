"""Every paper's settings meet the data they name: classes to learn, nothing that is for judging."""

from pathlib import Path

import pytest
from tests.collection import REPOSITORY
from tests.datasets.trees import TREES

from ctsieve.learning.split import FOR_TRAINING
from ctsieve.learning.tasks import task_of
from ctsieve.pipeline.settings import checked
from ctsieve.pipeline.train import configured_cases, deal
from ctsieve.pipeline.train_config import TrainConfig

CONFIGS = [
    path
    for path in sorted((REPOSITORY / "configs").glob("*.toml"))
    if path.stem != "la-dnn-default"  # of real files: tests/learning/test_split.py
]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_its_data_sets_hold_what_it_trains_on(path: Path, tmp_path: Path) -> None:
    config = TrainConfig.load(path)
    for name in config.data.sets:
        TREES[name](tmp_path)
    cases = configured_cases(config, tmp_path)
    settings = checked(task_of(config.model.name).settings, config.task, below="task")
    if settings.classifies:
        found = {case.label for case in cases}
        assert set(config.data.labels) <= found
    sides = deal(config, cases).sides
    assert sides["train"]
    kept_back = [case for own in sides.values() for case in own if case.partition == "test"]
    assert not kept_back
    assert {case.partition for own in sides.values() for case in own} <= FOR_TRAINING
