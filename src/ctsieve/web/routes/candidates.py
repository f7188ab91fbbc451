"""Candidate bundles: uploaded, tried on the locked sets, promoted only if shown to be not worse."""

import tempfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import anyio
from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel

from ctsieve.jobs.trials import TrialState
from ctsieve.web.access import FOR_REVIEWERS, Admin, Serving
from ctsieve.web.errors import TooLarge
from ctsieve.web.service import Service
from ctsieve.web.tables import Candidate

router = APIRouter(prefix="/candidates", tags=["candidates"])


class CandidateShown(BaseModel):
    """A candidate, and how its last trial stands; null: it was not tried."""

    id: str
    name: str
    version: str
    digest: str
    user: str
    created: datetime
    trained_on: str
    """Digest of a release, as whoever uploaded it says."""
    trial: TrialState | None
    times_tried: int
    """How many candidates these locked sets have judged: the more, the less a pass is worth."""


@router.get("", dependencies=[FOR_REVIEWERS])
def candidates(service: Serving) -> list[CandidateShown]:
    """Every candidate, the newest first."""
    return [_shown(service, row) for row in service.candidates.rows()]


@router.post(
    "",
    status_code=201,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/octet-stream": {"schema": {"type": "string"}}},
        }
    },
)
async def upload(
    request: Request,
    service: Serving,
    by: Admin,
    trained_on: Annotated[str, Query(pattern=r"^([0-9a-f]{64})?$")] = "",
) -> CandidateShown:
    """Send a bundle (a .ctsieve file) to be tried; `trained_on` is the digest of a release."""
    limit = service.settings.max_upload_bytes
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limit:
        raise TooLarge(f"the limit is {service.settings.max_upload_mb} MB")
    with tempfile.TemporaryDirectory(dir=service.settings.home, prefix=".candidate-") as folder:
        archive = Path(folder) / "candidate.ctsieve"
        await _save(request.stream(), archive, limit)

        def take() -> CandidateShown:
            return _shown(service, service.candidates.take(archive, by, trained_on=trained_on))

        return await run_in_threadpool(take)


@router.get("/{candidate}", dependencies=[FOR_REVIEWERS])
def look(candidate: str, service: Serving) -> CandidateShown:
    """A candidate."""
    return _shown(service, service.candidates.find(candidate))


@router.post("/{candidate}/try", status_code=202)
def try_(candidate: str, service: Serving, by: Admin) -> CandidateShown:
    """Have a worker score the locked sets with it and with the bundle in use."""
    row = service.candidates.find(candidate)
    return _shown(service, service.candidates.try_(row, by))


@router.post("/{candidate}/promote", status_code=204)
def promote(candidate: str, service: Serving, by: Admin) -> None:
    """Let it judge from now on; refused, with the reasons, unless shown to be not worse."""
    service.candidates.promote(service.candidates.find(candidate), by)


async def _save(body: AsyncIterator[bytes], path: Path, limit: int) -> None:
    size = 0
    async with await anyio.open_file(path, "wb") as file:
        async for chunk in body:
            size += len(chunk)
            if size > limit:
                raise TooLarge(f"the limit is {limit >> 20} MB")
            await file.write(chunk)


def _shown(service: Service, row: Candidate) -> CandidateShown:
    fields = ("id", "name", "version", "digest", "user", "trained_on")
    return CandidateShown(
        **{name: getattr(row, name) for name in fields},
        created=datetime.fromtimestamp(row.created, UTC),
        trial=service.candidates.state(row),
        times_tried=service.candidates.times_tried(row),
    )
