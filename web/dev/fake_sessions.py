"""The fake service's sessions: sign in, sign out, passwords, and the guard before every route."""

import secrets
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from web.dev.fake_http import State, problem
from web.dev.fake_state import Json, now

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "font-src 'self'; connect-src 'self'; worker-src 'self' blob:; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
)
PASSWORD = "ctsieve"  # noqa: S105  # a fake service guards nothing

router = APIRouter()


async def guard(request: Request, call: Callable[[Request], Awaitable[Response]]) -> Response:
    """Only signed-in people, only writes with the token; headers on everything."""
    session = request.app.state.sessions.get(request.cookies.get("session", ""))
    request.state.session = session
    inside = request.url.path.startswith("/api/") and not request.url.path.endswith("/session")
    response: Response
    if inside and session is None:
        response = problem(401, "Sign in first")
    elif inside and request.method != "GET" and not _token_fits(request, session):
        response = problem(403, "The token is missing", hint="reload the page")
    else:
        response = await call(request)
    report = request.url.path.endswith("/report.html")
    if not report:
        response.headers["Content-Security-Policy"] = CSP
    response.headers["X-Notice"] = "research use only"
    return response


def _token_fits(request: Request, session: Json) -> bool:
    return request.headers.get("X-CSRF-Token") == session["csrf"]


@router.post("/api/v1/session")
async def sign_in(fake: State, request: Request) -> Response:
    """Sign somebody in."""
    told = await request.json()
    user = fake.users.get(told["name"])
    if user is None or told["password"] != PASSWORD:
        return problem(401, "Name or password is wrong")
    if user["locked"]:
        return problem(403, "This account is locked", hint="ask an administrator")
    user["last_seen"] = now()
    key = secrets.token_hex()
    request.app.state.sessions[key] = {
        "user": {"name": user["name"], "role": user["role"]},
        "workspace": {"id": "w1", "name": "Radiology"},
        "csrf": secrets.token_hex(8), "must_change_password": user["name"] == "viewer",
    }  # fmt: skip
    fake.note(user["name"], "session.opened", user["name"])
    answer = JSONResponse(request.app.state.sessions[key])
    answer.set_cookie("session", key, httponly=True, samesite="strict")
    return answer


@router.get("/api/v1/session")
async def session(request: Request) -> Response:
    """Who is signed in."""
    known = request.state.session
    return JSONResponse(known) if known else problem(401, "Nobody is signed in")


@router.delete("/api/v1/session")
async def sign_out(request: Request) -> Response:
    """Sign out."""
    request.app.state.sessions.pop(request.cookies.get("session", ""), None)
    return Response(status_code=204)


@router.post("/api/v1/session/password")
async def password(request: Request) -> Response:
    """Change the password."""
    told = await request.json()
    if told["old"] != PASSWORD:
        return problem(403, "The old password is wrong")
    request.state.session["must_change_password"] = False
    return Response(status_code=204)
