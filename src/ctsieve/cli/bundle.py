"""`ctsieve bundle`: look at bundles, check them, bring them in."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Show, verify, import and pack bundles.", no_args_is_help=True)
Name = Annotated[
    str | None, typer.Argument(help="Name, folder or .ctsieve file; the default if left out.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print as JSON.")]


@app.command(name="list")
def list_() -> None:
    """Print the names of the bundles at hand."""
    from ctsieve.bundles import store

    for name in store.names():
        typer.echo(name)


@app.command()
def show(bundle: Name = None, json: AsJson = False) -> None:
    """Print a bundle's model card and recipe."""
    from ctsieve.bundles import store

    opened = store.find(bundle)
    if json:
        from json import dumps, loads

        facts = {
            "manifest": opened.manifest.model_dump(),
            "digest": opened.identity.digest,
            "recipe": loads(opened.recipe.model_dump_json()),
            "metadata": loads(opened.text("metadata.json")),
        }
        typer.echo(dumps(facts))
        return
    typer.echo(opened.text("MODEL_CARD.md").rstrip())
    typer.echo(f"\nbundle {opened.manifest.name} {opened.manifest.version}")
    typer.echo(f"digest {opened.identity.digest}")
    for name, member in opened.manifest.members.items():
        typer.echo(f"  {member.sha256[:12]}  {member.bytes:>9}  {name}")


@app.command()
def verify(bundle: Name = None, json: AsJson = False) -> None:
    """Check every SHA-256, then run the golden inputs and compare the outputs."""
    from ctsieve.bundles import store
    from ctsieve.bundles.verify import verify as verify_bundle
    from ctsieve.types.errors import BundleError

    opened = store.find(bundle)
    rows = verify_bundle(opened)
    if json:
        from dataclasses import asdict
        from json import dumps

        golden = [{**asdict(row), "passed": row.passed} for row in rows]
        typer.echo(dumps({"digest": opened.identity.digest, "golden": golden}))
    else:
        typer.echo(f"{len(opened.manifest.members)} members match their SHA-256")
        for row in rows:
            word = "ok  " if row.passed else "FAIL"
            difference = f"{row.max_difference:.2e} (tolerance {row.tolerance:.0e})"
            typer.echo(f"{word} {row.graph} {row.output}: {difference}")
    if not all(row.passed for row in rows):
        raise BundleError(
            f"bundle {opened.manifest.name!r} computes other numbers here than where it was made",
            hint="update onnxruntime, or report this with the output of `ctsieve doctor`",
        )


@app.command(name="import")
def import_(
    source: Annotated[
        Path, typer.Argument(help="A bundle's folder or .ctsieve file, or an authors' .pth file.")
    ],
    model: Annotated[
        str | None, typer.Option("--as", help="SOURCE is an authors' checkpoint of this model.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="With --as: the new folder to write.")
    ] = None,
) -> None:
    """Check a bundle and copy it into the store, where it is known by its name.

    With --as, read an authors' checkpoint without running anything in it, check every tensor
    against the model, and write a bundle, not calibrated, to a new folder (needs the train extra).
    """
    from ctsieve.bundles import store
    from ctsieve.types.errors import UsageError

    if model is not None and out is not None:
        _import_authors(source, model, out)
    elif model is not None or out is not None:
        raise UsageError(
            "--as and --out belong together",
            hint="ctsieve bundle import authors.pth --as one-shot-lstm-attention --out folder/",
        )
    elif source.suffix in {".pth", ".pt"}:
        raise UsageError(
            f"{source.name} is no bundle",
            hint="an authors' checkpoint needs --as MODEL --out FOLDER",
        )
    else:
        opened = store.import_bundle(source)
        typer.echo(f"{opened.manifest.name} {opened.manifest.version}")


def _import_authors(source: Path, model: str, out: Path) -> None:
    """Import a checkpoint and say what came of it."""
    from ctsieve.types.errors import MissingExtra

    try:
        from ctsieve.pipeline.import_checkpoint import import_checkpoint
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"reading a checkpoint needs {error.name}, which is not installed",
            hint="pip install 'ctsieve[train]'",
        ) from error
    imported = import_checkpoint(source, model=model, folder=out)
    manifest = imported.bundle.manifest
    typer.echo(f"{out}: bundle {manifest.name} {manifest.version}")
    typer.echo(f"{imported.num_tensors} tensors of {imported.model}; {imported.note}")


@app.command()
def pack(
    bundle: Annotated[str, typer.Argument(help="Name or folder.")],
    archive: Annotated[Path, typer.Argument(help="The .ctsieve file to write.")],
) -> None:
    """Write a bundle as one .ctsieve file, to carry it to another machine."""
    from ctsieve.bundles import store

    typer.echo(store.pack(store.find(bundle), archive))
