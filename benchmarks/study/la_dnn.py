"""LA-DNN's row: it is trained by a job of its own, since its batches mix lesions and sites."""

import csv
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from benchmarks.study.cohorts import cohort_folder
from benchmarks.study.experiments import Experiment
from benchmarks.study.running import CONFIGS, SAME, Row, keep, measured
from ctsieve.learning.split import TRAIN, TUNE
from ctsieve.learning.task import Judged
from ctsieve.pipeline.collection import open_collection
from ctsieve.pipeline.fit import divide, held_out, prepared, task_for, train
from ctsieve.pipeline.fit_config import FitConfig
from ctsieve.pipeline.run_record import CURVES
from ctsieve.types.promise import promise

if TYPE_CHECKING:
    from ctsieve.learning.la_dnn import LaDnnTask


def run_la_dnn(experiment: Experiment, out: Path) -> Row:
    """Train it, or go on with it; its weights are those of the end, as its job has it."""
    data = cohort_folder(experiment.cohort, out)
    config = FitConfig.load(CONFIGS / f"{experiment.config}.toml", experiment.settings)
    folder = out / experiment.name
    in_one_go, start = not (folder / "checkpoints").is_dir(), time.process_time()
    collection = open_collection(config, data, folder / "cache")
    (split,) = held_out(divide(config, collection.cases)).values()
    network = train(config, prepared(collection, split), folder, data=data, resume=True).eval()
    seconds = round(time.process_time() - start) if in_one_go else None
    cases = split.sides[TUNE]
    task: LaDnnTask = task_for(config, network, cases)
    judged = _judged(network, collection.inputs(cases))
    with (folder / CURVES).open(newline="", encoding="utf-8") as file:
        last = list(csv.DictReader(file))[-1]
    for name, value in task.figures(judged).items():
        kept = float(last[f"tune/{name}"])
        promise(abs(value - kept) < SAME, f"{name} of the end was {kept}, again {value}")
    row = Row(
        name=experiment.name,
        figures=tuple(measured(task, judged, cases, name, at) for name, at in experiment.levels),
        epoch=int(float(last["epoch"])),
        epochs=int(float(last["epoch"])),
        patients=len({case.patient for case in cases}),
        cases=len(cases),
        train_cases=len(split.sides[TRAIN]),
        parameters=sum(p.numel() for p in network.parameters()),
        cpu_seconds=seconds,
        settings=experiment.settings,
    )
    return keep(row, out)


@torch.no_grad()
def _judged(network: torch.nn.Module, images: np.ndarray) -> list[Judged]:
    """The COVID-19 logit of every image (N, 1, R, C)."""
    parts = [network(part).logits[:, 0] for part in torch.from_numpy(images).split(32)]
    return [Judged(case, (value,)) for case, value in enumerate(torch.cat(parts).tolist())]
