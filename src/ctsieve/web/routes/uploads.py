"""Bytes on their way in."""

from typing import Annotated, Literal

from anyio import to_thread
from fastapi import APIRouter, Path, Query, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field

from ctsieve.web.access import Clinician, Serving
from ctsieve.web.errors import TooLarge
from ctsieve.web.uploads import LONGEST_NAME, Part

router = APIRouter(prefix="/uploads", tags=["uploads"])


class Announced(BaseModel):
    """A file that will come; its name may hold folders."""

    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    size: int = Field(ge=0, le=1 << 50)


class NewUpload(BaseModel):
    """Files that will come."""

    files: list[Announced] = Field(min_length=1)
    kind: Literal["study", "pictures"] = "study"


class PartShown(BaseModel):
    """How many bytes of a file are there."""

    name: str
    offset: int


class UploadShown(BaseModel):
    """An upload as it stands."""

    id: str
    parts: list[PartShown]


class Offset(BaseModel):
    """Where to go on."""

    offset: int


class StudyMade(BaseModel):
    """A study to look at."""

    id: str
    file: int | None = None
    """Number of the announced file that it is, where it is a single one kept as it came."""


class Finished(BaseModel):
    """What came of an upload."""

    studies: list[StudyMade]
    batch: str | None = None


@router.post("")
def begin(asked: NewUpload, service: Serving, by: Clinician) -> UploadShown:
    """Announce files; refused at once if they are too large, or the disk is nearly full."""
    files = [(file.name, file.size) for file in asked.files]
    upload_id = service.uploads.begin(files, kind=asked.kind, by=by)
    parts = [PartShown(name=name, offset=0) for name, _ in files]
    return UploadShown(id=upload_id, parts=parts)


@router.get("/{upload}")
def look(upload: str, service: Serving, by: Clinician) -> UploadShown:
    """How far an upload is: where to go on after a broken connection."""
    parts = service.uploads.parts(service.uploads.row(upload, by))
    shown = [PartShown(name=part.name, offset=part.offset) for part in parts]
    return UploadShown(id=upload, parts=shown)


@router.put(
    "/{upload}/files/{number}",
    openapi_extra={"requestBody": {"content": {"application/octet-stream": {"schema": {}}}}},
)
async def take(
    request: Request,
    service: Serving,
    by: Clinician,
    upload: str,
    number: Annotated[int, Path(ge=0, le=1 << 31)],
    offset: Annotated[int, Query(ge=0, le=1 << 50)] = 0,
) -> Offset:
    """Send bytes of a file from `offset` on."""

    def find() -> Part:
        return service.uploads.part(service.uploads.row(upload, by), number)

    part = await run_in_threadpool(find)
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and offset + int(announced) > part.size:
        raise TooLarge(f"more than the {part.size} bytes that were announced")
    return Offset(offset=await service.uploads.take(part, offset=offset, body=request.stream()))


@router.post("/{upload}/finish")
async def finish(upload: str, service: Serving, by: Clinician) -> Finished:
    """Make studies of what arrived and hand them to the workers."""
    row = await run_in_threadpool(service.uploads.row, upload, by)
    # With a limiter of its own: whoever waits here keeps no thread from those who only look.
    found = await to_thread.run_sync(service.finish, row, by, limiter=service.sorting)
    return Finished.model_validate(found)
