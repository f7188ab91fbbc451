"""The files of a release: images without what could name a person, a table, the readings."""

import csv
import hashlib
import io
import json
import os
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from PIL import Image

from ctsieve.datasets.release import (
    COLUMNS,
    KEPT_BACK,
    MANIFEST,
    TABLE,
    Agreement,
    KeptBack,
    Release,
)
from ctsieve.evaluation.readers import cohen_kappa
from ctsieve.jobs.durable import sync_files
from ctsieve.readers import READERS
from ctsieve.types.errors import InputRejected, UnreadableStudy
from ctsieve.types.members import Member
from ctsieve.web.deidentify import (
    METHOD,
    Pseudonyms,
    deidentify_dicom,
    deidentify_nifti,
    is_deidentified,
    unless_damaged,
)

CONSENT: Final = (
    "The patient, or the rules of this institution, permit that the de-identified images are used"
    " to train and test models."
)
"""What the page asks a contributor to confirm."""
NOTHING: Final = KeptBack()
_KIND: Final = {True: "picture", False: "volume"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One reading of a case."""

    reader: str
    at: float
    label: str
    lesions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """An accepted case on its way into a release."""

    id: str
    study_id: str
    image: str
    """Folder or file of the frozen study, below the home."""
    is_picture: bool
    patient: str
    readings: tuple[Read, ...]
    """The contributor's first."""
    outlines: list[dict[str, Any]]
    label: str
    """What two readers said."""
    partition: str = ""

    @property
    def agreeing(self) -> tuple[Read, ...]:
        """The readings that gave the label."""
        return tuple(read for read in self.readings if read.label == self.label)


@dataclass(slots=True, kw_only=True)
class Written:
    """What became of the cases that were chosen."""

    release: Release
    cases: list[Chosen]
    left_out: dict[str, str] = field(default_factory=dict)
    """Case to the reason."""


def write_release(
    folder: Path,
    chosen: Sequence[Chosen],
    *,
    home: Path,
    pseudonyms: Pseudonyms,
    about: Mapping[str, Any],
    kept: KeptBack = NOTHING,
) -> Written:
    """Write the release of these cases into the new folder `folder`.

    `about` has the purpose, version and licence; `kept` is what a training release keeps back.
    Cases whose images cannot be de-identified are left out, with the reason.

    Raises:
        InputRejected: none is left.
    """
    images = folder / "images"
    images.mkdir(parents=True)
    cases, rows = [], []
    left_out = {}
    for case in chosen:
        try:
            image = _put(home / case.image, images / case.id, case, pseudonyms)
        except InputRejected as error:
            shutil.rmtree(images / case.id, ignore_errors=True)
            left_out[case.id] = str(error)
            continue
        cases.append(case)
        rows.append(_row(case, image.relative_to(folder).as_posix(), pseudonyms))
    if not cases:
        raise InputRejected(
            "no case can be released", hint=next(iter(left_out.values()), "accept cases first")
        )
    (folder / TABLE).write_text(_table(COLUMNS, rows), encoding="utf-8")
    _write_readings(folder, cases, pseudonyms)
    if kept != NOTHING:
        (folder / KEPT_BACK).write_text(kept.as_table(), encoding="utf-8")
    release = _described(folder, cases, about)
    (folder / MANIFEST).write_text(release.model_dump_json(indent=1), encoding="utf-8")
    sync_files(folder)
    return Written(release=release, cases=cases, left_out=left_out)


def _described(folder: Path, cases: Sequence[Chosen], about: Mapping[str, Any]) -> Release:
    pairs = [(c.readings[0].label, c.readings[1].label) for c in cases if len(c.readings) > 1]
    found = cohen_kappa([a for a, _ in pairs], [b for _, b in pairs])
    members = {
        path.relative_to(folder).as_posix(): Member.of(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    return Release(
        **about,
        created=datetime.now(UTC).replace(microsecond=0),
        consent=CONSENT,
        deidentified=METHOD,
        num_cases=len(cases),
        num_patients=len({case.patient for case in cases}),
        labels=dict(sorted(Counter(case.label for case in cases).items())),
        agreement=Agreement(kappa=found.kappa, interval=found.interval, n=found.n),
        members=members,
    )


def _row(case: Chosen, image: str, pseudonyms: Pseudonyms) -> tuple[str, ...]:
    site = f"site-{pseudonyms.of('site')[:8]}"
    kind = _KIND[case.is_picture]
    # Of readers that agree about the label, only what all of them saw is taken for known.
    ticked = set.intersection(*(set(read.lesions) for read in case.agreeing))
    lesions = " ".join(sorted(ticked))
    return case.id, image, case.patient, site, case.label, kind, case.partition, lesions


def _write_readings(folder: Path, cases: Sequence[Chosen], pseudonyms: Pseudonyms) -> None:
    given, read = [], []
    for case in cases:
        first = case.readings[0]
        given.append((case.id, pseudonyms.of(f"user {first.reader}"), _time(first.at), CONSENT))
        for number, reading in enumerate(case.readings, start=1):
            who = pseudonyms.of(f"user {reading.reader}")
            said = reading.label, " ".join(reading.lesions)
            read.append((case.id, str(number), who, _time(reading.at), *said))
    consent = _table(("case", "given_by", "at", "sentence"), given)
    readings = _table(("case", "reading", "reader", "at", "label", "lesions"), read)
    # What a contributor drew who was overruled shows nothing of the label that the case has.
    drawn = [case for case in cases if case.outlines and case.readings[0] in case.agreeing]
    outlines = {case.id: case.outlines for case in drawn}
    (folder / "consent.csv").write_text(consent, encoding="utf-8")
    (folder / "readings.csv").write_text(readings, encoding="utf-8")
    (folder / "outlines.json").write_text(json.dumps(outlines, indent=1), encoding="utf-8")


def _put(source: Path, target: Path, case: Chosen, pseudonyms: Pseudonyms) -> Path:
    """Bring a frozen study to `target`; where it is now (a file gets an ending)."""
    if source.is_file():
        return _put_file(source, target, case)
    target.mkdir()
    for number, file in enumerate(sorted(p for p in source.rglob("*") if p.is_file())):
        if READERS["dicom"].claims(file):
            _put_dicom(file, target / f"{number:05d}.dcm", pseudonyms)
        else:
            _put_picture(file, target / f"{number:05d}.png")
    return target


def _put_file(source: Path, target: Path, case: Chosen) -> Path:
    if case.is_picture:
        return _put_picture(source, target.with_name(f"{target.name}.png"))
    if not READERS["nifti"].claims(source):
        raise UnreadableStudy(
            "files of this format may hold free text that names a person", hint="send NIfTI"
        )
    ending = ".nii.gz" if source.open("rb").read(2) == b"\x1f\x8b" else ".nii"
    placed = target.with_name(f"{target.name}{ending}")
    deidentify_nifti(source, placed)
    return placed


def _put_dicom(source: Path, target: Path, pseudonyms: Pseudonyms) -> None:
    if is_deidentified(source):
        os.link(source, target)  # frozen bytes: they never change
    else:
        deidentify_dicom(source, target, pseudonyms)


def _put_picture(source: Path, target: Path) -> Path:
    """The pixels and nothing else: texts, thumbnails and places that a file may carry stay away."""
    damaged = (OSError, ValueError, TypeError, Image.DecompressionBombError)
    sentence = "a picture cannot be written anew without its texts"
    with unless_damaged(damaged, sentence), Image.open(source) as opened:
        plain = opened.convert("RGB") if opened.mode in ("P", "CMYK", "YCbCr") else opened
        Image.fromarray(np.array(plain)).save(target)
    return target


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def partitions(
    labels: Mapping[str, str], known: Mapping[str, str], *, share: float = 0.2
) -> dict[str, Literal["train", "val"]]:
    """Patients (with a label each) to train and val; whoever was on a side before stays there.

    Of each label about `share` of the patients, by a hash of the patient, go to val.

    Example:
        >>> sorted(partitions({"a": "x", "b": "x", "c": "x"}, {"a": "val"}).items())
        [('a', 'val'), ('b', 'train'), ('c', 'train')]
    """
    sides: dict[str, Literal["train", "val"]] = {}
    for label in sorted(set(labels.values())):
        own = sorted((p for p, of in labels.items() if of == label), key=_hash)
        there = [p for p in own if known.get(p) == "val"]
        wanted = max(1, round(share * len(own))) if len(own) > 1 else 0
        fresh = [p for p in own if p not in known][: max(0, wanted - len(there))]
        chosen = {*there, *fresh}
        sides |= {p: "val" if p in chosen else "train" for p in own}
    return sides


def _hash(patient: str) -> bytes:
    return hashlib.sha256(patient.encode()).digest()
