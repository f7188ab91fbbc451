"""A table as plain text with its columns aligned: readable in a log, a mail and a terminal."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ctsieve.types.report import Table

GAP = "  "


def as_text(table: "Table") -> str:
    """Title, columns, rows and note."""
    lines = [table.columns, *table.rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(table.columns))]
    shown = [
        GAP.join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
    rule = "-" * max(len(line) for line in shown)
    parts = [table.title, rule, shown[0], rule, *shown[1:]]
    return "\n".join([*parts, *([rule, table.note] if table.note else [])])
