"""Every model in one table: equal to its authors' code, its size, its graph, its time.

`make models` measures what is not yet in the file of results and writes the table to
docs/reference/models-measured.md.  `python -m benchmarks.model_table --print` prints it only.
"""

import argparse
import json
import platform
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.parity import PUBLIC, Row, golden_files
from tests.parity.__main__ import rows
from tests.parity._files import UnreadableGolden

from benchmarks.bench_models import LIMIT_S, ROOT, THREADS, Found, measured
from benchmarks.table import machine
from ctsieve.models import MODELS

PAGE = ROOT / "docs" / "reference" / "models-measured.md"
KEEP = ROOT / "runs" / "models.json"
OF_A_STAGE = {"mask-net (segmentation)": "mask-rcnn"}
"""Rows whose model is called otherwise."""
GRAPH_TOLERANCE = 1e-4


def parity_rows(golden: Path, keep: Path) -> list[Row]:
    """The rows of every golden file; those of a file that `keep` holds are not computed again."""
    kept: dict[str, list[dict[str, Any]]] = {}
    if keep.is_file():
        kept = json.loads(keep.read_text(encoding="utf-8"))
    for file in golden_files(golden):
        if file.name not in kept:
            print(f"{file.name} ...", file=sys.stderr, flush=True)
            kept[file.name] = [asdict(row) for row in rows(file)]
            keep.parent.mkdir(parents=True, exist_ok=True)
            keep.write_text(json.dumps(kept) + "\n", encoding="utf-8")
    return [Row(**row) for name in kept for row in kept[name]]


def model_of(row: Row) -> str:
    """The name on the command line of the model that a row is of; else what the row is of."""
    whole = OF_A_STAGE.get(row.model, row.model)
    name = whole.split(" (")[0]
    return name if name in MODELS.names() else ""


def page(found: Found, parity: Sequence[Row]) -> str:
    """The table as a page."""
    done = [one for one in found.values() if "failed" not in one]
    days = sorted({one["date"] for one in done}) or ["never"]
    lines = [
        "# Every model, measured",
        "",
        f"Made by `make models` on {days[-1]} ({machine()}, {_threads(done)}, "
        f"Python {platform.python_version()}); do not edit.",
        "",
        *HOW,
        "",
        "| model | equal to the authors' code | largest difference of logits | parameters | graph |"
        " graph runs | eager torch | times less wall time | graph, processor |"
        " times less processor time |",
        "|---|---|---|---:|---:|---:|---:|---:|---:|---:|",
        *(_line(name, found.get(name, {}), parity) for name in MODELS),
        "",
        *_elsewhere(parity),
    ]
    return "\n".join(lines) + "\n"


def _threads(done: Sequence[dict[str, Any]]) -> str:
    numbers = sorted({int(one["threads"]) for one in done})
    return f"threads of either way: {', '.join(map(str, numbers)) or 'none'}"


HOW = (
    "- **Equal to the authors' code**: rows of `make parity` within the tolerance that the golden "
    "file recommends; [what has no golden numbers](../concepts/parity.md) and why.",
    "- **Largest difference of logits**, with that tolerance: of all modes and golden cases.",
    "- **Graph**: largest difference of any output of the exported graph from the network, a share "
    "of its largest magnitude, boxes in hundredths of a pixel; it must be below 1e-4. *Of scores*: "
    "every slice tried has objects with equal scores, whose order neither way decides.",
    "- **Times**: the default configuration (preset `fixed`) at the paper's size of slices, two "
    "slices, or one scan of 16. The peer is the same network in eager torch: fp32, slice after "
    "slice, masks of objects left in their boxes by both. Both have as many threads, run in turn, "
    "and the least wall time of all pairs counts; waiting threads do not spin. Where others use "
    "the machine too, processor time (medians) is what to read.",
)


def _line(name: str, one: dict[str, Any], parity: Sequence[Row]) -> str:
    own = [row for row in parity if model_of(row) == name]
    passed = f"{sum(row.passed for row in own)} of {len(own)} rows" if own else "-"
    cells = [f"`{name}`", passed, _logits(own)]
    if "failed" in one or not one:
        cells += [one.get("failed", "not measured"), *["-"] * 6]
    else:
        cells += [
            f"{one['parameters']:,}",
            f"{one['graph']:.1e}"
            + ("" if one["graph"] < GRAPH_TOLERANCE else " (!)")
            + (" of scores" if one["graph_of_scores_only"] else ""),
            f"{one['seconds']:.2f} s",
            f"{one['peer_seconds']:.2f} s",
            f"{one['ratio']:.1f}",
            f"{one['processor_seconds']:.2f} s",
            f"{one['processor_ratio']:.1f}",
        ]
    return f"| {' | '.join(cells)} |"


def _logits(own: Iterable[Row]) -> str:
    found = [row for row in own if row.quantity.startswith("logits") and row.tolerance > 0.0]
    if not found:
        return "-"
    worst = max(found, key=lambda row: row.max_difference / row.tolerance)
    return f"{worst.max_difference:.1e} of {worst.tolerance:.0e}"


def _elsewhere(parity: Sequence[Row]) -> Iterator[str]:
    """Rows that are of no one model."""
    others = [row for row in parity if not model_of(row)]
    for name in dict.fromkeys(row.model.split(" (")[0] for row in others):
        own = [row for row in others if row.model.split(" (")[0] == name]
        yield f"- {name}: {sum(row.passed for row in own)} of {len(own)} rows equal."
    if parity:
        number = sum(row.passed for row in parity)
        yield ""
        yield f"All golden files together: {number} of {len(parity)} rows pass."


def main() -> None:
    """Measure what is missing, then write the page or print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.model_table")
    parser.add_argument("--golden", type=Path, default=PUBLIC, help="folder of golden files")
    parser.add_argument("--keep", type=Path, default=KEEP, help="file of results")
    parser.add_argument("--again", action="store_true", help="forget the results kept before")
    parser.add_argument("--limit", type=float, default=LIMIT_S, help="seconds for one model")
    parser.add_argument("--threads", type=int, default=THREADS, help="of either way of timing")
    parser.add_argument("--print", action="store_true", help="write no page")
    options = parser.parse_args()
    of_parity = options.keep.with_suffix(".parity.json")
    if options.again:
        for file in (options.keep, of_parity):
            file.unlink(missing_ok=True)
    begun = time.perf_counter()
    try:
        parity = parity_rows(options.golden, of_parity)
    except UnreadableGolden as error:
        sys.exit(f"error: {error}")
    found = measured(MODELS.names(), options.keep, options.limit, threads=options.threads)
    text = page(found, parity)
    print(text)
    print(f"{time.perf_counter() - begun:.0f} s", file=sys.stderr)
    if not options.print:
        PAGE.write_text(text, encoding="utf-8")
        print(f"written to {PAGE.relative_to(ROOT)}", file=sys.stderr)


if __name__ == "__main__":
    main()
