"""`ctsieve compare`: which of several bundles is better, and is the difference more than chance?"""

from pathlib import Path
from typing import Annotated, Literal

import typer

from ctsieve.cli._tables import as_text


def run(
    scores: Annotated[
        list[Path], typer.Argument(help="Score files that `evaluate` wrote, one per bundle.")
    ],
    positive: Annotated[str, typer.Option(help="The label to be found.")] = "covid19",
    negative: Annotated[
        list[str] | None, typer.Option(help="Count this unknown label as negative; repeatable.")
    ] = None,
    level: Annotated[
        Literal["slice", "scan", "patient"], typer.Option(help="What counts as a case.")
    ] = "patient",
    json: Annotated[bool, typer.Option("--json", help="Print the tables as JSON.")] = False,
) -> None:
    """Rank bundles on the same cases, with tests of the differences.

    Exit codes: 0 compared, 3 the files are not of the same cases.
    """
    import dataclasses
    import json as json_module

    from ctsieve.pipeline.compare_job import compare_job

    tables = compare_job(scores, positive=positive, negative=tuple(negative or ()), level=level)
    if json:
        typer.echo(json_module.dumps([dataclasses.asdict(table) for table in tables], indent=1))
    else:
        typer.echo("\n\n".join(as_text(table) for table in tables))
