"""A TOML file becomes a run; one without `model.name` makes a bundle like the default one."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ctsieve.pipeline.fit import fit
from ctsieve.pipeline.fit_config import FitConfig
from ctsieve.pipeline.launch import ONE, Machines, rank
from ctsieve.pipeline.settings import checked, read_settings
from ctsieve.pipeline.train import train
from ctsieve.pipeline.train_config import TrainConfig
from ctsieve.pipeline.trained_bundle import bundle_run
from ctsieve.types.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What is said beside the settings."""

    data: Path
    resume: bool = False
    progress: bool = False
    machines: Machines = ONE


class Recipe(Protocol):
    """Settings of a run that know how to run themselves."""

    def show(self) -> str:
        """All settings, as JSON."""
        ...

    def run(self, out: Path, options: RunOptions) -> Path:
        """Train; returns what came out."""
        ...


@dataclass(frozen=True, slots=True)
class DefaultRecipe:
    """A bundle like the default one: LA-DNN of many sources (`ctsieve.pipeline.fit`)."""

    config: FitConfig

    def show(self) -> str:
        """All settings, as JSON."""
        return self.config.model_dump_json(indent=1)

    def run(self, out: Path, options: RunOptions) -> Path:
        """Train; returns the bundle's folder.

        Raises:
            UsageError: several processes are asked for.
        """
        if options.machines.processes > 1:
            raise UsageError(
                "a default bundle is trained on one device", hint="leave out --devices and --nodes"
            )
        return fit(
            self.config,
            out,
            data=options.data,
            resume=options.resume,
            progress=options.progress,
        )


@dataclass(frozen=True, slots=True)
class TrainRecipe:
    """A paper's experiment (`ctsieve.pipeline.train`), made a bundle by what it is."""

    config: TrainConfig

    def show(self) -> str:
        """All settings, as JSON."""
        return self.config.model_dump_json(indent=1)

    def run(self, out: Path, options: RunOptions) -> Path:
        """Train; returns the bundle's folder, or in other processes than the first the weights."""
        weights = train(
            self.config,
            out,
            data=options.data,
            resume=options.resume,
            progress=options.progress,
            machines=options.machines,
        )
        return bundle_run(out, data=options.data) if rank() == 0 else weights


def read_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe of a TOML file.

    Raises:
        UsageError: the file is no TOML, or a key or value does not fit.
    """
    values = read_settings(path, overrides)
    if "name" in values.get("model", {}):
        return TrainRecipe(checked(TrainConfig, values))
    return DefaultRecipe(checked(FitConfig, values))
