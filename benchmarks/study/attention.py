"""Attention against none, on phantom scans whose disease sits in three to six of 24 slices.

All models start from one GoogLeNet that was trained on single slices of other patients, as the
paper's start from ImageNet; without that none learned anything from 72 scans.  Every model is
trained from the same seeds on the same patients, its epoch chosen on tune patients, and judged on
patients of another cohort.
"""

from pathlib import Path

import numpy as np
import torch

from benchmarks.study.cohorts import cohort_folder, share_decoded
from benchmarks.study.experiments import AS_SCANS, SLICES_FIRST, Settings, series
from benchmarks.study.paired import Difference, paired_difference
from benchmarks.study.running import CONFIGS, lower_precision, rows_of, run
from ctsieve.evaluation.sample import Sample
from ctsieve.learning.split import TRAIN, TUNE
from ctsieve.learning.tasks import task_of
from ctsieve.ops.decide import sigmoid
from ctsieve.pipeline.settings import checked
from ctsieve.pipeline.train import configured_cases, gather, train
from ctsieve.pipeline.train_config import TrainConfig
from ctsieve.pipeline.trained_bundle import trained_network
from ctsieve.types.cases import Split

SEEDS = (1, 2, 3)
HELD_OUT = "focal-held-out"
LABEL = "covid19"
RATES: dict[str, Settings] = {
    "series-maxpool": ("optimiser.learning_rate=1e-2",),
    "series-attention": ("optimiser.learning_rate=3e-4",),
    "series-bilstm": ("optimiser.learning_rate=3e-4",),
    "series-bilstm-attention": ("optimiser.learning_rate=3e-4",),
}
COMPARED = (
    ("series-bilstm-attention", "series-bilstm"),
    ("series-attention", "series-bilstm"),
    ("series-attention", "series-maxpool"),
)
"""With attention, and without."""


def attention(out: Path) -> dict[str, Difference]:
    """Train what is not trained yet; a difference for each pair of `COMPARED`."""
    if SLICES_FIRST.name not in rows_of(out):
        run(SLICES_FIRST, out)
    samples: dict[str, list[Sample]] = {model: [] for model in RATES}
    for seed in SEEDS:
        for model in RATES:
            samples[model].append(judged(model, seed, out))
    return {
        f"{one} against {two}": paired_difference(
            list(zip(samples[one], samples[two], strict=True))
        )
        for one, two in COMPARED
    }


def judged(model: str, seed: int, out: Path) -> Sample:
    """What one training says of the held-out cohort; kept, so that it is trained once."""
    file = out / "attention" / f"{model}-{seed}.npz"
    if not file.is_file():
        score, positive, patient = _judge(_trained(model, seed, out), out)
        np.savez(file, score=score, positive=positive, patient=patient)
    kept = np.load(file)
    return Sample(
        probability=kept["score"],
        positive=kept["positive"],
        patient=kept["patient"],
        threshold=np.full(len(kept["score"]), 0.5),
    )


def _trained(model: str, seed: int, out: Path) -> tuple[TrainConfig, Path]:
    plan = series(
        model,
        "focal",
        *(*AS_SCANS, "task.warp.cut=1.0", "run.epochs=6", f"run.seed={seed}"),
        *("run.criterion=auc", "run.better=max"),
        f"model.start=../{SLICES_FIRST.name}",
        *RATES[model],
    )
    config = TrainConfig.load(CONFIGS / f"{plan.config}.toml", plan.settings)
    folder = out / "attention" / f"{model}-{seed}"
    share_decoded(folder, "focal", out)
    train(config, folder, data=cohort_folder("focal", out), resume=True)
    return config, folder


@torch.no_grad()
def _judge(
    trained: tuple[TrainConfig, Path], out: Path
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores (N,), truth (N,) and patients (N,) of the held-out cohort."""
    config, folder = trained
    data = cohort_folder(HELD_OUT, out)
    cases = configured_cases(config, data)
    sides = {TRAIN: cases[:2], TUNE: cases[2:]}  # a feed wants a training side; it is not used
    material, _ = gather(config, Split(name=HELD_OUT, sides=sides), folder, data=data)
    card, network = task_of(config.model.name), trained_network(folder, config)
    task, feed = card.build(network, checked(card.settings, config.task, below="task"), material)
    with lower_precision(config):
        rows = [r for n in range(feed.num_tune) for r in task.judge(network.eval(), feed.tune(n))]
    logit = np.array([row.values[0] for row in sorted(rows)])
    positive = np.array([case.label == LABEL for case in material.tune.cases])
    patient = np.array([case.patient for case in material.tune.cases])
    return sigmoid(logit), positive, patient
