"""Write the generated reference pages: `make docs`; a test fails when one of them is stale."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ctsieve.cli import app
from ctsieve.evaluation.protocols import PROTOCOLS
from ctsieve.explain import EXPLAINERS
from ctsieve.node.conformance import statement
from ctsieve.pipeline.names import DATASETS, FORMATS, MODELS
from ctsieve.readers import READERS
from ctsieve.runtime import RUNTIMES
from ctsieve.writers._dicom_reference import reference_text as dicom_reference
from ctsieve.writers._json_reference import reference_text, schema_text

if TYPE_CHECKING:
    from ctsieve.types.cards import DatasetCard
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
        "Explanations": EXPLAINERS,
        "Protocols": PROTOCOLS,
    }
    for title, catalogue in kinds.items():
        lines += [f"## {title}", "", "| name | what |", "|---|---|"]
        for name in catalogue:
            lines.append(f"| `{name}` | {_card_text(catalogue[name])} |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def datasets_page() -> str:
    """Every data set: what it is, what a complete copy has, its splits, its traps."""
    lines = ["# Data sets", "", MADE]
    lines += ["How to use your own: [../how-to/own-data.md](../how-to/own-data.md).", ""]
    for name, card in DATASETS.items():
        lines += [f"## `{name}`", "", f"{card.title}.", ""]
        lines += ["| | |", "|---|---|"]
        lines += [f"| {title} | {text} |" for title, text in _facts(card) if text]
        lines += ["", *(f"- Trap: {trap}." for trap in card.traps), ""]
        if card.splits:
            lines += ["| split | what | leaks |", "|---|---|---|"]
            lines += [f"| `{n}` | {s.title} | {s.leaks} |" for n, s in card.splits.items()]
            lines.append("")
        if card.variants:
            lines += ["| variant | what | complete copy |", "|---|---|---|"]
            lines += [f"| `{n}` | {v.title} | {_counted(v)} |" for n, v in card.variants.items()]
            lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _facts(card: "DatasetCard") -> list[tuple[str, str]]:
    masks = ", ".join(f"{value} {meaning}" for value, meaning in card.mask_values.items())
    return [
        ("source", card.source),
        ("licence", card.licence),
        ("citation", card.citation),
        ("complete copy", card.expected),
        ("labels", ", ".join(card.labels)),
        ("lesion flags", ", ".join(card.lesions)),
        ("mask values", masks),
    ]


def _counted(card: "DatasetCard") -> str:
    counts = card.counts
    parts = [f"{counts.cases:,} cases" if counts.cases else ""]
    parts += [f"{counts.patients:,} patients" if counts.patients else ""]
    parts += [f"{number:,} {partition}" for partition, number in counts.partitions.items()]
    return ", ".join(part for part in parts if part)


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
    "conformance.md": statement,
    "cli.md": command_page,
    "catalogue.md": catalogue_page,
    "data-sets.md": datasets_page,
    "dicom-objects.md": dicom_reference,
    "json.md": reference_text,
    "screening.schema.json": schema_text,
}


def main() -> None:
    """Write every page."""
    for name, page in PAGES.items():
        (REFERENCE / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
