"""A fake ctsieve service for work on the page: the REST contract over canned, real answers.

    python -m web.dev.fake_server --port 8711 [--study FOLDER] [--picture FILE]

Signs anybody in whose name is admin, clinician, reviewer or viewer and whose password is
`ctsieve`.  Uploaded bytes are counted and thrown away: every study gets a sample's answer.
A development tool, not shipped.
"""

import argparse
import tempfile
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Response
from fastapi.responses import FileResponse
from web.dev import fake_people, fake_sessions, fake_studies
from web.dev.fake_state import Fake
from web.dev.samples import phantom, screened

STATIC = Path(__file__).parents[2] / "src" / "ctsieve" / "web" / "static"


def fake_service(fake: Fake) -> FastAPI:
    """The fake service as an application."""
    app = FastAPI()
    app.state.fake = fake
    app.state.sessions = {}
    app.middleware("http")(fake_sessions.guard)
    for routes in (fake_sessions, fake_studies, fake_people):
        app.include_router(routes.router)
    page(app)
    return app


def page(app: FastAPI) -> None:
    """The built page, with index.html for every route of its own."""

    @app.get("/{path:path}")
    async def static(path: str) -> Response:
        file = (STATIC / path).resolve()
        inside = file.is_relative_to(STATIC) and file.is_file()
        return FileResponse(file if inside else STATIC / "index.html")


def main() -> None:
    """Screen the samples and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8711)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "ctsieve-page")
    parser.add_argument("--study", type=Path, action="append", default=[])
    parser.add_argument("--picture", type=Path, action="append", default=[])
    asked = parser.parse_args()
    cache: Path = asked.cache
    cache.mkdir(parents=True, exist_ok=True)
    sources = asked.study or [phantom(kind, cache) for kind in ("normal", "covid")]
    samples = [screened(source, cache / f"s-{source.name}") for source in sources]
    pictures = [screened(source, cache / f"p-{source.stem}") for source in asked.picture]
    uvicorn.run(
        fake_service(Fake(samples, pictures)),
        host="127.0.0.1",
        port=asked.port,
        log_level="warning",
    )


if __name__ == "__main__":
    main()
