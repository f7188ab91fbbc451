"""`ctsieve screen`: one study in, the answer with its evidence out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ctsieve.cli._progress import stages

if TYPE_CHECKING:
    from ctsieve.types.results import Screening


def run(
    study: Annotated[
        Path, typer.Argument(help="DICOM folder or file, zip or tar, NIfTI, picture(s).")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for the results; made if absent.")
    ] = None,
    bundle: Annotated[
        str | None, typer.Option(help="Bundle name, folder or .ctsieve file.")
    ] = None,
    formats: Annotated[
        list[str] | None,
        typer.Option("--format", "-f", help="Several with commas; see `info`."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Processor threads; all of them by default.")
    ] = None,
) -> None:
    """Screen one study and write the result.

    Exit codes: 0 judged (an abstention counts), 3 the input is unreadable or the gate rejected it,
    4 the bundle is missing or damaged.
    """
    from ctsieve.pipeline.names import FORMATS
    from ctsieve.pipeline.screen import Screener
    from ctsieve.pipeline.write import DEFAULT_FORMATS, check_formats, write
    from ctsieve.readers import read_study
    from ctsieve.types.errors import UsageError
    from ctsieve.writers.json import to_json

    if out is None and not json:
        raise UsageError("say where the results go", hint="add --out FOLDER, or --json")
    if out is not None and out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file", hint="give a folder, or the name of a new one")
    # A misspelt format should not cost the time of a screening.
    for name in _names(formats):
        FORMATS[name]
    with stages() as stage:
        stage("Checking the bundle")
        screener = Screener.load(bundle, threads=threads)
        stage("Reading the study")
        image = read_study(study, workers=threads)
        check_formats(image, _names(formats))
        screening = screener.screen(image, progress=stage("Judging slices"))
        stage("Writing")
        paths = write(screening, out, _names(formats) or DEFAULT_FORMATS) if out else []
    if json:
        typer.echo(to_json(screening))
    else:
        typer.echo(_summary(screening), err=True)
        for path in paths:
            typer.echo(path)
    if screening.gate.verdict == "rejected":
        raise _refusal(screening)


def _names(formats: list[str] | None) -> list[str]:
    """The names in a list whose entries may hold several, parted by commas."""
    parts = (part.strip() for entry in formats or [] for part in entry.split(","))
    return [part for part in parts if part]


HINTS = {
    "single-slice": "give the whole series, or export the slice as a picture",
    "not-ct": "give the CT series of the study",
    "not-hu": "give the original DICOM series, not a converted copy",
}
NO_HINT = "give an axial CT series of the whole chest"


def _refusal(screening: "Screening") -> Exception:
    """What the gate found, as the error that ends the command."""
    from ctsieve.types.errors import InputRejected

    first = next(f for f in screening.gate.findings if f.severity == "rejection")
    hint = HINTS.get(first.code, NO_HINT)
    return InputRejected(f"rejected by the gate: {first.code}: {first.sentence}", hint=hint)


def _summary(screening: "Screening") -> str:
    """The answer in a few lines, for people."""
    prediction = screening.prediction
    lines = [f"gate: {screening.gate.verdict.replace('_', ' ')}"]
    lines += [f"  - {f.code}: {f.sentence}" for f in screening.gate.findings]
    for label, value in prediction.probability.items():
        threshold = prediction.threshold[label]
        side = "at or above" if value >= threshold else "below"
        lines.append(f"{label}: {value:.3f} ({side} its threshold {threshold:.3f})")
    if prediction.probability and not prediction.calibrated:
        lines.append("not calibrated: the numbers are the network's own, no shares of patients")
    if prediction.abstained is not None:
        lines.append(f"no call: {prediction.abstained}")
    if screening.top_slices:
        numbers = ", ".join(str(s + 1) for s in screening.top_slices)
        lines.append(f"slices that decided, counted from the head: {numbers}")
    lines.append(screening.notice)
    return "\n".join(lines)
