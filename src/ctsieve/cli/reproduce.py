"""`ctsieve reproduce`: repeat a training run from its folder and compare."""

import sys
from pathlib import Path
from typing import Annotated

import typer


def run(
    folder: Annotated[Path, typer.Argument(help="The --out folder of a `ctsieve fit` that ended.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Where the repetition goes.")] = Path(
        "runs/again"
    ),
    data: Annotated[
        Path, typer.Option(help="Folder of the data collection.", envvar="CTSIEVE_DATA")
    ] = Path("../shared/data"),
) -> None:
    """Train again as a run folder says, and print what is the same and what is not."""
    from ctsieve.types.errors import MissingExtra

    try:
        from ctsieve.pipeline.reproduce import reproduce
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"training needs {error.name}, which is not installed",
            hint="pip install 'ctsieve[train]'",
        ) from error
    rows = reproduce(folder, out, data=data, progress=sys.stderr.isatty())
    for row in rows:
        verdict = "same" if row.same else f"{row.before} -> {row.now}"
        typer.echo(f"{row.what:24} {verdict}")
    if not rows[-1].same:
        raise typer.Exit(1)
