"""The web app: routes, what every answer carries, and the page in front of them."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import FileResponse

from ctsieve.types.results import NOTICE
from ctsieve.version import __version__
from ctsieve.web.bodies import BoundedBodies
from ctsieve.web.openapi import Described
from ctsieve.web.problems import HANDLERS, problem
from ctsieve.web.routes import (
    admin,
    batches,
    bundles,
    candidates,
    contributions,
    events,
    health,
    oidc,
    questions,
    releases,
    session,
    studies,
    uploads,
)
from ctsieve.web.service import Service

PREFIX: Final = "/api/v1"
STATIC: Final = Path(__file__).parent / "static"
PAGE_POLICY: Final = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data: blob:; connect-src 'self' blob: data:; worker-src 'self' blob:;"
    " object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
)
"""Nothing leaves the host; the viewer needs WebAssembly, and styles that it sets itself."""
FILE_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:;"
    " frame-ancestors 'self'; sandbox allow-scripts"
)
"""Of what came from a study: the report's script runs in an origin of its own and loads nothing."""
HEADERS: Final = {
    "X-Notice": NOTICE,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
_HTTPS: Final = {"Strict-Transport-Security": "max-age=31536000"}


def make_app(service: Service) -> FastAPI:
    """The app of a service."""
    app = Described(
        title="ctsieve",
        version=__version__,
        description=NOTICE,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.service = service
    api = APIRouter(prefix=PREFIX)
    subjects = (session, oidc, uploads, studies, questions, batches, events)
    for part in (*subjects, contributions, releases, bundles, candidates, admin, health):
        api.include_router(part.router)
    app.include_router(api)
    # Where probes of other programs look for them, too.
    app.include_router(health.router, include_in_schema=False)
    for kind, answer in HANDLERS.items():
        app.add_exception_handler(kind, answer)
    app.add_middleware(BoundedBodies)
    app.middleware("http")(_finish_answers)
    app.get("/{path:path}", include_in_schema=False)(_page)
    return app


async def _finish_answers(
    request: Request, proceed: Callable[[Request], Awaitable[Response]]
) -> Response:
    response = await proceed(request)
    is_file = "/artefacts/" in request.url.path
    response.headers.setdefault("Content-Security-Policy", FILE_POLICY if is_file else PAGE_POLICY)
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.url.scheme == "https":
        response.headers.update(_HTTPS)
    if request.url.path.startswith(PREFIX):
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def _page(path: str) -> Response:
    """A file of the page; every other address is the page itself, which knows its own."""
    if path.startswith("api/"):
        return problem(404, "there is no such address", code="not-there")
    root = STATIC.resolve()
    file = (root / path).resolve()
    if path and file.is_relative_to(root) and file.is_file():
        lasting = "public, max-age=31536000, immutable" if "/assets/" in f"/{path}" else "no-cache"
        return FileResponse(file, headers={"Cache-Control": lasting})
    if (root / "index.html").is_file():
        return FileResponse(root / "index.html", headers={"Cache-Control": "no-cache"})
    return problem(404, "this installation has no page", hint="use the API", code="no-page")
