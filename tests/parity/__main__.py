"""Print every parity row of a golden folder: `python -m tests.parity --golden FOLDER`.

At the end a table, model by model: how near to the golden numbers, parameters, and how near the
exported graph of the `fixed` preset is to its network on the same weights (`--no-graphs` leaves
that out).  What a file holds and no row compares is named.  Ends with status 1 where a row fails,
2 where the folder holds no golden file, 3 where a file cannot be read.
"""

import argparse
import sys
import time
import traceback
from collections.abc import Iterator
from math import inf
from pathlib import Path

from tests.parity import Row, check_file, golden_files, kind_of, networks_of
from tests.parity._files import UnreadableGolden, arrays_of, gold_of, not_compared
from tests.parity._graphs import agreement


def main() -> int:
    """Check the folder that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m tests.parity", description=__doc__)
    parser.add_argument("--golden", type=Path, required=True, help="folder of golden files")
    parser.add_argument("--only", action="append", default=[], help="a kind; may be repeated")
    parser.add_argument("--no-graphs", action="store_true", help="export no network")
    options = parser.parse_args()
    files = [
        f for f in golden_files(options.golden) if kind_of(f) in options.only or not options.only
    ]
    if not files:
        sys.stderr.write(f"error: there is no golden file in {options.golden}\n")
        sys.stderr.write("hint: give a folder of <kind>_seed<N>.json files, with fill.py beside\n")
        return 2
    start, seen, unreadable = time.perf_counter(), list[Row](), set[Path]()
    for file in files:
        sys.stdout.write(f"{file.name}\n")
        own: list[Row] = []
        try:
            for row in rows(file):
                own.append(row)
                sys.stdout.write(line(row))
            sys.stdout.write(unused(file, own))
        except UnreadableGolden as error:
            unreadable.add(file)
            sys.stderr.write(f"error: {error}\n")
        sys.stdout.flush()
        seen += own
    for file in files:
        if not options.no_graphs and file not in unreadable:
            seen += graph_rows(file)
    sys.stdout.writelines(["by model\n", *summary(seen)])
    num_passed = sum(row.passed for row in seen)
    seconds = time.perf_counter() - start
    sys.stdout.write(f"{num_passed} of {len(seen)} rows pass ({seconds:.0f} s)\n")
    if unreadable:
        sys.stdout.write(f"{len(unreadable)} of {len(files)} files cannot be read\n")
        return 3
    return 0 if num_passed == len(seen) else 1


def unused(file: Path, own: list[Row]) -> str:
    """A line with what the file holds and no row compares; nothing where there is no such thing."""
    names = not_compared(gold_of(file), arrays_of(file), (row.quantity for row in own))
    return f"  not compared: {', '.join(names)}\n" if names else ""


def rows(file: Path) -> Iterator[Row]:
    """The rows of a file; a check that breaks down gives a failing row and its traceback."""
    try:
        yield from check_file(file)
    except UnreadableGolden:
        raise
    except Exception as error:  # noqa: BLE001  # one broken check must not hide all others
        traceback.print_exception(error)
        yield Row(model=file.stem, quantity=type(error).__name__, max_difference=inf, tolerance=0.0)


def graph_rows(file: Path) -> Iterator[Row]:
    """Each network of a file beside its exported graph, printed with its parameters."""
    for network in networks_of(file):
        row = agreement(network)
        sys.stdout.write(f"{network.name}: {network.num_parameters:,} parameters\n{line(row)}")
        sys.stdout.flush()
        yield row


def line(row: Row) -> str:
    """A row as a line of the table: model, quantity, max difference, tolerance, pass."""
    verdict = "pass" if row.passed else "FAIL"
    numbers = f"{row.max_difference:10.2e} {row.tolerance:10.2e}"
    return f"  {row.model[:40]:40} {row.quantity[:44]:44} {numbers}  {verdict}\n"


def summary(seen: list[Row]) -> Iterator[str]:
    """A line for each model: rows that pass, its logits, and the row nearest to its tolerance."""
    for model in dict.fromkeys(row.model for row in seen):
        own = [row for row in seen if row.model == model]
        passed = sum(row.passed for row in own)
        real = [row for row in own if row.tolerance > 0.0]
        worst = max(real, key=lambda row: row.max_difference / row.tolerance, default=None)
        logits = [row for row in real if row.quantity.startswith("logits")]
        words = [f"{passed} of {len(own)} rows pass"]
        words += [f"logits {r.max_difference:.1e} of {r.tolerance:.0e}" for r in logits[-1:]]
        if worst is not None:
            share = worst.max_difference / worst.tolerance
            words.append(f"nearest to its tolerance: {worst.quantity} ({share:.1%})")
        yield f"  {model[:42]:42} {', '.join(words)}\n"


if __name__ == "__main__":
    sys.exit(main())
