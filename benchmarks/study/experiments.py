"""What is trained: every family's config, and what shrinks it to phantoms of a few dozen pixels.

Nothing but `--set` is used.  Where a paper starts from ImageNet weights, which are not at hand
everywhere, a network starts from the plain one that the study has trained on pictures of other
phantom patients.
"""

from dataclasses import dataclass, replace

AUC, LESIONS = ("auc", 0.9), ("lesion_map", 0.3)
Level = tuple[str, float]
Settings = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """One training, and what it has to reach."""

    name: str
    config: str
    cohort: str
    settings: Settings
    levels: tuple[Level, ...] = (AUC,)
    after: tuple[str, ...] = ()
    """Experiments whose weights it starts from."""
    repeats: bool = True
    """Whether one image has one answer.  Detectors that classify repeat regions at random, as their
    authors do, where there are fewer than their head takes."""


HERE: Settings = (
    *("run.accelerator=cpu", "run.seed=1", "model.initial=random", "data.box=false"),
    *("run.precision=bf16-mixed", "run.channels_last=true"),
)
PICTURES: Settings = (
    *("data.sets=['phantom']", "data.kinds=['picture']", "input.size=[64, 64]", *HERE),
)
SCANS: Settings = ("data.sets=['phantom']", "data.kinds=['volume']", *HERE)
FROM_SCRATCH = "optimiser.learning_rate=5e-4"
"""The papers' 1e-5 fine-tunes ImageNet weights."""


LUNGS = "input.crop=lungs"
"""What is cut out for networks of slices that scans start from; in bodies of 64 pixels the lesions
of a phantom are two or three pixels wide."""


LARGER = "input.size=[96, 96]"
"""Where attention looks at maps of stride 16 and 32: six and three places across."""


def plain(model: str, *more: str, cohort: str = "pictures") -> Experiment:
    """A slice classifier from random weights."""
    return Experiment(
        name=model,
        config="slice-baseline",
        cohort=cohort,
        settings=(
            *(*PICTURES, f"model.name={model}", FROM_SCRATCH),
            *("run.epochs=5", "run.steps_per_epoch=24", "run.batch_size=16", *more),
        ),
    )


AS_SCANS: Settings = ("input.crop=whole", "input.size=[80, 80]")
"""Slices and scans cut alike: what is cut out of a picture alone depends on its height, and a
network that has learned from such pictures does not know the ends of the lungs in a scan."""
SLICES_FIRST = replace(
    plain(
        "googlenet",
        *("data.labels=['neither', 'covid19']", "run.epochs=40", *AS_SCANS),
        *("task.warp.mirror=0.5", "task.warp.degrees=5", "task.warp.shift=0.05"),
        *("task.warp.zoom=[0.9, 1.1]", "optimiser.average=0.95", "optimiser.learning_rate=1e-3"),
        cohort="focal-pictures",
    ),
    name="googlenet-focal",
)
"""Single slices with a patch and without, for the scans in which they are few."""


def att2(*more: str) -> Experiment:
    """ResNet50-ATT2 from the slice classifier's ResNet50.

    The paper's augmentation, with mirrors both ways and rotations of 30 degrees, is learned from
    some 60,000 pictures; with it the loss on 180 did not fall in 120 steps.
    """
    return Experiment(
        name="resnet50-att2",
        config="resnet50-att2",
        cohort="slices",
        settings=(
            *(*PICTURES, LUNGS, LARGER, "run.epochs=6", "run.steps_per_epoch=24"),
            *("run.batch_size=24", "optimiser.average=0.9"),
            *("model.start=resnet50", "optimiser.learning_rate=1e-4"),
            *("task.warp.blur=[0.05, 0.6]", "task.warp.upside_down=0.0"),
            *("task.warp.degrees=5", "task.warp.shift=0.03", "task.warp.shear=3", *more),
        ),
        after=("resnet50",),
    )


SERIES: Settings = (
    *(*SCANS, LUNGS, "input.size=[72, 72]", "model.settings.backbone=googlenet"),
    *("data.tune_share=0.4", "run.epochs=8", "run.batch_size=4", "run.piece_size=4"),
    "optimiser.average=0.9",
)
"""Turned and cut as in the paper; batch norm of the trained layers sees four scans at once, and its
running statistics are averaged with the weights."""


def series(model: str, cohort: str = "scans", *more: str) -> Experiment:
    """A series model that starts from the slice classifier's GoogLeNet."""
    return Experiment(
        name=model,
        config=model,
        cohort=cohort,
        settings=(*SERIES, "model.start=googlenet", *more),
        after=("googlenet",),
    )


NARROW: Settings = (
    "model.settings.detector.backbone.name=resnet18",
    "model.settings.detector.backbone.last_layer=2",
    "model.settings.detector.backbone.num_levels=1",
    "model.settings.detector.backbone.channels=64",
    "model.settings.detector.branches.box_features=64",
    "model.settings.detector.proposals.num_before=[200, 100]",
    "model.settings.detector.proposals.num_after=[60, 40]",
)
"""One map of stride 8, as fine for 96 pixels as stride 32 is for the papers' 512."""
OBJECTS: Settings = ("task.min_area=12", "task.naming=value", "task.only_segment=[]")
START: Settings = ("model.start=resnet18", "model.start_prefix=backbone.body.")
MERGED = "task.kinds=[[1, 2, 3]]"
KINDS = "task.kinds=[[1, 3], [2]]"


def detector(
    config: str, levels: tuple[Level, ...], *more: str, after: str = "resnet18"
) -> Experiment:
    """A detector that starts from the slice classifier's ResNet18, or from another detector."""
    return Experiment(
        name=config,
        config=config,
        cohort="pictures",
        settings=(
            *(*PICTURES, "input.size=[96, 96]", "run.precision=32-true", *NARROW),
            *("run.channels_last=false", "run.epochs=4", "run.steps_per_epoch=120"),
            *("run.batch_size=2", "run.piece_size=2"),
            *("optimiser.learning_rate=3e-4", *more),
        ),
        levels=levels,
        after=(after,),
        repeats=AUC not in levels,
    )


SHORT: Settings = ("run.epochs=3", "run.steps_per_epoch=80")


def goes_on(config: str, kinds: str, *more: str, after: str) -> Experiment:
    """Both tasks, from a detector that has learned the first: everything that fits is taken.

    Two losses take turns on shared weights, each undoing something of the other; of their average
    lesions and classes are both right.
    """
    return detector(
        config,
        (AUC, LESIONS),
        f"model.start={after}",
        *(*OBJECTS, kinds, *SHORT),
        *("optimiser.learning_rate=1e-4", "optimiser.average=0.95", *more),
        after=after,
    )


FAMILIES = (
    Experiment(
        name="la-dnn",
        config="la-dnn-paper",
        cohort="pictures",
        settings=(
            *(*PICTURES, "data.sets=['folder']", "model.settings.backbone=mobilenet-v2"),
            *("run.epochs=10", "run.steps_per_epoch=24", "run.batch_size=16"),
            "optimiser.learning_rate=1e-3",
        ),
    ),
    plain("resnet18"),
    plain("googlenet", LUNGS, "run.epochs=10", cohort="slices"),
    plain(
        "resnet50",
        *(LUNGS, LARGER, "run.epochs=10", "run.batch_size=24"),
        *("optimiser.learning_rate=3e-4", "optimiser.average=0.9"),
        cohort="slices",
    ),
    att2(),
    series(
        "series-maxpool",
        "scans",
        *("optimiser.learning_rate=1e-2", "run.epochs=30"),
        *("run.criterion=auc", "run.better=max"),
    ),
    series("series-bilstm", "scans", "optimiser.learning_rate=3e-4"),
    series("series-bilstm-attention", "scans", "optimiser.learning_rate=3e-4"),
    series("series-attention", "scans", "optimiser.learning_rate=3e-4"),
    Experiment(
        name="resnet50-lstm-att2",
        config="resnet50-lstm-att2",
        cohort="scans",
        settings=(
            *(*SCANS, LUNGS, LARGER, "data.tune_share=0.4", "data.slices=lungs"),
            *("task.length=8", "task.versions=4", "model.settings.num_slices=8"),
            *("task.warp.blur=[0.05, 0.06]", "task.warp.upside_down=0.0", "task.warp.shift=0.0"),
            *("task.warp.degrees=0.0", "task.warp.shear=0.0", "task.warp.zoom=[1.0, 1.0]"),
            *("run.epochs=24", "run.batch_size=8", "optimiser.learning_rate=5e-4"),
        ),
        after=("resnet50-att2",),
    ),
    detector("mask-rcnn", (LESIONS,), *START, *OBJECTS, KINDS),
    detector("mask-net-stage-1", (LESIONS,), *START, *OBJECTS, MERGED),
    detector("mask-net-stage-2", (AUC,), *SHORT, after="mask-net-stage-1"),
    goes_on("single-shot", MERGED, after="mask-net-stage-1"),
    goes_on("one-shot-lstm-attention", KINDS, after="mask-rcnn"),
    goes_on("one-shot-lstm", KINDS, after="mask-rcnn"),
    goes_on(
        "one-shot-affinity",
        MERGED,
        *("model.settings.num_sieve_stages=1", "model.settings.num_affinities=8"),
        "run.epochs=4",
        after="single-shot",
    ),
    plain("densenet121"),
)
