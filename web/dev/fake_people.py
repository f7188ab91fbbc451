"""The fake service's people: contributions and reviews, bundles, users, audit log, disk."""

import secrets

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from web.dev.fake_http import State
from web.dev.fake_state import Json, now

router = APIRouter()


@router.post("/api/v1/contributions")
async def contribute(fake: State, request: Request) -> Response:
    """Take in a contribution."""
    told = await request.json()
    by = request.state.session["user"]["name"]
    made: Json = {
        **told, "id": secrets.token_hex(6), "by": by, "received": now(),
        "status": "waiting", "reviews": [],
    }  # fmt: skip
    fake.contributions.append(made)
    fake.note(by, "contribution.made", told["study"])
    return JSONResponse(made, status_code=201)


@router.get("/api/v1/contributions")
async def contributions(fake: State, status: str = "") -> Response:
    """List contributions."""
    found = [c for c in fake.contributions if status in {"", c["status"]}]
    return JSONResponse({"items": found[::-1], "next": None})


@router.post("/api/v1/contributions/{number}/reviews")
async def review(fake: State, number: str, request: Request) -> Response:
    """Take in a second reading."""
    told, by = await request.json(), request.state.session["user"]["name"]
    found = next(c for c in fake.contributions if c["id"] == number)
    found["reviews"].append({**told, "by": by, "received": now()})
    found["status"] = "agreed" if told["label"] == found["label"] else "disputed"
    fake.note(by, "contribution.reviewed", number)
    return JSONResponse(found)


@router.get("/api/v1/agreement")
async def agreement(fake: State) -> Response:
    """How well readers agree."""
    read = [c for c in fake.contributions if c["reviews"]]
    if not read:
        return JSONResponse({"kappa": None, "interval": None, "n": 0})
    kappa = sum(c["status"] == "agreed" for c in read) / len(read)
    interval = [max(-1, kappa - 0.3), min(1, kappa + 0.3)]
    return JSONResponse({"kappa": kappa, "interval": interval, "n": len(read)})


@router.get("/api/v1/bundles")
async def listed(fake: State) -> Response:
    """List them."""
    return JSONResponse({"items": fake.bundles})


@router.post("/api/v1/bundles/{bundle}/{version}/use")
async def use(fake: State, bundle: str, version: str, request: Request) -> Response:
    """Use this bundle from now on."""
    for one in fake.bundles:
        one["current"] = (one["name"], one["version"]) == (bundle, version)
    fake.note(request.state.session["user"]["name"], "bundle.used", f"{bundle} {version}")
    return Response(status_code=204)


@router.get("/api/v1/users")
async def users(fake: State) -> Response:
    """List users."""
    return JSONResponse({"items": list(fake.users.values()), "next": None})


@router.post("/api/v1/users")
async def add(fake: State, request: Request) -> Response:
    """Add a user."""
    told = await request.json()
    user = {**told, "locked": False, "created": now(), "last_seen": None}
    fake.users[told["name"]] = user
    return JSONResponse({**user, "password": secrets.token_urlsafe(9)}, status_code=201)


@router.patch("/api/v1/users/{name}")
async def change(fake: State, name: str, request: Request) -> Response:
    """Change a user."""
    fake.users[name] |= await request.json()
    fake.note(request.state.session["user"]["name"], "user.changed", name)
    return JSONResponse(fake.users[name])


@router.post("/api/v1/users/{name}/keys")
async def key(name: str) -> Response:
    """Make an API key."""
    return JSONResponse({"id": name, "key": f"cts_{secrets.token_urlsafe(24)}"})


@router.get("/api/v1/audit")
async def audit(fake: State) -> Response:
    """The audit log, the newest first."""
    return JSONResponse({"items": fake.audit[::-1], "next": None, "intact": True})


@router.get("/api/v1/disk")
async def disk(fake: State) -> Response:
    """Room on the disk."""
    used = {"used_bytes": 3_400_000_000, "free_bytes": 88_000_000_000}
    return JSONResponse({**used, "studies": len(fake.studies)})


@router.get("/api/v1/settings")
async def settings() -> Response:
    """What the service allows."""
    return JSONResponse({
        "max_upload_bytes": 2 * 1024**3, "retention_days": 90, "version": "0.1.0",
        "labels": ["covid19", "other_pneumonia", "neither"],
        "lesions": ["GGO", "Csld", "CrPa", "AirBr", "InSepThi"],
    })  # fmt: skip
