"""`ctsieve fit`: train a model from a TOML file."""

import sys
from pathlib import Path
from typing import Annotated

import typer


def run(
    config: Annotated[Path, typer.Argument(help="A TOML file, such as those under configs/.")],
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
    split: Annotated[
        Path | None, typer.Option(help="Train on the sides of this file of `ctsieve data split`.")
    ] = None,
    accept_leakage: Annotated[
        bool,
        typer.Option("--accept-leakage", help="Train although sides overlap; results say so."),
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the run folder's last checkpoint.")
    ] = False,
    devices: Annotated[int, typer.Option(help="Processes on each machine.")] = 1,
    nodes: Annotated[int, typer.Option(help="Machines.")] = 1,
    show: Annotated[
        bool, typer.Option("--show", help="Print the resulting settings and stop.")
    ] = False,
) -> None:
    """Train a model and make its best weights a bundle (needs the train extra)."""
    from ctsieve.types.errors import MissingExtra

    try:
        from ctsieve.pipeline.experiment import RunOptions, read_recipe
        from ctsieve.pipeline.launch import Machines, is_launched, launch, rank
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"training needs {error.name}, which is not installed",
            hint="pip install 'ctsieve[train]'",
        ) from error
    chosen = [*(settings or ()), *_split_settings(split, accept_leakage=accept_leakage)]
    recipe = read_recipe(config, chosen)
    machines = Machines(devices=devices, nodes=nodes)
    if show:
        typer.echo(recipe.show())
    elif machines.processes > 1 and not is_launched():
        launch(sys.argv[1:], machines, out=out)
    else:
        progress = sys.stderr.isatty() and rank() == 0
        options = RunOptions(data=data, resume=resume, progress=progress, machines=machines)
        made = recipe.run(out, options)
        if rank() == 0:
            typer.echo(made)


def _split_settings(split: Path | None, *, accept_leakage: bool) -> list[str]:
    """The two options as settings, so that the run folder records them."""
    from json import dumps

    given = [f"data.split={dumps(str(split))}"] if split is not None else []
    return [*given, "data.accept_leakage=true"] if accept_leakage else given
