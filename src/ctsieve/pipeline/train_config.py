"""What a training run of any family is made of: one TOML file, checked.

The sections `data`, `model`, `optimiser` and `run` are alike for all families; `task` is what the
family's own way to learn asks for (`ctsieve.learning.tasks`), `model.settings` what its
architecture does.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ctsieve.learning.loop import OptimiserSettings
from ctsieve.pipeline.dealing import Dealing
from ctsieve.pipeline.settings import checked, read_settings
from ctsieve.types.recipe import InputSpec, SliceRule, WindowSpec

Count = Annotated[int, Field(ge=1)]
NoneOrMore = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DataSection(Dealing):
    """Which cases, and on which side."""

    kinds: tuple[Literal["picture", "slice", "volume"], ...]
    """Kinds of cases that are taken: single slices, or whole scans."""
    labels: Annotated[tuple[str, ...], Field(min_length=1)]
    """Order of the logits; one label alone is told from everything else."""
    folds: Count = 1
    """Above 1: patients are dealt into as many folds, and `fold` is the tune side."""
    fold: Count = 1
    slices: Literal["all", "lungs"] = "lungs"
    """Which slices of a scan: all, or those that show lungs, as in screening."""
    box: bool = False
    """Cut along the publisher's box where a case has one, instead of by `input.crop`."""

    @model_validator(mode="after")
    def _fold_exists(self) -> Self:
        if self.fold > self.folds:
            raise ValueError(f"fold {self.fold} of {self.folds}")
        return self


class ModelSection(_Section):
    """Which network, and what it starts from."""

    name: str
    preset: Literal["paper", "fixed"] = "paper"
    settings: dict[str, Any] = {}
    """Fields of the architecture's configuration; sections for what it is made of."""
    initial: Literal["torchvision", "random"] = "torchvision"
    start: str = ""
    """Run folder, or its weights.safetensors, that tensors of the same name are taken from."""
    start_prefix: str = ""
    """Put before the names of that file, such as "embeddings."."""


class RunSection(_Section):
    """How long, how large, how exactly."""

    epochs: Count
    steps_per_epoch: NoneOrMore = 0
    """0: as many as see every training case once."""
    batch_size: Count
    piece_size: NoneOrMore = 0
    """Cases whose gradients are computed at once; 0: the whole batch."""
    patience: NoneOrMore = 0
    """Validations without a better criterion before the run stops; 0: it never does."""
    min_delta: Annotated[float, Field(ge=0.0)] = 0.0
    """What counts as better."""
    criterion: str = ""
    """Figure of the tune side that chooses the weights; "": the task's own."""
    better: Literal["min", "max"] = "min"
    """Which way, for a `criterion` of one's own."""
    validate_every: Count = 1
    """Epochs."""
    seed: NoneOrMore = 0
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    accelerator: str = "auto"
    channels_last: bool = False
    compile: bool = False
    workers: NoneOrMore = 0
    """Processes that make batches; 0: the training process itself."""
    prepare_workers: Count = 1
    """Processes that decode images."""
    mlflow: str = ""
    """Tracking address of MLflow; "": none."""

    @property
    def pieces(self) -> int:
        """Cases of a piece."""
        return self.piece_size or self.batch_size

    @model_validator(mode="after")
    def _whole_pieces(self) -> Self:
        if self.batch_size % self.pieces:
            raise ValueError(f"batch_size {self.batch_size} is no multiple of {self.pieces}")
        return self


class BundleSection(_Section):
    """What the run ends in."""

    name: str = ""
    """"": the model's."""
    version: str = "1.0.0"
    slice_rule: SliceRule = SliceRule()
    """How a network of slices answers for a scan."""
    kinds: tuple[str, ...] = ()
    """Names of the kinds of object that a detector tells apart; (): those of its paper."""


class TrainConfig(_Section):
    """A whole training run.

    Example:
        >>> config = TrainConfig.load(Path("configs/resnet50-att2.toml"), ["run.seed=3"])
        >>> config.model.name, config.run.seed
        ('resnet50-att2', 3)
    """

    data: DataSection
    input: InputSpec = InputSpec()
    windows: Annotated[tuple[WindowSpec, ...], Field(min_length=1)] = (InputSpec().window,)
    """Windows under which training sees images in Hounsfield units."""
    cache_size: NoneOrMore = 0
    """Rows and columns that augmentation cuts from; 0: those of the network."""
    model: ModelSection
    task: dict[str, Any] = {}
    optimiser: OptimiserSettings = OptimiserSettings()
    run: RunSection
    bundle: BundleSection = BundleSection()

    @classmethod
    def load(cls, path: Path, overrides: Sequence[str] = ()) -> Self:
        """Read a TOML file; each override is `section.key=value`.

        Raises:
            UsageError: the file is no TOML, or a key or value does not fit.
        """
        return checked(cls, read_settings(path, overrides))

    @property
    def bundle_name(self) -> str:
        """Of the bundle and its folder."""
        return self.bundle.name or self.model.name

    @property
    def digest(self) -> str:
        """SHA-256 of all settings."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()
