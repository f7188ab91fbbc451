"""Users, keys, the audit log, the disk: for admins; and the set-up, for everybody signed in."""

import shutil
from datetime import UTC, datetime
from typing import Annotated, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from ctsieve.web import audit as log
from ctsieve.web.access import FOR_ADMINS, FOR_VIEWERS, Admin, Serving
from ctsieve.web.recovery import forget_keys, new_password
from ctsieve.web.tables import AuditEntry

router = APIRouter(tags=["admin"])

Role = Literal["viewer", "clinician", "reviewer", "admin"]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9._@-]{1,64}$")]


class NewUser(BaseModel):
    """Somebody to come."""

    name: Name
    role: Role = "clinician"
    workspace: Name | None = None
    """The admin's own where absent; made where there is none of that name."""


class Change(BaseModel):
    """What of a user is to change."""

    role: Role | None = None
    locked: bool | None = None


class Account(BaseModel):
    """A user."""

    name: str
    role: str
    workspace: str
    locked: bool
    created: datetime


class NewAccount(BaseModel):
    """A user with the password for the first sign-in: shown once."""

    name: str
    password: str


class Key(BaseModel):
    """An API key: shown once."""

    key: str


class Ended(BaseModel):
    """How many API keys there were."""

    keys: int


class Entry(BaseModel):
    """One act."""

    id: int
    at: datetime
    user: str
    workspace: str
    action: str
    subject: str
    detail: str
    digest: str


class Asked(BaseModel):
    """Which entries of the audit log."""

    newest: bool = False
    """The newest first, instead of the oldest."""
    after: int | None = Field(default=None, ge=0, le=1 << 53)
    """From the entry that follows this one in that order; from the first where absent."""
    limit: int = Field(default=200, ge=1, le=1000)


class Log(BaseModel):
    """A part of the audit log, and whether all of it is as it was written.

    `next` is the `after` of the entries that follow, if there are any.
    """

    items: list[Entry]
    next: int | None
    broken_at: int | None


class Disk(BaseModel):
    """Room, in bytes."""

    total: int
    used: int
    free: int
    refused_below: int


class Settings(BaseModel):
    """What everybody who is signed in may know of the set-up."""

    max_upload_mb: int
    max_files: int
    min_free_mb: int
    deidentify: bool
    keep_days: float
    session_hours: float
    workers: int


@router.get("/users", dependencies=[FOR_ADMINS])
def users(service: Serving) -> list[Account]:
    """Every user."""
    return [
        Account(
            name=user.name, role=user.role, workspace=workspace, locked=user.locked,
            created=datetime.fromtimestamp(user.created, UTC),
        )
        for user, workspace in service.accounts.users()
    ]  # fmt: skip


@router.post("/users", status_code=201)
def add(asked: NewUser, service: Serving, by: Admin) -> NewAccount:
    """Make a user."""
    place = asked.workspace or by.workspace
    password = service.accounts.add(asked.name, role=asked.role, workspace=place, by=by)
    return NewAccount(name=asked.name, password=password)


@router.patch("/users/{name}", status_code=204)
def change(name: str, asked: Change, service: Serving, by: Admin) -> None:
    """Change a user's role, lock or unlock."""
    service.accounts.change(name, role=asked.role, locked=asked.locked, by=by)


@router.post("/users/{name}/keys", status_code=201)
def add_key(name: str, service: Serving, by: Admin) -> Key:
    """Make an API key of a user."""
    return Key(key=service.accounts.add_key(name, by=by))


@router.delete("/users/{name}/keys")
def end_keys(name: str, service: Serving, by: Admin) -> Ended:
    """End all API keys of a user, as when one of them was seen by somebody else."""
    return Ended(keys=forget_keys(service.database, name, by=by))


@router.post("/users/{name}/password", status_code=201)
def reset(name: str, service: Serving, by: Admin) -> NewAccount:
    """Give a user who lost the password a one-time password; all sessions of the user end."""
    return NewAccount(name=name, password=new_password(service.database, name, by=by))


@router.get("/audit", dependencies=[FOR_ADMINS])
def audit(service: Serving, asked: Annotated[Asked, Query()]) -> Log:
    """The audit log, in parts."""
    number = AuditEntry.id
    wanted = sa.select(AuditEntry).order_by(number.desc() if asked.newest else number)
    if asked.after is not None:
        wanted = wanted.where(number < asked.after if asked.newest else number > asked.after)
    with service.database.reading() as session:
        rows = list(session.scalars(wanted.limit(asked.limit + 1)))
        broken = log.check(session).broken_at
    shown = rows[: asked.limit]
    return Log(
        items=[_entry(row) for row in shown],
        next=shown[-1].id if len(rows) > len(shown) else None,
        broken_at=broken,
    )


@router.get("/disk", dependencies=[FOR_ADMINS])
def disk(service: Serving) -> Disk:
    """Room on the disk of studies and results."""
    found = shutil.disk_usage(service.settings.home)
    least = service.settings.min_free_mb << 20
    return Disk(total=found.total, used=found.used, free=found.free, refused_below=least)


@router.get("/settings", dependencies=[FOR_VIEWERS])
def settings(service: Serving) -> Settings:
    """The set-up, without what is secret."""
    told = service.settings.model_dump(include=set(Settings.model_fields))
    return Settings.model_validate(told)


def _entry(row: AuditEntry) -> Entry:
    return Entry(
        id=row.id, at=datetime.fromtimestamp(row.at, UTC), user=row.user,
        workspace=row.workspace_id, action=row.action, subject=row.subject,
        detail=row.detail, digest=row.digest,
    )  # fmt: skip
