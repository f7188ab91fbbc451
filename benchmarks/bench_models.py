"""Every model as screening runs it beside the same network in eager torch; see `_one_model`.

Each model has a process and a time limit of its own, so that neither memory nor a hang of one
touches the others.  `--keep FILE` stores every result as it comes and measures no model again that
is in the file.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.table import Row, show

ROOT = Path(__file__).parent.parent
LIMIT_S = 900.0
THREADS = 2
ENVIRONMENT = {"OMP_WAIT_POLICY": "passive"}
"""No thread spins while it waits for others: beside other programs that would cost eager torch most
of its time and make screening, whose threads never spin, look better than it is.  On a machine that
others use take one thread: two that wait for one another say nothing there, in neither way."""

Found = dict[str, dict[str, Any]]
"""By name of a model: the fields of `Measured`, or `{"failed": why}`."""


def run(
    only: Sequence[str] = (),
    *,
    keep: Path | None = None,
    limit: float = LIMIT_S,
    threads: int = THREADS,
) -> list[Row]:
    """A row for each model, or for those named."""
    try:
        from ctsieve.models import MODELS
    except ImportError:
        return [Row(name="models", value=float("nan"), unit="s", note="torch is absent")]
    found = measured(only or MODELS.names(), keep, limit, threads=threads)
    return [row_of(name, one) for name, one in found.items()]


def measured(
    names: Sequence[str],
    keep: Path | None,
    limit: float = LIMIT_S,
    *,
    threads: int = THREADS,
) -> Found:
    """What is known of the models; those that `keep` does not hold yet are measured now."""
    found: Found = {}
    if keep is not None and keep.is_file():
        found = json.loads(keep.read_text(encoding="utf-8"))
    for name in names:
        if "seconds" in found.get(name, {}):
            continue
        print(f"{name} ...", file=sys.stderr, flush=True)
        found[name] = _in_a_process(name, limit, threads)
        if keep is not None:
            keep.parent.mkdir(parents=True, exist_ok=True)
            keep.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return {name: found[name] for name in names}


def _in_a_process(name: str, limit: float, threads: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks._one_model", name, "--threads", str(threads)]
    try:
        done = subprocess.run(  # our own module
            command,
            cwd=ROOT,
            env={**os.environ, **ENVIRONMENT},
            capture_output=True,
            text=True,
            timeout=limit,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"failed": f"not within {limit:.0f} s"}
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no word"])[-1]
        return {"failed": f"status {done.returncode}: {last}"}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def row_of(name: str, found: dict[str, Any]) -> Row:
    """A row of the benchmark table."""
    if "failed" in found:
        return Row(name=name, value=float("nan"), unit="s", note=found["failed"])
    shape = " x ".join(str(n) for n in found["shape"])
    return Row(
        name=f"{name}, {shape}",
        value=found["seconds"],
        unit="s",
        peer="eager torch",
        peer_value=found["peer_seconds"],
        ratio=found["ratio"],
        note=f"{found['processor_ratio']:.2f}x in processor time; "
        f"{found['parameters'] / 1e6:.1f} million parameters",
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench_models")
    parser.add_argument("--only", action="append", default=[], help="a model; may be repeated")
    parser.add_argument("--keep", type=Path, help="file of results: measures what is not in it")
    parser.add_argument("--limit", type=float, default=LIMIT_S, help="seconds for one model")
    parser.add_argument("--threads", type=int, default=THREADS, help="of either way")
    options = parser.parse_args()
    rows = run(options.only, keep=options.keep, limit=options.limit, threads=options.threads)
    print(show(rows))


if __name__ == "__main__":
    main()
