"""Who asks, and whether they may: cookies with a CSRF token, or API keys."""

import secrets
from collections.abc import Callable
from typing import Annotated, Final

from fastapi import Depends, Request, Response

from ctsieve.web.errors import NotAllowed, NotSignedIn
from ctsieve.web.identity import Identity
from ctsieve.web.service import Service
from ctsieve.web.settings import ServeSettings

COOKIE: Final = "ctsieve_session"
CSRF_HEADER: Final = "x-csrf-token"
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_BEARER: Final = "bearer "


def service_of(request: Request) -> Service:
    """The service behind the app."""
    service: Service = request.app.state.service
    return service


Serving = Annotated[Service, Depends(service_of)]


def identify(request: Request, service: Serving) -> Identity:
    """Who asks, password changed or not.

    Raises:
        NotSignedIn: nobody known.
        NotAllowed: a browser wants to change something without its CSRF token.
    """
    given = request.headers.get("authorization", "")
    if given.lower().startswith(_BEARER):
        return service.accounts.by_key(given[len(_BEARER) :])
    cookie = request.cookies.get(COOKIE)
    if not cookie:
        raise NotSignedIn("nobody is signed in", hint="sign in, or give an API key")
    found = service.accounts.by_cookie(cookie)
    token = request.headers.get(CSRF_HEADER, "")
    if request.method not in _SAFE and not secrets.compare_digest(
        token.encode(), (found.csrf or "").encode()
    ):
        raise NotAllowed(
            "the request does not come from the page", hint=f"send the header {CSRF_HEADER}"
        )
    return found


def by_tls_only(request: Request, settings: ServeSettings) -> bool:
    """Whether a browser may send a cookie back by TLS alone."""
    return request.url.scheme == "https" or not settings.is_loopback


def set_session(
    response: Response, token: str, *, request: Request, settings: ServeSettings
) -> None:
    """Give the browser its session's cookie."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(settings.session_hours * 3600),
        httponly=True,
        samesite="strict",
        secure=by_tls_only(request, settings),
        path="/",
    )


def _who_may(role: str) -> Callable[[Request, Service], Identity]:
    def check(request: Request, service: Serving) -> Identity:
        found = identify(request, service)
        if found.must_change:
            raise NotAllowed("the password must be changed first", hint="POST /session/password")
        if not found.may(role):
            raise NotAllowed(f"this needs the role {role!r}", hint="ask an admin")
        return found

    return check


FOR_VIEWERS: Final = Depends(_who_may("viewer"))
FOR_REVIEWERS: Final = Depends(_who_may("reviewer"))
FOR_ADMINS: Final = Depends(_who_may("admin"))
"""Of routes that need not know who asks."""

SignedIn = Annotated[Identity, Depends(identify)]
Viewer = Annotated[Identity, FOR_VIEWERS]
Clinician = Annotated[Identity, Depends(_who_may("clinician"))]
Reviewer = Annotated[Identity, FOR_REVIEWERS]
Admin = Annotated[Identity, FOR_ADMINS]
