"""Print every parity row of a golden folder: `python -m tests.parity --golden FOLDER`.

Ends with status 1 where a row fails, and with status 2 where the folder holds no golden file.
"""

import argparse
import sys
import time
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
    start, failed, total = time.perf_counter(), 0, 0
    for file in files:
        sys.stdout.write(f"{file.name}\n")
        for row in check_file(file):
            sys.stdout.write(line(row))
            failed, total = failed + (not row.passed), total + 1
    seconds = time.perf_counter() - start
    sys.stdout.write(f"{total - failed} of {total} rows pass ({seconds:.0f} s)\n")
    return 1 if failed else 0


def line(row: Row) -> str:
    """A row as a line of the table: model, quantity, max difference, tolerance, pass."""
    verdict = "pass" if row.passed else "FAIL"
    numbers = f"{row.max_difference:10.2e} {row.tolerance:10.2e}"
    return f"  {row.model[:40]:40} {row.quantity[:44]:44} {numbers}  {verdict}\n"


if __name__ == "__main__":
    sys.exit(main())
