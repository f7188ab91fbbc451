"""`ctsieve info`: what this installation can do, without loading any of it."""

from typing import Annotated

import typer


def run(
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """List models, data sets, formats, runtimes and bundles by name."""
    from ctsieve.bundles import store
    from ctsieve.pipeline.names import DATASETS, FORMATS, MODELS
    from ctsieve.runtime import RUNTIMES
    from ctsieve.types.results import NOTICE
    from ctsieve.version import __version__

    facts: dict[str, list[str]] = {
        "models": list(MODELS.names()),
        "datasets": list(DATASETS.names()),
        "formats": list(FORMATS.names()),
        "runtimes": list(RUNTIMES.names()),
        "bundles": list(store.names()),
    }
    if json:
        from json import dumps

        typer.echo(dumps({"version": __version__, **facts, "notice": NOTICE}))
        return
    typer.echo(f"ctsieve {__version__}")
    for kind, names in facts.items():
        typer.echo(f"{kind + ':':<10} {', '.join(names) or '-'}")
    typer.echo(NOTICE)
