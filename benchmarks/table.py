"""Rows of a benchmark table, and how they are timed, printed and kept."""

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measured thing, beside a peer where there is one; `unit` is of both values."""

    name: str
    value: float
    unit: str
    peer: str = ""
    peer_value: float | None = None
    ratio: float | None = None
    """How many times better than the peer."""
    target: str = ""
    note: str = ""


def median_seconds(*calls: Callable[[], object], repeats: int = 5, warm_up: int = 1) -> list[float]:
    """Median wall seconds of each call; calls take turns, so drift of the machine hits all."""
    for _ in range(warm_up):
        for call in calls:
            call()
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(repeats):
        for kept, call in zip(times, calls, strict=True):
            start = time.perf_counter()
            call()
            kept.append(time.perf_counter() - start)
    return [statistics.median(kept) for kept in times]


def show(rows: Sequence[Row]) -> str:
    """The table as Markdown."""
    lines = [
        "| what | ours | peer | ratio | target | note |",
        "|---|---:|---|---:|---|---|",
    ]
    for row in rows:
        peer = f"{row.peer}: {row.peer_value:.4g}" if row.peer_value is not None else "-"
        ratio = f"{row.ratio:.2f}x" if row.ratio is not None else "-"
        ours = f"{row.value:.4g} {row.unit}"
        lines.append(
            f"| {row.name} | {ours} | {peer} | {ratio} | {row.target or '-'} | {row.note} |"
        )
    return "\n".join(lines)


def machine() -> str:
    """A short name of this machine for file names."""
    return f"{platform.system()}-{platform.machine()}-{os.cpu_count()}cores".lower()


def keep(rows: Sequence[Row]) -> Path:
    """Write the rows to results/<date>-<machine>.json."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{datetime.now(UTC):%Y-%m-%d}-{machine()}.json"
    facts = {"machine": machine(), "python": platform.python_version()}
    rows_json = [asdict(row) for row in rows]
    path.write_text(json.dumps({**facts, "rows": rows_json}, indent=1) + "\n", encoding="utf-8")
    return path
