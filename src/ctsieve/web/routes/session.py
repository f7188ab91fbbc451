"""Signing in and out."""

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from ctsieve.web.access import COOKIE, Serving, SignedIn, set_session
from ctsieve.web.identity import Identity

router = APIRouter(prefix="/session", tags=["session"])


class Credentials(BaseModel):
    """What a person types."""

    name: str = Field(max_length=64)
    password: str = Field(max_length=200)


class NewPassword(BaseModel):
    """The old password and the next."""

    old: str = Field(max_length=200)
    new: str = Field(max_length=200)


class UserShown(BaseModel):
    """A person."""

    name: str
    role: str


class WorkspaceShown(BaseModel):
    """Where the person works."""

    id: str
    name: str


class SessionShown(BaseModel):
    """Who is signed in; `csrf` goes with every write as the header X-CSRF-Token."""

    user: UserShown
    workspace: WorkspaceShown
    csrf: str | None
    must_change_password: bool


@router.post("")
def sign_in(
    given: Credentials, request: Request, response: Response, service: Serving
) -> SessionShown:
    """Sign in; sets the session's cookie."""
    address = request.client.host if request.client else ""
    token, found = service.accounts.sign_in(given.name, given.password, address=address)
    set_session(response, token, request=request, settings=service.settings)
    return _shown(found)


@router.get("")
def who(found: SignedIn) -> SessionShown:
    """Who is signed in."""
    return _shown(found)


@router.delete("", status_code=204)
def sign_out(request: Request, response: Response, service: Serving, found: SignedIn) -> None:
    """Sign out."""
    service.accounts.sign_out(request.cookies.get(COOKIE, ""), found)
    response.delete_cookie(COOKIE, path="/")


@router.post("/password", status_code=204)
def change_password(
    given: NewPassword, request: Request, service: Serving, found: SignedIn
) -> None:
    """Change the own password; every other session of the user ends."""
    keep = request.cookies.get(COOKIE, "")
    service.accounts.change_password(found, old=given.old, new=given.new, keep=keep)


def _shown(found: Identity) -> SessionShown:
    return SessionShown(
        user=UserShown(name=found.name, role=found.role),
        workspace=WorkspaceShown(id=found.workspace_id, name=found.workspace),
        csrf=found.csrf,
        must_change_password=found.must_change,
    )
