"""A release of cases that a ctsieve service collected: read twice, de-identified, never changed.

Source   `ctsieve serve`: an admin makes it from accepted contributions; unpack its zip file.
Licence  as release.json says: whoever made the release chose it.

Layout   release.json   what it is, under which licence, and the SHA-256 of every other file
         cases.csv      a row for each case
         consent.csv    who (a pseudonym) gave which case when, and the sentence agreed to
         readings.csv   every reading of every case in its order, readers as pseudonyms: 1 is the
                        contributor's, 2 the second reader's, 3 that of who decided between them
         outlines.json  lesions as they were drawn: slice, kind, corners (column, row) in pixels
         kept_back.csv  of a training release: patients and images of the locked set, so that
                        training refuses them wherever else they lie
         images/        a folder (DICOM files, numbered pictures) or a file for each case

Traps    Only ticked lesions are known: one that nobody ticked may be there.
         A release that lost a case, because consent was withdrawn, is refused as a whole: numbers
         measured on it before cannot be had again; take the next release.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from ctsieve.datasets._files import natural
from ctsieve.datasets._splits import as_published
from ctsieve.types.cards import DatasetCard, SplitCard
from ctsieve.types.cases import Case
from ctsieve.types.errors import UnreadableStudy
from ctsieve.types.members import Member, digest_of

MANIFEST: Final = "release.json"
TABLE: Final = "cases.csv"
WITHDRAWN: Final = "withdrawn.json"
"""Not part of the release: says which cases were taken out of it later."""
KEPT_BACK: Final = "kept_back.csv"
COLUMNS: Final = ("case", "image", "patient", "site", "label", "kind", "partition", "lesions")
AGAIN: Final = "download the release again, whole"
_KEPT: Final = ConfigDict(frozen=True, extra="forbid")


class Agreement(BaseModel):
    """Cohen's kappa of contributors and second readers of these cases, with a 95 % interval.

    Cases whose readings were never settled are not among them: the service's own kappa has those.
    """

    model_config = _KEPT
    kappa: float | None
    interval: tuple[float, float] | None
    n: int


class Release(BaseModel):
    """What release.json says."""

    model_config = _KEPT
    format: Literal["ctsieve-release"] = "ctsieve-release"
    format_version: Literal["1"] = "1"
    purpose: Literal["training", "locked"]
    """"locked": kept for judging candidates; nothing may be trained on it."""
    version: int
    created: datetime
    licence: str
    consent: str
    """The sentence every contributor agreed to."""
    deidentified: str
    num_cases: int
    num_patients: int
    labels: dict[str, int]
    """Cases of each label."""
    agreement: Agreement
    members: dict[str, Member]

    @property
    def digest(self) -> str:
        """SHA-256 over names and digests of all members: the release's identity."""
        return digest_of(self.members)


def open_release(root: Path) -> Release:
    """What a release says of itself, its table checked against its digest.

    Raises:
        UnreadableStudy: there is no release, the table was changed, or cases were withdrawn.
    """
    path = root / MANIFEST
    if not path.is_file():
        raise UnreadableStudy(f"{root.name!r} holds no {MANIFEST}", hint="unpack the release here")
    try:
        release = Release.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise UnreadableStudy(f"{MANIFEST} makes no sense", hint=AGAIN) from error
    if (root / WITHDRAWN).is_file():
        raise UnreadableStudy(
            f"cases of release {release.version} were withdrawn", hint="take the next release"
        )
    if TABLE in broken(root, {TABLE: release.members.get(TABLE)}):
        raise UnreadableStudy(f"{TABLE} is not the release's own", hint=AGAIN)
    return release


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptBack:
    """What nothing may be fitted on: patients, and images by their bytes."""

    patients: frozenset[str] = frozenset()
    images: frozenset[Member] = frozenset()

    def __or__(self, other: "KeptBack") -> "KeptBack":
        """Both."""
        return KeptBack(patients=self.patients | other.patients, images=self.images | other.images)

    def as_table(self) -> str:
        """As kept_back.csv has it: a row for each patient and for each image."""
        rows = [f"{patient},," for patient in self.patients]
        rows += [f",{image.sha256},{image.bytes}" for image in self.images]
        return "\n".join(["patient,sha256,bytes", *sorted(rows), ""])


def release_at(folder: Path) -> Release | None:
    """What the release in this folder says of itself; None where there is none to be read."""
    try:
        return Release.model_validate_json((folder / MANIFEST).read_bytes())
    except (OSError, ValidationError):
        return None


def kept_back(folder: Path, release: Release) -> KeptBack:
    """What a release keeps back from training: all of a locked set, or what it lists."""
    if release.purpose == "locked":
        images = {m for name, m in release.members.items() if name.startswith("images/")}
        patients = {row["patient"] for row in _rows(folder / TABLE)}
    else:
        rows = _rows(folder / KEPT_BACK) if (folder / KEPT_BACK).is_file() else []
        patients = {row["patient"] for row in rows}
        images = {
            Member(sha256=row["sha256"], bytes=int(row["bytes"])) for row in rows if row["sha256"]
        }
    return KeptBack(patients=frozenset(patients - {""}), images=frozenset(images))


def _rows(table: Path) -> list[dict[str, str]]:
    with table.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def broken(root: Path, members: Mapping[str, Member | None]) -> list[str]:
    """Which of these files are missing or not what the release says; every byte is read."""
    return [
        name
        for name, member in members.items()
        if not (root / name).is_file() or Member.of(root / name) != member
    ]


def walk(root: Path) -> Iterator[Case]:
    """Yield the cases of cases.csv in its order, opening no image.

    Raises:
        UnreadableStudy: no release, an image missing or of another size, or cases withdrawn.
    """
    release = open_release(root)
    images = _images(root, release)
    for row in _rows(root / TABLE):
        yield _case(images, row)


def _images(root: Path, release: Release) -> dict[str, list[Path]]:
    """Files of each image, by its name in the table: a file, or the folder of several."""
    images: dict[str, list[Path]] = {}
    for name, member in release.members.items():
        path = root / name
        if not path.is_file() or path.stat().st_size != member.bytes:
            raise UnreadableStudy(f"{name} of the release is missing or cut off", hint=AGAIN)
        images.setdefault(name, []).append(path)
        images.setdefault(name.rpartition("/")[0], []).append(path)
    return images


def _case(images: Mapping[str, list[Path]], row: Mapping[str, str]) -> Case:
    files = sorted(images.get(row["image"], []), key=lambda path: natural(path.name))
    if not files:
        raise UnreadableStudy(f"{row['image']} of the release is missing", hint=AGAIN)
    return Case(
        id=row["case"],
        patient=row["patient"],
        label=row["label"],
        files=tuple(files),
        site=row["site"],
        partition=row["partition"],
        kind="volume" if row["kind"] == "volume" else "picture",
        lesions=dict.fromkeys(row["lesions"].split(), True),
    )


CARD = DatasetCard(
    title="A release of a ctsieve service's contributed cases",
    source="made by `ctsieve serve` from accepted contributions",
    licence="as the release's release.json says",
    labels=("covid19", "other_pneumonia", "neither"),
    walk=walk,
    expected="as many cases as release.json says",
    traps=(
        "only ticked lesions are known: one that nobody ticked may be there",
        "a locked set is for judging candidates: never train on it",
    ),
    splits={
        "published": SplitCard(
            title="the release's own: a patient keeps its side in every later release",
            deal=as_published,
        ),
    },
)
