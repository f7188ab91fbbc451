"""The worklist, the answers, and what came of a study."""

import mimetypes
from pathlib import Path
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field

from ctsieve.web.access import Clinician, Serving, Viewer
from ctsieve.web.audit import Act, record
from ctsieve.web.blinding import IMAGES, check_answer, withheld
from ctsieve.web.errors import InConflict, NotThere
from ctsieve.web.records import ArtefactShown, StudyDetail, StudyShown, detail, shown
from ctsieve.web.studies import Page

router = APIRouter(prefix="/studies", tags=["studies"])

Order = Literal["received", "-received", "probability", "-probability", "status", "-status",
                "verdict", "-verdict"]  # fmt: skip
_SLICE: Final = "slice-"
_VOLUME: Final = "image.nii.gz"
_GZIP: Final = ".nii.gz"
_TAKEN: Final = ("report", "volume", "dicom", "data")
"""Kinds of files whose every download is in the audit log; small pictures and overlays are not."""


class StudyPage(BaseModel):
    """Some of the studies; `next` is the `after` of the following ones."""

    items: list[StudyShown]
    next: str | None


class Asked(BaseModel):
    """Which studies, in which order."""

    status: str | None = Field(default=None, max_length=100)
    """One, or several with commas."""
    q: str = Field(default="", max_length=100)
    sort: Order = "-received"
    limit: int = Field(default=50, ge=1, le=500)
    after: str | None = Field(default=None, pattern=r"^\d{1,9}$")


@router.get("")
def worklist(service: Serving, by: Viewer, asked: Annotated[Asked, Query()]) -> StudyPage:
    """Studies of the own workspace."""
    page = Page(
        status=asked.status, words=asked.q, order=asked.sort, limit=asked.limit, after=asked.after
    )
    rows, following = service.studies.page(page, by)
    hidden = withheld(service.database, by, [row.id for row in rows])
    return StudyPage(items=[shown(r, withheld=r.id in hidden) for r in rows], next=following)


@router.get("/{study}")
def look(study: str, service: Serving, by: Viewer) -> StudyDetail:
    """A study with its whole result."""
    row = service.studies.find(study, by)
    folder = service.studies.results(row)
    artefacts = _artefacts(folder) if folder else []
    with service.database.writing() as session:
        act = Act(action="study-seen", user=by.name, workspace_id=by.workspace_id, subject=row.id)
        record(service.database, session, act)
    hidden = withheld(service.database, by, [row.id])
    return detail(row, service.studies.screening(row), artefacts, withheld=bool(hidden))


@router.get("/{study}/artefacts/{name:path}", response_class=FileResponse)
def artefact(study: str, name: str, service: Serving, by: Viewer) -> FileResponse:
    """A file that came of a study."""
    row = service.studies.find(study, by)
    if name not in IMAGES:
        check_answer(service.database, by, row.id)
    folder = service.studies.results(row)
    if folder is None:
        raise NotThere("there is no result yet")
    known = {shown.name: path for shown, path in _files(folder)}
    if name not in known:
        raise NotThere(f"there is no {name!r} of this study")
    if _kind(name) in _TAKEN or name in IMAGES:
        act = Act(
            action="file-taken", user=by.name, workspace_id=by.workspace_id,
            subject=row.id, detail=name,
        )  # fmt: skip
        with service.database.writing() as session:
            record(service.database, session, act)
    return FileResponse(known[name], media_type=_media_type(name), filename=Path(name).name,
                        content_disposition_type="inline" if _is_shown(name) else "attachment",
                        headers={"Cache-Control": "private, no-cache"})  # fmt: skip


@router.delete("/{study}", status_code=204)
def delete(study: str, service: Serving, by: Clinician) -> None:
    """Delete a study, its images and everything that came of it; it cannot be undone."""
    row = service.studies.find(study, by)
    if service.releases.of_study(row.id):
        raise InConflict(
            "images of this study are in a release", hint="take its contributed case back first"
        )
    service.studies.delete(row, user=by.name)


def _artefacts(folder: Path) -> list[ArtefactShown]:
    return [shown for shown, _ in _files(folder)]


def _files(folder: Path) -> list[tuple[ArtefactShown, Path]]:
    """What there is, by the names the page uses: slices are counted from 0, as in the JSON."""
    found = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = path.relative_to(folder).as_posix()
        if name == "outcome.json":
            continue
        if name.startswith(f"slices/{_SLICE}"):
            name = f"{_SLICE}{int(path.stem.removeprefix(_SLICE)) - 1}.png"
        shown = ArtefactShown(
            name=name, kind=_kind(name), media_type=_media_type(name), size=path.stat().st_size
        )
        found.append((shown, path))
    return found


def _kind(name: str) -> Literal["report", "volume", "overlay", "picture", "dicom", "data"]:
    if name.endswith(_GZIP):
        return "volume" if name == _VOLUME else "overlay"
    kinds: dict[str, Literal["report", "picture", "dicom"]] = {
        ".html": "report", ".png": "picture", ".dcm": "dicom",
    }  # fmt: skip
    return kinds.get(Path(name).suffix, "data")


def _media_type(name: str) -> str:
    if name.endswith(".dcm"):
        return "application/dicom"
    if name.endswith(_GZIP):  # not gzip as an encoding: the viewer wants the file as it is
        return "application/octet-stream"
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def _is_shown(name: str) -> bool:
    return Path(name).suffix in (".html", ".png", ".json")
