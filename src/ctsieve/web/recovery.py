"""What an admin, or who runs the machine, does about lost passwords and keys."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ctsieve.types.errors import UnknownName
from ctsieve.web.audit import Act, record
from ctsieve.web.database import Database
from ctsieve.web.errors import InConflict
from ctsieve.web.identity import Identity
from ctsieve.web.passwords import hash_password, new_token
from ctsieve.web.tables import ApiKey, ExternalUser, Login, User


def new_password(database: Database, name: str, *, by: Identity | None) -> str:
    """A one-time password for somebody who lost the own; all sessions of that user end.

    `by` is None where it is asked for at the machine itself.

    Raises:
        UnknownName: there is no such user.
        InConflict: it is one's own account, or the institution keeps its password.
    """
    password = new_token()
    kept = hash_password(password)
    with database.writing() as session:
        user = _user(session, name)
        if by is not None and user.id == by.user_id:
            raise InConflict("nobody resets the own password", hint="change it, or ask an admin")
        external = sa.select(ExternalUser.subject).where(ExternalUser.user_id == user.id)
        if session.scalar(external) is not None:
            raise InConflict(
                f"{name!r} signs in by the institution's account", hint="its password is kept there"
            )
        user.password, user.must_change = kept, True
        session.execute(sa.delete(Login).where(Login.user_id == user.id))
        record(database, session, _act("password-reset", name, by))
    return password


def forget_keys(database: Database, name: str, *, by: Identity) -> int:
    """End all API keys of a user; how many there were.

    Raises:
        UnknownName: there is no such user.
    """
    with database.writing() as session:
        own = ApiKey.user_id == _user(session, name).id
        number = session.scalar(sa.select(sa.func.count()).select_from(ApiKey).where(own)) or 0
        session.execute(sa.delete(ApiKey).where(own))
        record(database, session, _act("keys-ended", name, by, f"keys={number}"))
    return number


def _user(session: Session, name: str) -> User:
    user = session.scalar(sa.select(User).where(User.name == name))
    if user is None:
        raise UnknownName(f"there is no user {name!r}")
    return user


def _act(action: str, name: str, by: Identity | None, detail: str = "") -> Act:
    who = {"user": by.name, "workspace_id": by.workspace_id} if by is not None else {}
    return Act(
        action=action, subject=name, detail=detail or ("" if by else "at the machine"), **who
    )
