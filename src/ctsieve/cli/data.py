"""`ctsieve data`: list, show, walk, prepare, split and audit data sets."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="List, show, walk, prepare, split and audit data sets.", no_args_is_help=True
)
Names = Annotated[
    list[str], typer.Argument(help="Data sets, or variants as in covidx-ct/2A.", metavar="NAME...")
]
Root = Annotated[
    Path,
    typer.Option("--data", help="Folder of the data; for `folder` its CSV.", envvar="CTSIEVE_DATA"),
]
ROOT = Path("../shared/data")
AsJson = Annotated[bool, typer.Option("--json", help="Print as JSON.")]
Published = Annotated[
    str, typer.Option(help="Take a published split by name; see `ctsieve data show`.")
]
Workers = Annotated[
    int | None, typer.Option(min=1, help="Processes that read; as many as there are cores.")
]


@app.command(name="list")
def list_(json: AsJson = False) -> None:
    """Print the data sets that can be read, with their titles."""
    from ctsieve.datasets import DATASETS

    if json:
        from json import dumps

        typer.echo(dumps({name: DATASETS[name].title for name in DATASETS}))
        return
    for name in DATASETS:
        typer.echo(f"{name:<20} {DATASETS[name].title}")


@app.command()
def show(name: Annotated[str, typer.Argument(help="Data set, or variant.")]) -> None:
    """Print a data set's card: source, licence, counts, splits, variants, traps."""
    from ctsieve.datasets import dataset

    card = dataset(name)
    typer.echo(card.title)
    for word, value in (
        ("source", card.source),
        ("licence", card.licence),
        ("citation", card.citation),
        ("labels", ", ".join(card.labels)),
        ("lesions", ", ".join(card.lesions)),
        ("expected", card.expected),
        ("variants", ", ".join(f"{name}/{variant}" for variant in card.variants)),
    ):
        if value:
            typer.echo(f"{word + ':':<10} {value}")
    for split, known in card.splits.items():
        leaks = f" (leaks: {known.leaks})" if known.leaks else ""
        typer.echo(f"{'split:':<10} {split}: {known.title}{leaks}")
    for trap in card.traps:
        typer.echo(f"{'trap:':<10} {trap}")


@app.command()
def walk(names: Names, data: Root = ROOT, json: AsJson = False) -> None:
    """Count the cases of a copy, opening no image; with --json, one case a line."""
    from ctsieve.datasets import shortfalls
    from ctsieve.evaluation.tally import tally
    from ctsieve.pipeline.data import open_data, sides_of

    opened = open_data(names, data)
    if json:
        from pydantic import TypeAdapter

        from ctsieve.types.cases import Case

        as_json = TypeAdapter(Case)
        for case in opened.all_cases:
            typer.echo(as_json.dump_json(case).decode())
        return
    divided = sides_of(opened)
    for row in tally({**divided.sides, "": divided.others}):
        words = "  ".join(filter(None, (row.side, row.site, row.label, row.sex, row.age)))
        typer.echo(f"{row.cases:>8} cases {row.patients:>6} patients  {words}")
    for name, card in opened.cards.items():
        for finding in shortfalls(card, opened.cases[name]):
            typer.echo(f"{name}: {finding.sentence}", err=True)


@app.command()
def prepare(
    names: Names,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder of shards; an unfinished one is gone on.")
    ],
    data: Root = ROOT,
    size: Annotated[int, typer.Option(min=8, help="Rows and columns.")] = 256,
    crop: Annotated[str, typer.Option(help="whole, body or lungs.")] = "lungs",
    margin: Annotated[float, typer.Option(min=0, max=1, help="Border around the crop.")] = 0.0,
    window: Annotated[
        list[str] | None,
        typer.Option(help="CENTRE,WIDTH in HU; repeat for several views of a scan."),
    ] = None,
    slices: Annotated[str, typer.Option(help="Of a scan: all, or lungs.")] = "all",
    box: Annotated[bool, typer.Option("--box", help="Cut along the publisher's boxes.")] = False,
    skip_unreadable: Annotated[
        bool, typer.Option("--skip-unreadable", help="Leave unreadable cases out, and say so.")
    ] = False,
    workers: Workers = None,
) -> None:
    """Decode, crop and resize every image once, into shards that training maps.

    Killed or out of disk, the same command goes on where it stopped.
    """
    from ctsieve.cli._progress import stages
    from ctsieve.learning.prepare import PrepareRun, prepare_cases
    from ctsieve.pipeline.data import open_data
    from ctsieve.pipeline.prepare_settings import prepare_settings
    from ctsieve.types.errors import BatchPartlyFailed

    settings = prepare_settings(
        size=size, crop=crop, margin=margin, windows=window or [], slices=slices, box=box
    )
    opened = open_data(names, data)
    run = PrepareRun(
        data="+".join(opened.names), root=data, workers=workers, skip_unreadable=skip_unreadable
    )
    with stages() as stage:
        manifest = prepare_cases(
            opened.all_cases, out, settings, run=run, progress=stage("preparing")
        )
    views = sum(shard.views for shard in manifest.shards)
    typer.echo(f"{out}: {views} views in {len(manifest.shards)} shards, {manifest.digest}")
    bad = [r for shard in manifest.shards for r in shard.cases if r.unreadable]
    for record in bad:
        typer.echo(f"left out {record.case['id']}: {record.unreadable}", err=True)
    if bad:
        raise BatchPartlyFailed(f"{len(bad)} cases could not be read and were left out")


@app.command()
def split(
    names: Names,
    out: Annotated[Path, typer.Option("--out", "-o", help="The split file to write (.json).")],
    data: Root = ROOT,
    published: Published = "",
    folds: Annotated[int, typer.Option(min=0, help="Deal this many folds.")] = 0,
    shares: Annotated[
        str, typer.Option(help="Sides and their shares.")
    ] = "train=0.7,tune=0.15,test=0.15",
    seed: Annotated[int, typer.Option(help="Another number deals otherwise.")] = 0,
    copies_together: Annotated[
        bool, typer.Option("--copies-together", help="Keep copies of a picture on one side.")
    ] = False,
    accept_leakage: Annotated[
        bool, typer.Option("--accept-leakage", help="Write a split that leaks, and say so in it.")
    ] = False,
    workers: Workers = None,
) -> None:
    """Divide cases by patient and paper, every label and source in proportion."""
    from ctsieve.cli._progress import stages
    from ctsieve.pipeline.data import open_data
    from ctsieve.pipeline.prepare_settings import shares_of
    from ctsieve.pipeline.split import SplitPlan, make_split

    plan = SplitPlan(
        published=published,
        folds=folds,
        shares=shares_of(shares),
        seed=seed,
        copies_together=copies_together,
        accept_leakage=accept_leakage,
        workers=workers,
    )
    with stages() as stage:
        made = make_split(open_data(names, data), out, plan, progress=stage("looking"))
    for side, own in made.sides.items():
        typer.echo(f"{side}: {len(own)} cases")
    for sentence in made.leakage:
        typer.echo(f"leak accepted: {sentence}", err=True)
    typer.echo(f"{out} {made.digest}")


@app.command()
def audit(
    names: Names,
    data: Root = ROOT,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for audit.html and audit.json.")
    ] = Path("audit"),
    split: Annotated[
        Path | None, typer.Option(help="Audit the sides of this split file.", exists=True)
    ] = None,
    published: Published = "",
    lesions: Annotated[
        str, typer.Option(help="Lesion names a model expects, as in GGO,Csld; else the card's.")
    ] = "",
    fail_on: Annotated[
        str, typer.Option(help="Exit with 3 on a finding this grave: leak, trap or never.")
    ] = "leak",
    json: Annotated[bool, typer.Option("--json", help="Print the JSON too.")] = False,
    workers: Workers = None,
) -> None:
    """Look for leaks between sides and for facts that tell the label but are no disease.

    Exit code 0: nothing as grave as --fail-on; 3: there is, and it is named.
    """
    from ctsieve.cli._progress import stages
    from ctsieve.pipeline.audit_files import AuditRequest, run_audit

    request = AuditRequest(
        names=tuple(names),
        root=data,
        split=split,
        published=published,
        lesions=tuple(word.strip() for word in lesions.split(",") if word.strip()),
        fail_on=fail_on,
        workers=workers,
    )
    with stages() as stage:
        done = run_audit(request, out, progress=stage("looking"))
    for finding in done.report.findings:
        typer.echo(f"{finding.gravity}: {finding.sentence}", err=json)
    typer.echo("\n".join(map(str, done.files)), err=json)
    if json:
        typer.echo(done.as_json)
    done.check()
