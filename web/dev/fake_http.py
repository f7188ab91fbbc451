"""What the fake service's routes share: errors, and the state that hangs on the application."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import JSONResponse
from web.dev.fake_state import Fake


def problem(status: int, title: str, *, detail: str = "", hint: str = "") -> JSONResponse:
    """An error as the service writes it."""
    body = {"title": title, "detail": detail, "hint": hint, "code": title.lower()}
    return JSONResponse(body, status_code=status, media_type="application/problem+json")


def the_fake(request: Request) -> Fake:
    """The state of the application that is asked."""
    fake: Fake = request.app.state.fake
    return fake


State = Annotated[Fake, Depends(the_fake)]
