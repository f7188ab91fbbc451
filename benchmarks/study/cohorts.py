"""The phantom patients that the study trains on: each cohort is made once and differs by its seed.

`cases.csv` gets LA-DNN's names of lesions beside the phantoms' own, so that the same pictures are
read by the reader `phantom` and by the reader `folder`.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

from ctsieve.phantoms.cohort import CohortConfig, make_cohort

TABLE = "cases.csv"
OTHER_NAMES = {"ggo": "GGO", "consolidation": "Csld", "crazy_paving": "CrPa"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohort:
    """How many patients, of which kinds, printed how."""

    number: int
    seed: int
    config: CohortConfig


FOCAL = CohortConfig(form="dicom", num_slices=24, matrix=80, kinds=("normal", "focal"))
"""One patch in three to six of 24 slices, against none."""
FOCAL_PICTURES = CohortConfig(
    form="picture",
    pictures_each=6,
    choose="both",
    num_slices=24,
    matrix=80,
    kinds=("focal",),
)
"""Slices of other patients, half with the patch and half without: were those without of healthy
patients, the height would tell the label, as no patch is at the ends of the lungs."""
COHORTS = {
    "pictures": Cohort(
        number=120,
        seed=3,
        config=CohortConfig(form="picture", pictures_each=2, num_slices=32, matrix=96),
    ),
    "slices": Cohort(
        number=200,
        seed=17,
        config=CohortConfig(
            form="picture", pictures_each=5, choose="spread", num_slices=20, matrix=96
        ),
    ),
    "scans": Cohort(number=90, seed=5, config=CohortConfig(form="dicom", num_slices=20, matrix=96)),
    "focal": Cohort(number=160, seed=7, config=FOCAL),
    "focal-pictures": Cohort(number=200, seed=13, config=FOCAL_PICTURES),
    "focal-held-out": Cohort(number=120, seed=11, config=FOCAL),
}


def cohort_folder(name: str, out: Path) -> Path:
    """The folder of a cohort below `out`, made if it is not there."""
    cohort, folder = COHORTS[name], out / "cohorts" / name
    if not (folder / TABLE).is_file():
        making = folder.with_name(f".{name}.part")
        make_cohort(making, num_patients=cohort.number, seed=cohort.seed, config=cohort.config)
        _add_names(making / TABLE)
        making.rename(folder)
    return folder


def share_decoded(folder: Path, cohort: str, out: Path) -> None:
    """Let the run in `folder` find and leave decoded images where other runs of a cohort do."""
    shared = out / "cohorts" / f"{cohort}-decoded"
    shared.mkdir(parents=True, exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "cache").exists():
        (folder / "cache").symlink_to(shared.resolve())


def _add_names(table: Path) -> None:
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row.update({theirs: row[ours] for ours, theirs in OTHER_NAMES.items()})
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
