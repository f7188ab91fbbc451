"""`ctsieve evaluate`: a bundle on labelled cases, as a report that a reviewer can check."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ctsieve.cli._progress import stages
from ctsieve.cli._tables import as_text

if TYPE_CHECKING:
    from ctsieve.pipeline.evaluation_job import Job


def run(
    bundle: Annotated[
        str, typer.Argument(help="Bundle name, folder or .ctsieve file; - with a score file.")
    ],
    data: Annotated[
        Path,
        typer.Argument(help="Score file, CSV of cases (case,patient,label,file), or collection."),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for report, figures and tables.")
    ] = None,
    datasets: Annotated[
        list[str] | None, typer.Option("--dataset", help="Of a collection; repeat for several.")
    ] = None,
    side: Annotated[
        str, typer.Option(help="Side of the split: tune, test, external; it stands on the report.")
    ] = "",
    config: Annotated[
        Path | None, typer.Option(help="Settings of the training run whose split to use.")
    ] = None,
    positive: Annotated[str, typer.Option(help="The label to be found.")] = "covid19",
    negative: Annotated[
        list[str] | None, typer.Option(help="Count this unknown label as negative; repeatable.")
    ] = None,
    prevalence: Annotated[
        list[float] | None, typer.Option(help="PPV and NPV at this share of ill; repeatable.")
    ] = None,
    protocol: Annotated[
        str | None,
        typer.Option(help="A paper's tables: one-shot, att2, lstm-att2, series, la-dnn."),
    ] = None,
    faithfulness: Annotated[
        int, typer.Option(min=0, help="Test the explanations of this many cases.")
    ] = 0,
    parquet: Annotated[bool, typer.Option("--parquet", help="Scores as Parquet.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print report.json.")] = False,
    threads: Annotated[int | None, typer.Option(min=1, help="Processor threads.")] = None,
) -> None:
    """Score labelled cases with a bundle and report how good the answers are.

    Exit codes: 0 reported, 3 the cases or scores are unfit, 4 the bundle is missing or damaged.
    """
    from ctsieve.pipeline.evaluation_files import Options
    from ctsieve.pipeline.evaluation_job import Job, evaluate_job, protocol_tables
    from ctsieve.types.errors import UsageError

    if out is None and not json and protocol is None:
        raise UsageError("say where the report goes", hint="add --out FOLDER, or --json")
    job = Job(
        bundle=bundle,
        data=data,
        datasets=tuple(datasets or ()),
        side=side,
        config=config,
        threads=threads,
        faithfulness=faithfulness,
    )
    options = Options(
        positive=positive,
        negative=tuple(negative or ()),
        prevalences=tuple(prevalence or ()) or Options().prevalences,
        scores_name="scores.parquet" if parquet else "scores.csv",
    )
    with stages() as stage:
        if protocol is not None:
            tables = protocol_tables(job, protocol, out, progress=stage("Scoring"))
            texts = [as_text(table) for table in tables]
        else:
            result = evaluate_job(job, options, out, progress=stage("Scoring"))
            texts = [result.json if json else _summary(result.lines)]
    typer.echo("\n\n".join(texts))
    if out is not None and not json:
        typer.echo(out / "report.html" if protocol is None else out)


def _summary(lines: tuple[str, ...]) -> str:
    return "\n".join(lines)
