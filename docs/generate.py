"""Write the generated reference pages: `make docs`; a test fails when one of them is stale."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ctsieve.cli import app
from ctsieve.pipeline.names import DATASETS, FORMATS, MODELS
from ctsieve.readers import READERS
from ctsieve.runtime import RUNTIMES
from ctsieve.writers._json_reference import reference_text, schema_text

if TYPE_CHECKING:
    from ctsieve.types.catalogue import Catalogue

REFERENCE = Path(__file__).parent / "reference"
MADE = "Made by `make docs` from the code; do not edit.\n"


def command_page() -> str:
    """Every command with its arguments and options."""
    root = typer.main.get_command(app)
    lines = ["# Commands", "", MADE, root.help or "", ""]
    context = typer.Context(root, info_name="ctsieve")
    for name, command in _commands(root, "ctsieve"):
        lines += [f"## `{name}`", "", _paragraphs(command.help), ""]
        rows = [row for row in map(_row, command.get_params(context)) if row]
        if rows:
            lines += ["| option | what |", "|---|---|", *rows, ""]
    return "\n".join(lines).rstrip() + "\n"


def catalogue_page() -> str:
    """Every name of every catalogue."""
    lines = ["# What can be named", "", MADE]
    kinds: dict[str, Catalogue[Any]] = {
        "Models": MODELS,
        "Data sets": DATASETS,
        "Formats": FORMATS,
        "Readers": READERS,
        "Runtimes": RUNTIMES,
    }
    for title, catalogue in kinds.items():
        lines += [f"## {title}", "", "| name | what |", "|---|---|"]
        for name in catalogue:
            lines.append(f"| `{name}` | {_card_text(catalogue[name])} |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _commands(group: object, prefix: str) -> list[tuple[str, typer.core.TyperCommand]]:
    found: list[tuple[str, typer.core.TyperCommand]] = []
    for name, command in getattr(group, "commands", {}).items():
        full = f"{prefix} {name}"
        if hasattr(command, "commands"):
            found += _commands(command, full)
        else:
            found.append((full, command))
    return found


def _paragraphs(text: str | None) -> str:
    return "\n".join(line.strip() for line in (text or "").splitlines())


def _row(parameter: object) -> str:
    names = getattr(parameter, "opts", [])
    text = getattr(parameter, "help", "") or ""
    if "--help" in names:
        return ""
    shown = ", ".join(f"`{n if n.startswith('-') else n.upper()}`" for n in names)
    return f"| {shown} | {text} |"


def _card_text(card: object) -> str:
    parts = [str(getattr(card, "title", ""))]
    parts += [str(getattr(card, field)) for field in ("source", "licence") if hasattr(card, field)]
    return " · ".join(part for part in parts if part)


PAGES = {
    "cli.md": command_page,
    "catalogue.md": catalogue_page,
    "json.md": reference_text,
    "screening.schema.json": schema_text,
}


def main() -> None:
    """Write every page."""
    for name, page in PAGES.items():
        (REFERENCE / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
