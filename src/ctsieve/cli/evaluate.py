"""`ctsieve evaluate`: a bundle on labelled cases, as a report that a reviewer can check."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ctsieve.cli._progress import stages
from ctsieve.cli._tables import as_text

if TYPE_CHECKING:
    from ctsieve.evaluation.page import Page


def run(
    bundle: Annotated[
        str | None, typer.Argument(help="Bundle name, folder or .ctsieve file; - with scores.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Argument(
            help="CSV of cases (case,patient,label,file), collection, or score file; without it "
            "the bundle's own held-out scores."
        ),
    ] = None,
    scores: Annotated[
        Path | None, typer.Option(help="Score or lesions file, whatever bundle it is of.")
    ] = None,
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
    split: Annotated[
        Path | None, typer.Option(help="Split file of `data split`, in place of settings.")
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(help="Collection or CSV that the scores' cases lie in: shows wrong calls."),
    ] = None,
    audit: Annotated[
        Path | None, typer.Option(help="audit.json of `data audit`, to be stamped on the report.")
    ] = None,
    positive: Annotated[str, typer.Option(help="The label to be found.")] = "covid19",
    negative: Annotated[
        list[str] | None, typer.Option(help="Count this unknown label as negative; repeatable.")
    ] = None,
    mask_value: Annotated[
        list[str] | None,
        typer.Option(help="What a value of the masks draws, such as 1=ggo; repeatable."),
    ] = None,
    prevalence: Annotated[
        list[float] | None, typer.Option(help="PPV and NPV at this share of ill; repeatable.")
    ] = None,
    partial_auc: Annotated[
        list[str] | None,
        typer.Option(help="Part of the ROC curve: fpr=0-0.1, sensitivity=0.9-1; repeatable."),
    ] = None,
    protocol: Annotated[
        str | None,
        typer.Option(help="A paper's tables: one-shot, att2, lstm-att2, series, la-dnn."),
    ] = None,
    baseline: Annotated[
        Path | None, typer.Option(help="Scores of a baseline, for la-dnn's curves.")
    ] = None,
    faithfulness: Annotated[
        int, typer.Option(min=0, help="Test the explanations of this many cases.")
    ] = 0,
    parquet: Annotated[bool, typer.Option("--parquet", help="Scores as Parquet.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print report.json.")] = False,
    threads: Annotated[int | None, typer.Option(min=1, help="Processor threads.")] = None,
) -> None:
    """Report how good a bundle's answers are: on labelled cases, or on its own held-out scores.

    Exit codes: 0 reported, 3 the cases or scores are unfit, 4 the bundle is missing or damaged.
    """
    from ctsieve.bundles.store import DEFAULT
    from ctsieve.evaluation.partial_auc import Part
    from ctsieve.pipeline.evaluation_files import Options, to_json, write_protocol
    from ctsieve.pipeline.evaluation_job import NO_BUNDLE, Job, evaluate_job, protocol_job
    from ctsieve.types.errors import UsageError

    if out is None and not json and protocol is None:
        raise UsageError("say where the report goes", hint="add --out FOLDER, or --json")
    if scores is not None and data is not None:
        raise UsageError("--scores takes the place of DATA", hint="give one of both")
    job = Job(
        bundle=bundle or (DEFAULT if scores is None else NO_BUNDLE),
        data=scores or data,
        datasets=tuple(datasets or ()),
        side=side,
        config=config,
        split=split,
        audit=audit,
        images=images,
        threads=threads,
        faithfulness=faithfulness,
        mask_values=_mask_values(mask_value or ()),
    )
    if protocol is not None:
        with stages() as stage:
            tables, charts = protocol_job(job, protocol, baseline, progress=stage("Scoring"))
        typer.echo("\n\n".join(as_text(table) for table in tables))
        for path in write_protocol(tables, charts, out) if out is not None else ():
            typer.echo(path)
        return
    options = Options(
        positive=positive,
        negative=tuple(negative or ()),
        prevalences=tuple(prevalence or ()) or Options().prevalences,
        parts=tuple(Part.parse(text) for text in partial_auc or ()) or Options().parts,
        scores_name="scores.parquet" if parquet else "scores.csv",
    )
    with stages() as stage:
        page = evaluate_job(job, options, out, progress=stage("Scoring"))
    if json:
        typer.echo(to_json(page))
        return
    typer.echo(_summary(page), err=True)
    typer.echo(f"{out}/report.html")


def _mask_values(given: Iterable[str]) -> dict[int, str]:
    """`1=ggo` as {1: "ggo"}."""
    from ctsieve.types.errors import UsageError

    found = {}
    for text in given:
        value, _, kind = text.partition("=")
        if not (value.isdigit() and 0 < int(value) < 256 and kind.strip()):
            raise UsageError(f"{text!r} is no value of a mask", hint="say 1=ggo: 1 to 255, a kind")
        found[int(value)] = kind.strip()
    return found


def _summary(page: "Page") -> str:
    """The verdict in a few lines, for people."""
    verdict = page.verdict
    lines = [f"{verdict.title}.", verdict.detail, *(f"  - {doubt}" for doubt in verdict.doubts)]
    if page.lesions is not None:
        if page.lesions.sentence not in verdict.detail:
            lines.append(f"Lesions: {page.lesions.sentence}")
        lines += [as_text(table) for table in page.lesions.tables]
    return "\n".join([*lines, page.summary.report.notice])
