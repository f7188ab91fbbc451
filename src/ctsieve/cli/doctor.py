"""`ctsieve doctor`: is this installation complete, and does it compute what it should."""

import importlib.util
import os
import platform
from typing import Annotated

import typer

EXTRAS = {
    "train": ("torch", "torchvision", "lightning", "onnx", "safetensors", "sklearn"),
    "serve": ("fastapi", "uvicorn", "dbos", "pynetdicom"),
    "cluster": ("ray",),
}


def run(json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False) -> None:
    """Check the installation: versions, decoders, extras, and the default bundle's golden numbers.

    Exit codes: 0 all is well, 4 the default bundle is missing, damaged or computes other numbers.
    """
    from importlib.metadata import version

    from ctsieve.bundles import store
    from ctsieve.bundles.verify import verify
    from ctsieve.ops.parallel import usable_cores
    from ctsieve.types.errors import CtsieveError
    from ctsieve.version import __version__

    facts: dict[str, str] = {
        "ctsieve": __version__,
        "python": f"{platform.python_version()} on {platform.system()} {platform.machine()}",
        "cores": str(usable_cores()),
        "memory": f"{_memory_gib():.1f} GiB",
    }
    for package in ("numpy", "scipy", "pydicom", "imagecodecs", "nibabel", "onnxruntime"):
        facts[package] = version(package)
    for extra, modules in EXTRAS.items():
        missing = [m for m in modules if importlib.util.find_spec(m) is None]
        facts[f"extra {extra}"] = f"not installed ({', '.join(missing)})" if missing else "ok"
    problem: CtsieveError | None = None
    try:
        rows = verify(store.find())
        wrong = [row.output for row in rows if not row.passed]
        facts["default bundle"] = f"differs: {', '.join(wrong)}" if wrong else "ok"
    except CtsieveError as error:
        facts["default bundle"] = str(error)
        problem = error
    _show(facts, as_json=json)
    if problem is not None:
        raise problem
    if facts["default bundle"] != "ok":
        raise typer.Exit(4)


def _show(facts: dict[str, str], *, as_json: bool) -> None:
    if as_json:
        from json import dumps

        typer.echo(dumps(facts))
        return
    width = max(len(name) for name in facts) + 1
    for name, value in facts.items():
        typer.echo(f"{name + ':':<{width}} {value}")


def _memory_gib() -> float:
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return pages * size / 1024**3
