"""The audit log: who did what; append-only, and each entry's digest covers the one before."""

import hashlib
import json
import time
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ctsieve.web.database import Database
from ctsieve.web.tables import AuditEntry

BEGINNING: Final = "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Something somebody did; `subject` is an id, never a name of a patient."""

    action: str
    user: str = ""
    workspace_id: str = ""
    subject: str = ""
    detail: str = ""


def record(database: Database, session: Session, act: Act) -> None:
    """Add `act` to the log, in the transaction of what it records."""
    database.lock_audit(session)
    previous = session.scalar(sa.select(AuditEntry.digest).order_by(AuditEntry.id.desc()).limit(1))
    entry = AuditEntry(
        at=round(time.time(), 3),
        user=act.user,
        workspace_id=act.workspace_id,
        action=act.action,
        subject=act.subject,
        detail=act.detail,
        previous=previous or BEGINNING,
        digest="",
    )
    entry.digest = digest_of(entry)
    session.add(entry)
    session.flush()


def digest_of(entry: AuditEntry) -> str:
    """SHA-256 over everything the entry says and the digest before it."""
    said = [entry.previous, entry.at, entry.user, entry.workspace_id]
    said += [entry.action, entry.subject, entry.detail]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a look at the whole log found."""

    entries: int
    broken_at: int | None
    """Number of the first entry that was changed or follows a removed one; None: all is whole."""
    last: str
    """Digest of the last entry: written down elsewhere, it shows later if the end was cut off."""
    holds: bool
    """Whether an entry has the digest that was asked for."""


def check(session: Session, *, expected: str = "") -> Checked:
    """Read the whole log; `expected` is a digest that was written down before, or empty."""
    entries, broken_at, last, holds = 0, None, BEGINNING, not expected
    for entry in session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id)):
        is_whole = entry.previous == last and entry.digest == digest_of(entry)
        if broken_at is None and not is_whole:
            broken_at = entry.id
        entries, last = entries + 1, entry.digest
        holds = holds or last == expected
    return Checked(entries=entries, broken_at=broken_at, last=last, holds=holds)
