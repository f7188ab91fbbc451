"""`ctsieve calibrate`: make probabilities and cut fit one's own patients, on tune data only."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from ctsieve.cli._tables import as_text


def run(
    bundle: Annotated[str, typer.Argument(help="Bundle name, folder or .ctsieve file.")],
    scores: Annotated[Path, typer.Argument(help="Its score file, of `evaluate ... --side tune`.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for the recalibrated bundle.")
    ] = None,
    method: Annotated[
        Literal["platt", "temperature", "isotonic"], typer.Option(help="How to calibrate.")
    ] = "platt",
    criterion: Annotated[
        str, typer.Option(help="The cut: youden, sensitivity>=0.95 or specificity>=0.95.")
    ] = "youden",
    level: Annotated[
        Literal["slice", "scan"], typer.Option(help="Pictures and slices, or whole scans.")
    ] = "slice",
    positive: Annotated[str, typer.Option(help="The label to calibrate.")] = "covid19",
    negative: Annotated[
        list[str] | None, typer.Option(help="Count this unknown label as negative; repeatable.")
    ] = None,
) -> None:
    """Compare calibrations, choose a cut, and write a bundle with them.

    Exit codes: 0 done, 3 the scores are not the bundle's or not of tune cases.
    """
    from ctsieve.pipeline.recalibrate import Wish, recalibrate

    wish = Wish(
        method=method,
        criterion=criterion,
        level=level,
        positive=positive,
        negative=tuple(negative or ()),
    )
    tables = recalibrate(bundle, scores, wish=wish, out=out)
    typer.echo("\n\n".join(as_text(table) for table in tables))
    if out is not None:
        typer.echo(out)
