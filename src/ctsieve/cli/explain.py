"""`ctsieve explain`: why a bundle answers as it does on one study, as pictures."""

from pathlib import Path
from typing import Annotated

import typer

from ctsieve.cli._progress import stages


def run(
    study: Annotated[
        Path, typer.Argument(help="DICOM folder or file, zip or tar, NIfTI, picture(s).")
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for the pictures; made if absent.")
    ],
    method: Annotated[
        str | None,
        typer.Option(
            "--method",
            "-m",
            help="attention, gradcam, lesions, occlusion, otsu or slice-scores; "
            "what the bundle itself shows if left out.",
        ),
    ] = None,
    bundle: Annotated[
        str | None, typer.Option(help="Bundle name, folder or .ctsieve file.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Hide what the method calls hot, and ask again.")
    ] = False,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Processor threads; all of them by default.")
    ] = None,
) -> None:
    """Screen one study and show why, by the method of your choice.

    Writes `summary.png` and a picture of every slice that decided.  `--check` says how far the
    score falls without the hottest tenth of every slice, and without a random tenth: a map that is
    no better than chance explains nothing.
    """
    from ctsieve.pipeline.explain import explain, method_for
    from ctsieve.pipeline.screen import Screener
    from ctsieve.pipeline.write import write
    from ctsieve.readers import read_study
    from ctsieve.types.errors import InputRejected

    with stages() as stage:
        stage("Checking the bundle")
        screener = Screener.load(bundle, threads=threads)
        method = method_for(screener, method)
        stage("Reading the study")
        image = read_study(study, workers=threads)
        told = explain(image, screener, method, check=check, progress=stage("Judging slices"))
        if told.screening.gate.verdict == "rejected":
            codes = ", ".join(told.screening.gate.reasons)
            raise InputRejected(f"rejected by the gate: {codes}", hint="see `ctsieve gate`")
        stage("Writing")
        paths = write(told.screening, out, ["png"])
    shown, fall = told.screening.explanation, told.faithfulness
    if shown is not None:
        typer.echo(f"{shown.method} of {shown.label}, unscaled peak {shown.peak:.4g}", err=True)
    if fall is not None:
        typer.echo(
            f"without the hottest {fall.share:.0%} of every slice the logit falls by "
            f"{fall.hottest:.3f}, without a random {fall.share:.0%} by {fall.random:.3f}",
            err=True,
        )
    for path in paths:
        typer.echo(path)
