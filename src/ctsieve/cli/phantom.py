"""`ctsieve phantom`: make a synthetic chest CT whose truth is known."""

from pathlib import Path
from typing import Annotated

import typer


def run(
    out: Annotated[Path, typer.Argument(help="New folder, or a new .nii.gz file for NIfTI.")],
    kind: Annotated[str, typer.Option(help="normal, covid, pneumonia, early or focal.")] = "covid",
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes the same patient.")] = 0,
    form: Annotated[str, typer.Option("--format", help="dicom, nifti or png.")] = "dicom",
    habit: Annotated[
        str, typer.Option(help="How a scanner or archive writes DICOM: plain, tilt, ...")
    ] = "plain",
    slices: Annotated[int, typer.Option(min=1, max=2000, help="Number of slices.")] = 60,
    matrix: Annotated[int, typer.Option(min=16, max=2048, help="Rows and columns.")] = 512,
) -> None:
    """Make a synthetic chest CT with known lesions: for demonstrations, teaching and tests."""
    from ctsieve.pipeline.phantom import make_study

    size = (slices, matrix)
    truth = make_study(out, kind=kind, seed=seed, form=form, habit=habit, size=size)
    for lesion in truth:
        first, last = lesion.slices[0] + 1, lesion.slices[-1] + 1
        typer.echo(
            f"{lesion.kind} {lesion.ml:.1f} ml in {lesion.lobe}, slices {first} to {last}", err=True
        )
    typer.echo(out)
