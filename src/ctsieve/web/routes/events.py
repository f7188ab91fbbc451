"""Progress as it happens: server-sent events."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from ctsieve.web.access import Serving, Viewer, identify
from ctsieve.web.blinding import withheld
from ctsieve.web.errors import NotSignedIn
from ctsieve.web.records import blinded

router = APIRouter(tags=["events"])

BEAT_SECONDS: Final = 15.0
"""A sign of life so often, and a look whether the session still holds."""


@router.get("/events", response_class=StreamingResponse)
async def events(request: Request, service: Serving, by: Viewer) -> StreamingResponse:
    """Every change of a study of the own workspace: event `study`, data as in `GET /studies`."""

    async def told() -> AsyncIterator[str]:
        who, looked = by, time.monotonic()
        with service.watchers.watching(by.workspace_id) as queue:
            yield "retry: 2000\n\n"
            while True:
                study = None
                with suppress(TimeoutError):
                    study = await asyncio.wait_for(queue.get(), BEAT_SECONDS)
                # By the clock, not by the silence: a busy ward never has any.
                if time.monotonic() - looked >= BEAT_SECONDS:
                    try:
                        who = await run_in_threadpool(identify, request, service)
                    except NotSignedIn:
                        return
                    looked = time.monotonic()
                if study is None:
                    yield ": still here\n\n"
                    continue
                if await run_in_threadpool(withheld, service.database, who, [study.id]):
                    study = blinded(study)
                yield f"event: study\ndata: {study.model_dump_json()}\n\n"

    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(told(), media_type="text/event-stream", headers=headers)
