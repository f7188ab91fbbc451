"""The way in by an institution's own accounts."""

import json
from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

from ctsieve.types.errors import CtsieveError
from ctsieve.web.access import Serving, by_tls_only, set_session
from ctsieve.web.errors import NotSignedIn, NotThere
from ctsieve.web.oidc import ATTEMPT_SECONDS, Oidc
from ctsieve.web.service import Service

router = APIRouter(prefix="/session", tags=["session"])

COOKIE: Final = "ctsieve_oidc"
REFUSED: Final = "ctsieve_refused"
"""Why somebody was not signed in, for the page to show once."""
_SHOWN_SECONDS: Final = 60
Text = Annotated[str, Query(max_length=4096)]


class Provider(BaseModel):
    """Another way than a password; `start` is an address for the browser to go to."""

    title: str
    start: str


class Ways(BaseModel):
    """How one can sign in, beside name and password."""

    provider: Provider | None


@router.get("/ways")
def ways(request: Request, service: Serving) -> Ways:
    """How one can sign in, beside name and password."""
    if service.oidc is None:
        return Ways(provider=None)
    start = request.url_for("start_oidc").path
    return Ways(provider=Provider(title=service.oidc.settings.title, start=start))


@router.get("/oidc", status_code=303, response_class=Response)
def start_oidc(request: Request, service: Serving) -> Response:
    """Go to the provider."""
    begun = _oidc(service).begin(_redirect_uri(request, service))
    response = RedirectResponse(begun.url, 303)
    # Lax: the provider's answer comes from another site.
    response.set_cookie(
        COOKIE, begun.cookie, max_age=int(ATTEMPT_SECONDS), httponly=True, samesite="lax",
        secure=by_tls_only(request, service.settings), path=request.url_for("start_oidc").path,
    )  # fmt: skip
    return response


@router.get("/oidc/callback", status_code=303, response_class=Response)
def end_oidc(
    request: Request, service: Serving, state: Text = "", code: Text = "", error: Text = ""
) -> Response:
    """Come back from the provider; ends on the page, signed in or told why not."""
    oidc = _oidc(service)
    try:
        if error or not code:
            raise NotSignedIn("the provider did not sign you in", hint="begin anew")
        person = oidc.end(
            state=state,
            code=code,
            cookie=request.cookies.get(COOKIE, ""),
            redirect_uri=_redirect_uri(request, service),
        )
        token = service.accounts.sign_in_external(person, workspace=oidc.settings.workspace)
    except CtsieveError as refusal:
        if "text/html" not in request.headers.get("accept", ""):
            raise
        return _told_on_the_page(refusal, secure=by_tls_only(request, service.settings))
    response = RedirectResponse("/", 303)
    set_session(response, token, request=request, settings=service.settings)
    response.delete_cookie(COOKIE, path=request.url_for("start_oidc").path)
    return response


def _told_on_the_page(refusal: CtsieveError, *, secure: bool) -> Response:
    """Back to the page, with the sentence in a cookie: words in an address could be anybody's."""
    response = RedirectResponse("/", 303)
    said = quote(json.dumps({"detail": str(refusal), "hint": refusal.hint}))
    response.set_cookie(
        REFUSED, said, max_age=_SHOWN_SECONDS, samesite="lax", path="/", secure=secure
    )  # fmt: skip
    return response


def _oidc(service: Service) -> Oidc:
    if service.oidc is None:
        raise NotThere("there is no provider to sign in by")
    return service.oidc


def _redirect_uri(request: Request, service: Service) -> str:
    base = _oidc(service).settings.public_url
    path = request.url_for("end_oidc")
    return f"{base.rstrip('/')}{path.path}" if base else str(path)
