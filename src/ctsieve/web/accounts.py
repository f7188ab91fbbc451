"""Accounts: who may sign in, and as what.  Every change is in the audit log."""

import re
import time
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ctsieve.types.errors import UnknownName, UsageError
from ctsieve.web.audit import Act, record
from ctsieve.web.database import Database
from ctsieve.web.errors import InConflict, NotSignedIn, TooMany
from ctsieve.web.identity import ROLES, Identity
from ctsieve.web.oidc import Person
from ctsieve.web.passwords import digest_of, hash_password, is_password, new_token
from ctsieve.web.tables import ApiKey, ExternalUser, FailedLogin, Login, User, Workspace

ADMIN: Final = "admin"
NAME: Final = re.compile(r"[A-Za-z0-9._@-]{1,64}")
WINDOW_SECONDS: Final = 900.0
MOST_FAILURES: Final = 5
"""Of one name from one address within the window; of one address ten times as many."""


class Accounts:
    """Users, their sessions and keys."""

    def __init__(self, database: Database, *, session_hours: float) -> None:
        self._database = database
        self._seconds = session_hours * 3600

    def ensure_admin(self) -> str | None:
        """Make the first admin where there is no user; its one-time password, else None."""
        password = new_token()
        kept = hash_password(password)
        with self._database.writing() as session:
            if session.scalar(sa.select(User.id).limit(1)) is not None:
                return None
            _add(session, ADMIN, password=kept, role=ADMIN, workspace=ADMIN)
            record(self._database, session, Act(action="user-made", subject=ADMIN))
        return password

    def add(self, name: str, *, role: str, workspace: str, by: Identity) -> str:
        """A new user; returns the password to be changed at the first sign-in.

        Raises:
            InConflict: there is a user of that name.
            UsageError: there is no such role.
        """
        _check_role(role)
        password = new_token()
        kept = hash_password(password)
        with self._database.writing() as session:
            if session.scalar(sa.select(User.id).where(User.name == name)) is not None:
                raise InConflict(f"there is a user {name!r} already")
            _add(session, name, password=kept, role=role, workspace=workspace)
            act = Act(
                action="user-made", user=by.name, workspace_id=by.workspace_id,
                subject=name, detail=f"role={role} workspace={workspace}",
            )  # fmt: skip
            record(self._database, session, act)
        return password

    def change(self, name: str, *, role: str | None, locked: bool | None, by: Identity) -> None:
        """Give a user another role, or lock or unlock; a locked user's sessions and keys end."""
        if role is not None:
            _check_role(role)
        with self._database.writing() as session:
            user = _user(session, name)
            if user.id == by.user_id:
                raise InConflict(
                    "nobody changes the own account", hint="ask another admin to do it"
                )
            user.role = role or user.role
            user.locked = user.locked if locked is None else locked
            if user.locked:
                session.execute(sa.delete(Login).where(Login.user_id == user.id))
                session.execute(sa.delete(ApiKey).where(ApiKey.user_id == user.id))
            act = Act(
                action="user-changed", user=by.name, workspace_id=by.workspace_id,
                subject=name, detail=f"role={user.role} locked={user.locked}",
            )  # fmt: skip
            record(self._database, session, act)

    def add_key(self, name: str, *, by: Identity) -> str:
        """A new API key of a user: shown once."""
        token = f"ctsieve_{new_token()}"
        with self._database.writing() as session:
            user = _user(session, name)
            session.add(ApiKey(digest=digest_of(token), user_id=user.id))
            act = Act(action="key-made", user=by.name, workspace_id=by.workspace_id, subject=name)
            record(self._database, session, act)
        return token

    def users(self) -> list[tuple[User, str]]:
        """Every user with the name of the workspace."""
        wanted = sa.select(User, Workspace.name).join(Workspace, User.workspace_id == Workspace.id)
        with self._database.reading() as session:
            return [(user, name) for user, name in session.execute(wanted.order_by(User.name))]

    def sign_in(self, name: str, password: str, *, address: str) -> tuple[str, Identity]:
        """A new session: the cookie's token, and who it is.

        Raises:
            NotSignedIn: no such user, a wrong password, or a locked account: not told apart.
            TooMany: too many failures lately.
        """
        self._check_attempts(name, address)
        with self._database.reading() as session:
            user = session.scalar(sa.select(User).where(User.name == name))
        if not is_password(password, user.password if user else None) or not user or user.locked:
            self._count_failure(name, address)
            raise NotSignedIn("the name or the password is wrong", hint="an admin can help")
        with self._database.writing() as session:
            session.execute(sa.delete(FailedLogin).where(FailedLogin.who == f"{name}@{address}"))
            token = self._open_session(session, user, way="password")
        return token, self.by_cookie(token)

    def sign_in_external(self, person: Person, *, workspace: str) -> str:
        """A new session's token for whom a provider vouches for; a user is made at the first time.

        Name and workspace stay as they were then; the role is the provider's every time.

        Raises:
            NotSignedIn: the account is locked.
            InConflict: a user of another origin has this name.
        """
        with self._database.writing() as session:
            known = session.get(ExternalUser, (person.issuer, person.subject))
            if known is None:
                user = _add_external(session, person, workspace)
                act = Act(
                    action="user-made", workspace_id=user.workspace_id, subject=user.name,
                    detail=f"role={user.role} by={person.issuer}",
                )  # fmt: skip
                record(self._database, session, act)
            else:
                user = session.get_one(User, known.user_id)
            if user.locked:
                raise NotSignedIn("this account is locked", hint="an admin can help")
            user.role = person.role
            return self._open_session(session, user, way=person.issuer)

    def _open_session(self, session: Session, user: User, *, way: str) -> str:
        token = new_token()
        session.execute(sa.delete(Login).where(Login.expires < time.time()))
        expires = time.time() + self._seconds
        session.add(
            Login(digest=digest_of(token), user_id=user.id, csrf=new_token(), expires=expires)
        )
        act = Act(action="signed-in", user=user.name, workspace_id=user.workspace_id, detail=way)
        record(self._database, session, act)
        return token

    def sign_out(self, token: str, by: Identity) -> None:
        """End a session."""
        with self._database.writing() as session:
            session.execute(sa.delete(Login).where(Login.digest == digest_of(token)))
            act = Act(action="signed-out", user=by.name, workspace_id=by.workspace_id)
            record(self._database, session, act)

    def change_password(self, by: Identity, *, old: str, new: str, keep: str) -> None:
        """Give oneself another password; every other session ends.

        Raises:
            NotSignedIn: the old one is wrong.
            UsageError: the new one is no good.
        """
        self._check_attempts(by.name, "password")
        with self._database.reading() as session:
            kept = session.scalars(sa.select(User).where(User.id == by.user_id)).one().password
        if not is_password(old, kept):
            self._count_failure(by.name, "password")
            raise NotSignedIn("the old password is wrong")
        if new == old:
            raise UsageError("the new password is the old one", hint="choose another")
        hashed = hash_password(new)
        with self._database.writing() as session:
            user = _user(session, by.name)
            user.password, user.must_change = hashed, False
            others = Login.user_id == user.id, Login.digest != digest_of(keep)
            session.execute(sa.delete(Login).where(*others))
            act = Act(action="password-changed", user=by.name, workspace_id=by.workspace_id)
            record(self._database, session, act)

    def by_cookie(self, token: str) -> Identity:
        """Whose session this is.

        Raises:
            NotSignedIn: nobody's, or it has ended.
        """
        wanted = (
            sa.select(User, Workspace.name, Login.csrf)
            .join(Login, Login.user_id == User.id)
            .join(Workspace, Workspace.id == User.workspace_id)
            .where(Login.digest == digest_of(token), Login.expires > time.time())
        )
        return self._identity(wanted)

    def by_key(self, token: str) -> Identity:
        """Whose API key this is.

        Raises:
            NotSignedIn: nobody's.
        """
        wanted = (
            sa.select(User, Workspace.name, sa.cast(sa.null(), sa.String))
            .join(ApiKey, ApiKey.user_id == User.id)
            .join(Workspace, Workspace.id == User.workspace_id)
            .where(ApiKey.digest == digest_of(token))
        )
        return self._identity(wanted)

    def _identity(self, wanted: sa.Select[User, str, str | None]) -> Identity:
        with self._database.reading() as session:
            found = session.execute(wanted).one_or_none()
        if found is None or found[0].locked:
            raise NotSignedIn("nobody is signed in", hint="sign in, or give an API key")
        user, workspace, csrf = found
        return Identity(
            user_id=user.id,
            name=user.name,
            role=user.role,
            workspace_id=user.workspace_id,
            workspace=workspace,
            must_change=user.must_change,
            csrf=csrf,
        )

    def _check_attempts(self, name: str, address: str) -> None:
        since = FailedLogin.at > time.time() - WINDOW_SECONDS
        with self._database.reading() as session:
            for who, most in ((f"{name}@{address}", MOST_FAILURES), (address, 10 * MOST_FAILURES)):
                counted = sa.select(sa.func.count()).where(FailedLogin.who == who, since)
                if (session.scalar(counted) or 0) >= most:
                    raise TooMany("too many wrong passwords", hint="wait a quarter of an hour")

    def _count_failure(self, name: str, address: str) -> None:
        now = time.time()
        with self._database.writing() as session:
            session.execute(sa.delete(FailedLogin).where(FailedLogin.at < now - WINDOW_SECONDS))
            session.add_all(FailedLogin(who=w, at=now) for w in (f"{name}@{address}", address))
            record(self._database, session, Act(action="sign-in-failed", subject=name[:64]))


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise UsageError(f"there is no role {role!r}", hint=f"known: {', '.join(ROLES)}")


def _user(session: Session, name: str) -> User:
    user = session.scalar(sa.select(User).where(User.name == name))
    if user is None:
        raise UnknownName(f"there is no user {name!r}")
    return user


def _add_external(session: Session, person: Person, workspace: str) -> User:
    if not NAME.fullmatch(person.name):
        raise NotSignedIn(f"the provider's name {person.name[:64]!r} cannot be a name here")
    if session.scalar(sa.select(User.id).where(User.name == person.name)) is not None:
        raise InConflict(
            f"there is another user {person.name!r}", hint="an admin must rename one of them"
        )
    _add(session, person.name, password="", role=person.role, workspace=workspace)
    user = _user(session, person.name)
    user.must_change = False
    session.add(ExternalUser(issuer=person.issuer, subject=person.subject, user_id=user.id))
    return user


def _add(session: Session, name: str, *, password: str, role: str, workspace: str) -> None:
    place = session.scalar(sa.select(Workspace).where(Workspace.name == workspace))
    if place is None:
        place = Workspace(name=workspace)
        session.add(place)
        session.flush()
    session.add(User(name=name, password=password, role=role, workspace_id=place.id))
