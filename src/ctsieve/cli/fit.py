"""`ctsieve fit`: train a model from a TOML file and make it a bundle."""

import sys
from pathlib import Path
from typing import Annotated

import typer


def run(
    config: Annotated[Path, typer.Argument(help="A TOML file, such as configs/la-dnn-*.toml.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Run folder: settings, logs, checkpoints, bundle.")
    ] = Path("runs/fit"),
    data: Annotated[
        Path,
        typer.Option(help="Folder of the data collection.", envvar="CTSIEVE_DATA"),
    ] = Path("../shared/data"),
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Override a value: optimiser.mixup=0.1")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the run folder's last checkpoint.")
    ] = False,
    show: Annotated[
        bool, typer.Option("--show", help="Print the resulting settings and stop.")
    ] = False,
) -> None:
    """Train a model, calibrate it on tune data, and write its bundle (needs the train extra)."""
    from ctsieve.types.errors import MissingExtra

    try:
        from ctsieve.pipeline.fit import fit
        from ctsieve.pipeline.fit_config import FitConfig
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"training needs {error.name}, which is not installed",
            hint="pip install 'ctsieve[train]'",
        ) from error
    chosen = FitConfig.load(config, settings or ())
    if show:
        typer.echo(chosen.model_dump_json(indent=1))
        return
    progress = sys.stderr.isatty()
    typer.echo(fit(chosen, out, data=data, resume=resume, progress=progress))
