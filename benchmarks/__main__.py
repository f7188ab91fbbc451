"""Run every bench_*.py here (or those named), print the table, keep the results."""

import importlib
import pkgutil
import sys
from pathlib import Path

from benchmarks.table import Row, keep, show


def main(names: list[str]) -> None:
    """Run the named benchmarks, or all."""
    found = [m.name for m in pkgutil.iter_modules([str(Path(__file__).parent)])]
    chosen = names or sorted(name for name in found if name.startswith("bench_"))
    rows: list[Row] = []
    for name in chosen:
        print(f"{name} ...", file=sys.stderr, flush=True)
        rows += importlib.import_module(f"benchmarks.{name}").run()
    print(show(rows))
    if not names:
        print(f"\nkept in {keep(rows)}")


if __name__ == "__main__":
    main(sys.argv[1:])
