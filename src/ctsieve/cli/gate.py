"""`ctsieve gate`: is each of these inputs fit to be judged, and why not."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer


def run(
    paths: Annotated[list[Path], typer.Argument(help="Studies, volumes or pictures.")],
    each: Annotated[
        bool, typer.Option("--each", help="Take every file of a folder as an image of its own.")
    ] = False,
    summary: Annotated[
        bool, typer.Option("--summary", help="Count verdicts and reasons instead of listing them.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Print the verdict and its reasons for each path.

    Exit codes: 0 all may be judged, 3 at least one is rejected or cannot be read.
    """
    worst = 0
    counts: Counter[str] = Counter()
    for path in _expanded(paths, each=each):
        row = _row(path)
        worst = max(worst, 0 if row["verdict"] in ("accepted", "accepted_with_warnings") else 3)
        counts.update([f"verdict {row['verdict']}", *(f"reason {code}" for code in _codes(row))])
        if not summary:
            typer.echo(_as_json(row) if json else _as_text(row))
    for name, count in sorted(counts.items(), key=_verdicts_first) if summary else ():
        typer.echo(f"{count:6d}  {name}")
    raise typer.Exit(worst)


def _verdicts_first(item: tuple[str, int]) -> tuple[bool, int, str]:
    name, count = item
    return not name.startswith("verdict"), -count, name


def _codes(row: dict[str, object]) -> list[str]:
    reasons = row["reasons"]
    return list(reasons) if isinstance(reasons, list) else []


def _expanded(paths: list[Path], *, each: bool) -> Iterator[Path]:
    for path in paths:
        if each and path.is_dir():
            yield from sorted(p for p in path.rglob("*") if p.is_file() and p.name[0] != ".")
        else:
            yield path


def _row(path: Path) -> dict[str, object]:
    from ctsieve.ops.gate import gate
    from ctsieve.readers import read_study
    from ctsieve.types.errors import CtsieveError

    try:
        report = gate(read_study(path))
    except CtsieveError as error:
        return {
            "path": str(path),
            "verdict": "unreadable",
            "reasons": ["unreadable"],
            "findings": [
                {
                    "code": "unreadable",
                    "severity": "rejection",
                    "sentence": str(error),
                    "hint": error.hint,
                }
            ],
            "measurements": {},
        }
    findings = [
        {"code": f.code, "severity": f.severity, "sentence": f.sentence} for f in report.findings
    ]
    return {
        "path": str(path),
        "verdict": report.verdict,
        "reasons": list(report.reasons),
        "findings": findings,
        "measurements": dict(report.measurements),
    }


def _as_json(row: dict[str, object]) -> str:
    import json

    return json.dumps(row)


def _as_text(row: dict[str, object]) -> str:
    lines = [f"{row['path']}: {str(row['verdict']).replace('_', ' ')}"]
    findings = row["findings"]
    if isinstance(findings, list):
        lines += [f"  {f['code']}: {f['sentence']}" for f in findings]
        lines += [f"  hint: {f['hint']}" for f in findings if f.get("hint")]
    return "\n".join(lines)
