"""The fake service's uploads and studies: bytes are counted and thrown away."""

import asyncio
import itertools
import json
import math
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse, StreamingResponse
from web.dev.fake_http import State, problem
from web.dev.fake_state import Fake, Json, media_type, now

UPLOAD_LIMIT = 2 * 1024**3
TASKS: set[asyncio.Task[None]] = set()
"""Kept, or the event loop may drop them."""

router = APIRouter()


@router.post("/api/v1/uploads")
async def begin(fake: State, request: Request) -> Response:
    """Open an upload."""
    told = await request.json()
    if sum(file["size"] for file in told["files"]) > UPLOAD_LIMIT:
        return problem(413, "The upload is too large", hint="the limit is 2 GB")
    number = secrets.token_hex(6)
    fake.uploads[number] = {"kind": told["kind"], "offsets": [0] * len(told["files"])}
    parts = [{"name": file["name"], "offset": 0} for file in told["files"]]
    return JSONResponse({"id": number, "parts": parts})


@router.put("/api/v1/uploads/{number}/files/{part}")
async def piece(fake: State, number: str, part: int, offset: int, request: Request) -> Response:
    """Take a piece at its offset, or say where the upload stands."""
    offsets = fake.uploads[number]["offsets"]
    if offset != offsets[part]:
        return JSONResponse({"offset": offsets[part]}, status_code=409)
    async for chunk in request.stream():
        offsets[part] += len(chunk)
    return JSONResponse({"offset": offsets[part]})


@router.post("/api/v1/uploads/{number}/finish")
async def finish(fake: State, number: str) -> Response:
    """Close an upload and start screening."""
    upload = fake.uploads[number]
    pictures = upload["kind"] == "pictures" and bool(fake.pictures)
    batch = secrets.token_hex(6) if pictures else None
    wanted = len(upload["offsets"]) if pictures else 1
    pool = itertools.cycle(fake.pictures if pictures else fake.samples)
    made = [fake.receive(sample, batch=batch) for sample in itertools.islice(pool, wanted)]
    for study in made:
        fake.tell(study)
        task = asyncio.create_task(fake.play(study))
        TASKS.add(task)
        task.add_done_callback(TASKS.discard)
    if batch:
        fake.batches[batch] = {"id": batch, "received": now(), "studies": made}
    answer: Json = {"studies": [{"id": study} for study in made]}
    return JSONResponse(answer | ({"batch": batch} if batch else {}))


@router.get("/api/v1/studies")
async def listed(fake: State, status: str = "", q: str = "") -> Response:
    """List them."""
    found = [s for s in fake.studies.values() if status in {"", s["status"]} and q in s["id"]]
    return JSONResponse({"items": found[::-1], "next": None})


@router.get("/api/v1/studies/{study}")
async def one(fake: State, study: str) -> Response:
    """One study with its answer."""
    if study not in fake.studies:
        return problem(404, "There is no such study")
    state, done = fake.studies[study], fake.studies[study]["status"] in {"done", "rejected"}
    more: Json = {"screening": None, "artefacts": []}
    if done:
        more = {"screening": fake.answer(study), "artefacts": fake.artefacts(study)}
    return JSONResponse(state | more)


@router.delete("/api/v1/studies/{study}")
async def delete(fake: State, study: str) -> Response:
    """Forget a study."""
    del fake.studies[study]
    return Response(status_code=204)


@router.get("/api/v1/studies/{study}/artefacts/{name}")
async def artefact(fake: State, study: str, name: str) -> Response:
    """One file of a study."""
    path = fake.folders[study] / Path(name).name
    if not path.is_file():
        return problem(404, "There is no such artefact")
    return FileResponse(path, media_type=media_type(name))


@router.get("/api/v1/studies/{study}/predictive")
async def predictive(fake: State, study: str, prevalence: float) -> Response:
    """Predictive values at a prevalence."""
    rule = fake.answer(study)["recipe"]["scan"]["thresholds"][0]
    hit, clear = rule["sensitivity"] or 0.8, min(rule["specificity"] or 0.9, 0.95)
    ill, well = prevalence, 1 - prevalence
    ppv = hit * ill / (hit * ill + (1 - clear) * well)
    npv = clear * well / (clear * well + (1 - hit) * ill)
    return JSONResponse({"ppv": ppv, "npv": npv})


@router.post("/api/v1/studies/{study}/without")
async def without(fake: State, study: str, request: Request) -> Response:
    """The answer without some slices; roughly, for this is a fake."""
    gone, answer = set((await request.json())["slices"]), fake.answer(study)
    left = sorted((s for s in answer["slices"] if s["index"] not in gone),
                  key=lambda s: -s["weight"])  # fmt: skip
    if len(left) < answer["recipe"]["min_slices"]:
        return problem(409, "Too few slices are left", detail="The bundle needs 8.")
    label = answer["recipe"]["labels"][0]
    values = sorted((s["probability"][label] for s in left), reverse=True)
    kept = values[: max(1, math.ceil(len(values) / 4))]
    probability = sum(kept) / len(kept)
    call = "positive" if probability >= answer["prediction"]["threshold"][label] else "negative"
    return JSONResponse({"probability": probability, "call": call, "abstained": None})


@router.get("/api/v1/batches/{batch}.csv")
async def table(fake: State, batch: str) -> Response:
    """A batch as CSV."""
    rows = [fake.studies[study] for study in fake.batches[batch]["studies"]]
    lines = [f"{s['id']},{s['verdict']},{s['probability']}" for s in rows]
    return PlainTextResponse("\n".join(["id,verdict,probability", *lines]), media_type="text/csv")


@router.get("/api/v1/batches/{batch}")
async def batch(fake: State, batch: str) -> Response:
    """The studies of a batch."""
    known = fake.batches[batch]
    items = [fake.studies[study] for study in known["studies"]]
    return JSONResponse({"id": batch, "received": known["received"], "items": items})


@router.get("/api/v1/events")
async def events(fake: State) -> Response:
    """Live news."""
    return StreamingResponse(news(fake), media_type="text/event-stream")


async def news(fake: Fake) -> AsyncIterator[str]:
    """Every change of a study, as server-sent events."""
    queue: asyncio.Queue[Json] = asyncio.Queue()
    fake.listeners.add(queue)
    try:
        yield ": welcome\n\n"
        while True:
            study = await queue.get()
            yield f"event: study\ndata: {json.dumps(study)}\n\n"
    finally:
        fake.listeners.discard(queue)
