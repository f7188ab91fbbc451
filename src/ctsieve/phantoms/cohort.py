"""A small data set of synthetic patients: pictures or DICOM studies, and `cases.csv`.

For teaching and for tests of training.  Kinds and sites are dealt independently, every file has one
format and one size, so neither tells the label.
"""

import csv
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from ctsieve.phantoms.chest import make_phantom
from ctsieve.phantoms.dicom import save_dicom
from ctsieve.phantoms.nifti import save_labels
from ctsieve.phantoms.picture import save_mask, save_picture
from ctsieve.phantoms.presets import LABELS, preset
from ctsieve.phantoms.spec import LESION_KINDS, Phantom

SITES = {"north": 12.0, "south": 22.0}
"""Sites and their noise, HU."""


Choice = Literal["telling", "spread", "both"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortConfig:
    """What is written for every patient."""

    form: Literal["picture", "dicom", "both"] = "picture"
    pictures_each: int = 2
    """Slices printed for each patient."""
    choose: Choice = "telling"
    """Where there is most to see; or at even distances among all that show disease (or lung, in
    patients without), as in COVIDx CT, so that the ends of the lungs are pictures too; or, of ill
    patients, half such slices and half drawn among those with lung and no disease, labelled so:
    were these at even distances too, the height in the chest would be all that has to be learned.
    """
    num_slices: int = 32
    matrix: int = 128
    kinds: tuple[str, ...] = ("normal", "covid", "pneumonia")
    """Kinds of patients, dealt in turn; see `ctsieve.phantoms.presets`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of `cases.csv`; paths are relative to its folder, flags are 0 or 1."""

    image: str
    patient: str
    site: str
    label: str
    ggo: int
    consolidation: int
    crazy_paving: int
    mask: str
    kind: str
    """picture, or volume for a folder of DICOM files."""


DEFAULT = CohortConfig()


def make_cohort(
    folder: Path, *, num_patients: int, seed: int, config: CohortConfig = DEFAULT
) -> Path:
    """Write patients of the kinds in turn, and return the path of `cases.csv`.

    The same arguments write the same bytes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng([seed, 11])
    rows: list[Row] = []
    for number in range(num_patients):
        kind = config.kinds[number % len(config.kinds)]
        site = list(SITES)[int(rng.integers(0, len(SITES)))]
        spec = preset(
            kind, seed=seed * 100_000 + number, num_slices=config.num_slices, matrix=config.matrix
        )
        phantom = make_phantom(spec.model_copy(update={"noise_hu": SITES[site]}))
        patient = _Patient(f"p{number:04d}", site, LABELS[kind])
        if config.form != "dicom":
            draw = np.random.default_rng([seed, 12, number])
            chosen = chosen_slices(phantom, config.choose, config.pictures_each, draw)
            rows += _write_pictures(phantom, folder, patient, config, chosen)
        if config.form != "picture":
            rows.append(_write_study(phantom, folder, patient))
    table = folder / "cases.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([column.name for column in fields(Row)])
        writer.writerows([getattr(row, column.name) for column in fields(Row)] for row in rows)
    return table


@dataclass(frozen=True, slots=True)
class _Patient:
    name: str
    site: str
    label: str


def _write_pictures(
    phantom: Phantom, folder: Path, patient: _Patient, config: CohortConfig, chosen: list[int]
) -> list[Row]:
    healthy = replace(patient, label=LABELS["normal"])
    rows = []
    for number in chosen:
        lesions = phantom.lesions[number]
        told = healthy if config.choose == "both" and not lesions.any() else patient
        name = f"{patient.name}-s{number:03d}"
        image = save_picture(phantom.volume, folder / "pictures" / name, number=number)
        mask = save_mask(lesions, folder / "masks" / f"{name}.png")
        rows.append(_row(lesions, told, (folder, image, mask), "picture"))
    return rows


def _write_study(phantom: Phantom, folder: Path, patient: _Patient) -> Row:
    study = folder / "dicom" / patient.name
    save_dicom(phantom.volume, study)
    mask = folder / "masks" / f"{patient.name}.nii.gz"
    save_labels(phantom.lesions.astype(np.uint8), mask, grid=phantom.volume.geometry)
    return _row(phantom.lesions, patient, (folder, study, mask), "volume")


def chosen_slices(
    phantom: Phantom, how: Choice, count: int, draw: np.random.Generator
) -> list[int]:
    """The slices that are printed, from the head."""
    if how == "both":
        return slices_of_both(phantom, count, draw)
    return (spread_slices if how == "spread" else telling_slices)(phantom, count)


def telling_slices(phantom: Phantom, count: int) -> list[int]:
    """Slices with the most lesion, or with the most lung where there is none; from the head."""
    return sorted(int(n) for n in np.argsort(-_worth(phantom), kind="stable")[:count])


def spread_slices(phantom: Phantom, count: int) -> list[int]:
    """Slices at even distances among those with lesion, or with lung where there is none.

    Fewer than `count` where fewer show any.
    """
    return _at_even_distances(np.flatnonzero(_worth(phantom)), count)


def slices_of_both(phantom: Phantom, count: int, draw: np.random.Generator) -> list[int]:
    """Half with lesion at even distances, half drawn among those with lung and no lesion.

    Of a patient without lesions all are drawn.
    """
    lesion = (phantom.lesions > 0).any(axis=(1, 2))
    free = np.flatnonzero(phantom.lungs.any(axis=(1, 2)) & ~lesion)
    ill = _at_even_distances(np.flatnonzero(lesion), count // 2)
    number = min(count - len(ill), len(free))
    return sorted(ill + draw.choice(free, number, replace=False).tolist())


def _at_even_distances(among: npt.NDArray[np.int64], count: int) -> list[int]:
    """The middles of as many equal parts; fewer where there are fewer."""
    parts = np.array_split(among, min(count, len(among))) if len(among) else []
    return [int(part[len(part) // 2]) for part in parts]


def _worth(phantom: Phantom) -> npt.NDArray[np.int64]:
    """Voxels of lesion in each slice (S,), or of lung where there is no lesion."""
    lesion = (phantom.lesions > 0).sum(axis=(1, 2))
    return np.asarray(lesion if lesion.any() else phantom.lungs.sum(axis=(1, 2)))


def _row(
    labels: npt.NDArray[np.int8], patient: _Patient, paths: tuple[Path, Path, Path], kind: str
) -> Row:
    folder, image, mask = paths
    flags = {name: int((labels == 1 + k).any()) for k, name in enumerate(LESION_KINDS)}
    return Row(
        image=image.relative_to(folder).as_posix(),
        patient=patient.name,
        site=patient.site,
        label=patient.label,
        mask=mask.relative_to(folder).as_posix(),
        kind=kind,
        **flags,
    )
