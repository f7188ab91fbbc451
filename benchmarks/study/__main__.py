"""Train every family on phantoms, attention against none, LA-DNN with lesions and without.

    python -m benchmarks.study --out study --data ../shared/data [--only resnet50-att2 lesions ...]

What is finished is not done again, so that the command may be stopped and started at any time.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from benchmarks.study.attention import attention
from benchmarks.study.experiments import FAMILIES
from benchmarks.study.lesions import lesions
from benchmarks.study.page import write_page
from benchmarks.study.running import rows_of, run
from ctsieve.types.errors import CtsieveError

ATTENTION, LESIONS = "attention", "lesions"


def main() -> None:
    """Do all parts, or those named, one after another."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("study"))
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    names = [ATTENTION, LESIONS, *(family.name for family in FAMILIES)]
    parser.add_argument("--only", nargs="*", default=names, choices=names)
    parser.add_argument("--page", type=Path, help="write the page and its figures there")
    chosen = parser.parse_args()
    families(chosen.out, chosen.only)
    if ATTENTION in chosen.only:
        found = {name: asdict(value) for name, value in attention(chosen.out).items()}
        keep(chosen.out / "attention.json", found)
    if LESIONS in chosen.only:
        keep(chosen.out / "lesions.json", asdict(lesions(chosen.data, chosen.out)))
    if chosen.page is not None:
        write_page(chosen.out, chosen.page)


def families(out: Path, names: list[str]) -> None:
    """The rows that are missing; a family that fails says why and the next one begins."""
    for experiment in FAMILIES:
        if experiment.name in names and experiment.name not in rows_of(out):
            try:
                print(run(experiment, out), flush=True)
            except CtsieveError as error:
                print(f"{experiment.name}: {error}", flush=True)


def keep(file: Path, found: object) -> None:
    """Write and show a result."""
    text = json.dumps(found, indent=1)
    file.write_text(text + "\n", encoding="utf-8")
    print(text, flush=True)


if __name__ == "__main__":
    main()
