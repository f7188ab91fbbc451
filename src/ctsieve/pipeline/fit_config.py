"""What a training run is made of: one TOML file, checked, with single values overridden by name."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from ctsieve.pipeline.dealing import Dealing
from ctsieve.pipeline.settings import checked, read_settings
from ctsieve.types.recipe import InputSpec, SliceRule, WindowSpec

Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
NotNegative = Annotated[float, Field(ge=0.0)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DataConfig(Dealing):
    """Which cases, and on which side."""

    shares: dict[str, NotNegative]
    """How often each site is drawn in training, in proportion."""
    calibrate_on: tuple[str, ...] = ()
    """Sites whose tune cases calibration and threshold of single pictures come from; none: all."""
    paste: Share = 0.0
    """How often the lesions of a slice with a mask are shown on lungs of `paste_onto`."""
    paste_onto: tuple[str, ...] = ()
    """Sites."""


class ModelSection(_Section):
    """Which network, and what it starts from."""

    backbone: str = "mobilenet-v2"
    normalisation: Literal["imagenet", "tensorflow"] = "tensorflow"
    dropout: Share = 0.3
    initial: Literal["folded", "torchvision", "random"] = "folded"
    weights: str = "pretrained/mobilenet_v2_imagenet_tf.npz"
    """For "folded": the file, under the data folder."""


class OptimiserConfig(_Section):
    """How weights change."""

    learning_rate: Annotated[float, Field(gt=0.0)] = 4e-4
    head_factor: NotNegative = 3.0
    weight_decay: NotNegative = 0.02
    warmup: Annotated[int, Field(ge=0)] = 30
    average: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.99
    frozen_blocks: Annotated[int, Field(ge=0)] = 4
    mixup: NotNegative = 0.2
    smoothing: Annotated[float, Field(ge=0.0, lt=0.5)] = 0.03
    lesion_weight: NotNegative = 1.0
    """Factor of the lesion terms; 0 trains the COVID-19 output alone."""


class Stage(_Section):
    """Some epochs at one size."""

    size: Count
    epochs: Count


class RunConfig(_Section):
    """How long, how large, how exactly."""

    seed: int = 0
    stages: tuple[Stage, ...]
    steps_per_epoch: Count = 20
    batch_size: Count = 32
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    accelerator: str = "cpu"
    channels_last: bool = False
    validate_every: Count = 1
    """Epochs."""
    patience: Count = 1000
    """Validations without a lower tune cross-entropy before the run stops."""
    folds: Count = 1
    """Above 1: as many networks, each trained without its fold of the patients and measured on it;
    the graph averages their outputs.  1: one network, measured on the tune side."""


class BundleConfig(_Section):
    """What comes out."""

    name: str
    version: str
    slice_rule: SliceRule = SliceRule()
    quantise: bool = True
    """Also write an 8-bit graph, if it is as good on the tune side."""
    half: bool = False
    """Keep large weights in 16 bits: half the size; arithmetic stays in 32 bits."""
    scan_uncertain: tuple[Share, Share] | None = None
    """Probabilities of a scan strictly between these get no call."""


class FitConfig(_Section):
    """A whole training run.

    Example:
        >>> FitConfig.load(Path("configs/la-dnn-default.toml"), ["run.seed=3"]).run.seed
        3
    """

    data: DataConfig
    input: InputSpec = InputSpec()
    windows: tuple[WindowSpec, ...] = (WindowSpec(centre=-600.0, width=1500.0),)
    """Windows under which training sees images in Hounsfield units."""
    cache_size: Count = 256
    """Rows and columns of cached training images."""
    model: ModelSection = ModelSection()
    optimiser: OptimiserConfig = OptimiserConfig()
    run: RunConfig
    bundle: BundleConfig

    @classmethod
    def load(cls, path: Path, overrides: Sequence[str] = ()) -> Self:
        """Read a TOML file; each override is `section.key=value`, the value as TOML or as text.

        Raises:
            UsageError: the file is no TOML, or a key or value does not fit.
        """
        return checked(cls, read_settings(path, overrides))
