"""What arrived becomes studies: archives opened, files sorted, identifying data removed."""

import hashlib
import re
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final, Literal

from ctsieve.jobs.durable import sync_file, sync_files
from ctsieve.readers import READERS
from ctsieve.readers.archive import unpack
from ctsieve.readers.dicom import identify
from ctsieve.types.errors import InputRejected, UnreadableStudy
from ctsieve.web.deidentify import (
    BurnedIn,
    Pseudonyms,
    deidentify_dicom,
    deidentify_metaimage,
    deidentify_nifti,
)

Wanted = Literal["study", "pictures"]
_SINGLE: Final = ("nifti", "metaimage")
_ANY: Final = ""
"""The study of a file that is too damaged to say whose it is."""
_UNREAD: Final = "unread-"
"""Comes after all others in a study, whose names are numbers to the base 16."""
_NOTHING: Final = bytes(128) + b"DICM"
_NUMBERS: Final = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """A study that arrived: name in the study -> file now."""

    kind: Literal["volume", "picture"]
    files: Mapping[str, Path]
    refused: str = ""
    """Why it cannot be taken as it is; it is kept in quarantine."""

    @property
    def single(self) -> Path | None:
        """The one file it consists of; None where there are several."""
        return next(iter(self.files.values())) if len(self.files) == 1 else None


def sort_arrived(
    sent: Mapping[str, Path], work: Path, *, wanted: Wanted, pseudonyms: Pseudonyms | None
) -> list[Arrived]:
    """The studies of the files that were `sent` (name -> file now).

    What is made of them lies in the new folder `work`.

    One study per DICOM study, NIfTI file or stack of pictures; with `wanted` "pictures" each
    picture is one.  Without `pseudonyms` nothing is de-identified.

    Raises:
        InputRejected: there is no study among the files.
    """
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    files = dict(_opened(sent, work))
    dicom = {n: f for n, f in files.items() if READERS["dicom"].claims(f)}
    studies = _dicom_studies(list(dicom.values()), work, pseudonyms)
    rest = {n: f for n, f in files.items() if n not in dicom}
    studies += _single_files(list(rest.values()), work, pseudonyms)
    pictures = {n: f for n, f in rest.items() if READERS["picture"].claims(f)}
    # In a mixed upload pictures are what a scanner or a person made of the study beside them.
    if pictures and (wanted == "pictures" or not studies):
        studies += _pictures(pictures, wanted)
    if not studies:
        raise InputRejected(
            "there is no image among the files that arrived",
            hint="send DICOM files, a NIfTI file, pictures, or an archive of them",
        )
    # What is frozen is linked, not copied: it must be on disk, also where it lies as it was sent.
    sync_files(work)
    for file in {file for study in studies for file in study.files.values()}:
        if not file.is_relative_to(work):
            sync_file(file)
    return studies


def _opened(sent: Mapping[str, Path], work: Path) -> Iterator[tuple[str, Path]]:
    """Names and files, those of archives instead of the archives."""
    for number, (name, file) in enumerate(sent.items()):
        is_image = any(READERS[n].claims(file) for n in ("dicom", *_SINGLE))
        if not is_image and READERS["archive"].claims(file):
            inside = work / f"archive-{number}"
            unpack(file, inside)
            for path in inside.rglob("*"):
                if path.is_file():
                    yield f"{name}/{path.relative_to(inside).as_posix()}", path
        else:
            yield name, file


def _dicom_studies(files: list[Path], work: Path, pseudonyms: Pseudonyms | None) -> list[Arrived]:
    studies: dict[str, dict[str, Path]] = {}
    burned: dict[str, str] = {}
    damaged: Counter[str] = Counter()
    problem: InputRejected | None = None
    for file in files:
        study = _ANY
        try:
            study, instance = identify(file)
            target = file
            if pseudonyms is not None:
                target = work / f"{_short(study)}-{_short(instance)}.dcm"
                deidentify_dicom(file, target, pseudonyms)
        except BurnedIn as error:
            burned[study], target = str(error), file
        except UnreadableStudy as error:  # among good ones: the gate warns of it
            damaged[study] += 1
            problem = error
            continue
        except InputRejected as error:  # a report, a DICOMDIR
            problem = problem or error
            continue
        name = _short(pseudonyms.uid(instance) if pseudonyms else instance)
        studies.setdefault(study, {})[f"{name}.dcm"] = target
    if not studies and problem is not None:
        raise problem
    for study, members in studies.items():
        members.update(_damaged(damaged[study] + damaged[_ANY], work))
    return [
        Arrived(kind="volume", files=members, refused=burned.get(study, ""))
        for study, members in studies.items()
    ]


def _damaged(number: int, work: Path) -> dict[str, Path]:
    """So many files without content in place of damaged ones, which could name anybody.

    Whoever reads the study counts them, and the gate warns that slices may be missing.
    """
    members = {f"{_UNREAD}{n:05d}.dcm": work / f"{_UNREAD}{n:05d}.dcm" for n in range(number)}
    for path in members.values():
        path.write_bytes(_NOTHING)
    return members


def _single_files(files: list[Path], work: Path, pseudonyms: Pseudonyms | None) -> list[Arrived]:
    studies = []
    for number, file in enumerate(f for f in files if any(READERS[n].claims(f) for n in _SINGLE)):
        target = file
        if pseudonyms is not None:
            target = work / f"volume-{number}"
            is_nifti = READERS["nifti"].claims(file)
            (deidentify_nifti if is_nifti else deidentify_metaimage)(file, target)
        studies.append(Arrived(kind="volume", files={"volume": target}))
    return studies


def _pictures(files: Mapping[str, Path], wanted: Wanted) -> list[Arrived]:
    ordered = sorted(files, key=_natural)
    if wanted == "pictures":
        return [Arrived(kind="picture", files={"picture": files[n]}) for n in ordered]
    folders: dict[PurePosixPath, list[Path]] = {}
    for name in ordered:
        folders.setdefault(PurePosixPath(name).parent, []).append(files[name])
    return [_stack(members) for members in folders.values()]


def _stack(members: list[Path]) -> Arrived:
    if len(members) == 1:
        return Arrived(kind="picture", files={"picture": members[0]})
    # Names carry the order of a stack and perhaps a person's name: only the order is kept.
    return Arrived(kind="volume", files={f"{k:05d}": file for k, file in enumerate(members)})


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in _NUMBERS.split(name)]


def _short(uid: str) -> str:
    if not uid:
        raise UnreadableStudy("an image has no name of its own", hint="export it again")
    return hashlib.sha256(uid.encode()).hexdigest()[:32]
