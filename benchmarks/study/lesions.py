"""LA-DNN with and without its lesion task, on the pictures of COVID-CT.

Five seeds, each with a fifth of the patients held out: every picture is judged once by a network
of each way that saw neither its patient nor its paper.  Nothing is tuned: the length of training is
fixed, and the averaged weights of its end are judged.
"""

from pathlib import Path

import numpy as np
import torch

from benchmarks.study.paired import Difference, paired_difference
from benchmarks.study.running import CONFIGS
from ctsieve.evaluation.sample import Sample
from ctsieve.learning.split import TUNE
from ctsieve.ops.decide import sigmoid
from ctsieve.pipeline.collection import Collection, open_collection
from ctsieve.pipeline.fit import divide, held_out, prepared, train
from ctsieve.pipeline.fit_config import FitConfig
from ctsieve.types.cases import Split

CONFIG = "la-dnn-default"
SEEDS = 5
LABEL = "covid19"
WAYS = {"with": 1.0, "without": 0.0}
"""Weight of the lesion terms."""
SETTINGS = (
    *("data.sets=['covid-ct']", "data.shares={covid_ct=1.0}", "data.always_train=[]"),
    *("data.paste=0", "data.paste_onto=[]", f"run.folds={SEEDS}", "input.size=[128, 128]"),
    *("cache_size=144", "run.steps_per_epoch=40", "run.stages=[{size=128, epochs=2}]"),
    *("run.validate_every=2", "run.precision=32-true", "run.channels_last=true"),
    *("optimiser.average=0.95", "optimiser.warmup=10", "optimiser.frozen_blocks=8"),
)
"""MobileNetV2 from ImageNet weights, 80 steps of 32 pictures."""


def lesions(data: Path, out: Path) -> Difference:
    """Train what is not trained yet; with the lesion task less without it.

    `data` is the collection that holds the pictures of COVID-CT and the ImageNet weights.
    """
    config = FitConfig.load(CONFIGS / f"{CONFIG}.toml", SETTINGS)
    collection = open_collection(config, data, out / "lesions" / "cache")
    splits = held_out(divide(config, collection.cases))
    pairs = []
    for seed, split in enumerate(splits.values()):
        own = config.model_copy(update={"run": config.run.model_copy(update={"seed": seed})})
        first, second = (
            _judged(own, way, split, (collection, data), out / "lesions" / f"{seed}-{way}")
            for way in WAYS
        )
        pairs.append((first, second))
    return paired_difference(pairs)


def _judged(
    config: FitConfig, way: str, split: Split, where: tuple[Collection, Path], out: Path
) -> Sample:
    """What one training says of the patients that it never saw; kept, so that it runs once."""
    collection, data = where
    file = out.with_suffix(".npy")
    cases = split.sides[TUNE]
    if not file.is_file():
        change = {"lesion_weight": WAYS[way]}
        optimiser = config.optimiser.model_copy(update=change)
        own = config.model_copy(update={"optimiser": optimiser})
        network = train(own, prepared(collection, split), out, data=data, resume=True)
        with torch.no_grad():
            x = torch.from_numpy(collection.inputs(cases))
            logit = torch.cat([network.eval()(part).logits[:, 0] for part in x.split(32)])
        np.save(file, logit.numpy())
    return Sample(
        probability=sigmoid(np.load(file).astype(np.float64)),
        positive=np.array([case.label == LABEL for case in cases]),
        patient=np.array([case.patient for case in cases]),
        threshold=np.full(len(cases), 0.5),
    )
