"""Print every parity row of a golden folder: `python -m tests.parity --golden FOLDER`.

Ends with status 1 where a row fails, and with status 2 where the folder holds no golden file.
"""

import argparse
import sys
import time
import traceback
from collections.abc import Iterator
from math import inf
from pathlib import Path

from tests.parity import Row, check_file, golden_files, kind_of


def main() -> int:
    """Check the folder that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m tests.parity", description=__doc__)
    parser.add_argument("--golden", type=Path, required=True, help="folder of golden files")
    parser.add_argument("--only", action="append", default=[], help="a kind; may be repeated")
    options = parser.parse_args()
    files = [
        f for f in golden_files(options.golden) if kind_of(f) in options.only or not options.only
    ]
    if not files:
        sys.stderr.write(f"no golden file in {options.golden}\n")
        return 2
    start, seen = time.perf_counter(), list[Row]()
    for file in files:
        sys.stdout.write(f"{file.name}\n")
        for row in rows(file):
            seen.append(row)
            sys.stdout.write(line(row))
        sys.stdout.flush()
    sys.stdout.writelines(["by model\n", *summary(seen)])
    num_passed = sum(row.passed for row in seen)
    seconds = time.perf_counter() - start
    sys.stdout.write(f"{num_passed} of {len(seen)} rows pass ({seconds:.0f} s)\n")
    return 0 if num_passed == len(seen) else 1


def rows(file: Path) -> Iterator[Row]:
    """The rows of a file; a check that breaks down gives a failing row and its traceback."""
    try:
        yield from check_file(file)
    except Exception as error:  # noqa: BLE001  # one broken check must not hide all others
        traceback.print_exception(error)
        yield Row(model=file.stem, quantity=type(error).__name__, max_difference=inf, tolerance=0.0)


def line(row: Row) -> str:
    """A row as a line of the table: model, quantity, max difference, tolerance, pass."""
    verdict = "pass" if row.passed else "FAIL"
    numbers = f"{row.max_difference:10.2e} {row.tolerance:10.2e}"
    return f"  {row.model[:40]:40} {row.quantity[:44]:44} {numbers}  {verdict}\n"


def summary(seen: list[Row]) -> Iterator[str]:
    """A line for each model: how many rows pass, and how much of its tolerance the worst needs."""
    for model in dict.fromkeys(row.model for row in seen):
        own = [row for row in seen if row.model == model]
        passed = sum(row.passed for row in own)
        shares = [row.max_difference / row.tolerance for row in own if row.tolerance > 0.0]
        worst = f", at most {max(shares):.1%} of the tolerance" if shares else ""
        yield f"  {model[:40]:40} {passed} of {len(own)} rows pass{worst}\n"


if __name__ == "__main__":
    sys.exit(main())
