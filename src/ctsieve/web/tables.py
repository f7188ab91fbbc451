"""The database of the service: what is kept, in tables.  Times are seconds since 1970."""

import time
import uuid
from typing import Any, ClassVar

from sqlalchemy import JSON, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Json = dict[str, Any]
Listed = list[Any]
"""What JSON holds, as columns are annotated with it."""


def new_id() -> str:
    """A name nobody can guess."""
    return uuid.uuid4().hex


class Table(DeclarativeBase):
    """What all tables share."""

    type_annotation_map: ClassVar = {Json: JSON, Listed: JSON}


class Workspace(Table):
    """What its members see, and nobody else."""

    __tablename__ = "workspaces"
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(unique=True)
    secret: Mapped[str] = mapped_column(default=new_id)
    """Key of the pseudonyms made here: those of two workspaces have nothing in common."""


class User(Table):
    """A person with a password."""

    __tablename__ = "users"
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(unique=True)
    password: Mapped[str]
    """Argon2id, with its parameters and salt."""
    role: Mapped[str]
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    locked: Mapped[bool] = mapped_column(default=False)
    must_change: Mapped[bool] = mapped_column(default=True)
    """The password was made by somebody else."""
    created: Mapped[float] = mapped_column(default=time.time)


class ApiKey(Table):
    """A key of a program that acts for a user; only its digest is kept."""

    __tablename__ = "api_keys"
    digest: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    created: Mapped[float] = mapped_column(default=time.time)


class Login(Table):
    """A session in a browser; only the digest of its cookie is kept."""

    __tablename__ = "logins"
    digest: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    csrf: Mapped[str]
    expires: Mapped[float]


class ExternalUser(Table):
    """Whom a sign-in provider calls what: the user of ours that is the same person."""

    __tablename__ = "external_users"
    issuer: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))


class OidcAttempt(Table):
    """A sign-in that went to the provider and has not come back."""

    __tablename__ = "oidc_attempts"
    state: Mapped[str] = mapped_column(primary_key=True)
    """Its digest, as `browser` is the digest of a cookie."""
    browser: Mapped[str]
    nonce: Mapped[str]
    verifier: Mapped[str]
    expires: Mapped[float]


class FailedLogin(Table):
    """A wrong password, counted for a while."""

    __tablename__ = "failed_logins"
    id: Mapped[int] = mapped_column(primary_key=True)
    who: Mapped[str] = mapped_column(index=True)
    at: Mapped[float]


class Upload(Table):
    """Files on their way in; how far each is, its bytes on disk say."""

    __tablename__ = "uploads"
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    kind: Mapped[str]
    files: Mapped[Listed] = mapped_column()  # JSON: [[name, size], ...]
    created: Mapped[float] = mapped_column(default=time.time)
    answer: Mapped[Json | None] = mapped_column()  # JSON, once finished


class Study(Table):
    """One image to be judged, and the short of what came of it."""

    __tablename__ = "studies"
    __table_args__ = (
        UniqueConstraint("workspace_id", "digest", name="one_study_per_content"),
        Index("studies_listed", "workspace_id", "received", "id"),
    )
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    digest: Mapped[str]
    folder: Mapped[str]
    """Of the frozen study below the home; empty where it is in quarantine."""
    order: Mapped[Json] = mapped_column()  # JSON of the order
    job_id: Mapped[str] = mapped_column(default="", index=True)
    batch: Mapped[str | None] = mapped_column(default=None, index=True)
    kind: Mapped[str]
    received: Mapped[float] = mapped_column(default=time.time)
    changed: Mapped[float] = mapped_column(default=time.time, index=True)
    status: Mapped[str] = mapped_column(default="received", index=True)
    stage: Mapped[str] = mapped_column(default="")
    progress: Mapped[float] = mapped_column(default=0.0)
    verdict: Mapped[str | None] = mapped_column(default=None)
    probability: Mapped[float | None] = mapped_column(default=None)
    threshold: Mapped[float | None] = mapped_column(default=None)
    abstained: Mapped[str | None] = mapped_column(default=None)
    gate: Mapped[Json | None] = mapped_column(default=None)
    bundle: Mapped[Json | None] = mapped_column(default=None)
    num_slices: Mapped[int | None] = mapped_column(default=None)
    reason: Mapped[str] = mapped_column(default="")


class BatchMember(Table):
    """A study of a batch; one that was known before can be in several."""

    __tablename__ = "batch_members"
    batch: Mapped[str] = mapped_column(primary_key=True)
    study_id: Mapped[str] = mapped_column(
        ForeignKey("studies.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int]


class Contribution(Table):
    """A case given, with consent, to be learnt from."""

    __tablename__ = "contributions"
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    study_id: Mapped[str] = mapped_column(ForeignKey("studies.id", ondelete="CASCADE"), index=True)
    user: Mapped[str]
    created: Mapped[float] = mapped_column(default=time.time)
    status: Mapped[str] = mapped_column(default="open")
    """open, accepted, disputed (two readings do not agree, a third decides), or excluded."""
    decided: Mapped[str] = mapped_column(default="")
    """The label it is accepted with, where that is not the contributor's."""
    reason: Mapped[str] = mapped_column(default="")
    """Why it is excluded: a word, never free text."""
    label: Mapped[str]
    lesions: Mapped[Listed] = mapped_column()
    outlines: Mapped[Listed] = mapped_column()
    comment: Mapped[str]
    patient: Mapped[str] = mapped_column(default="")
    """Pseudonym of the patient; empty where nobody knows, and then it is in no release."""

    @property
    def final(self) -> str:
        """The label of an accepted case."""
        return self.decided or self.label


class Review(Table):
    """A second or third reading of a contribution."""

    __tablename__ = "reviews"
    __table_args__ = (UniqueConstraint("contribution_id", "user", name="one_review_per_reader"),)
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    contribution_id: Mapped[str] = mapped_column(
        ForeignKey("contributions.id", ondelete="CASCADE"), index=True
    )
    user: Mapped[str]
    created: Mapped[float] = mapped_column(default=time.time)
    label: Mapped[str]
    lesions: Mapped[Listed] = mapped_column()
    comment: Mapped[str]
    agree: Mapped[bool]
    """Whether the label is the contributor's."""


class ReleaseRow(Table):
    """A data set made of accepted contributions; its files never change."""

    __tablename__ = "releases"
    __table_args__ = (
        UniqueConstraint("workspace_id", "purpose", "version", name="one_release_per_version"),
    )
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    purpose: Mapped[str]
    """training or locked."""
    version: Mapped[int]
    created: Mapped[float] = mapped_column(default=time.time)
    user: Mapped[str]
    digest: Mapped[str]
    folder: Mapped[str]
    about: Mapped[Json] = mapped_column()  # release.json without members
    left_out: Mapped[Json] = mapped_column()  # JSON: case -> reason
    num_withdrawn: Mapped[int] = mapped_column(default=0)


class ReleasedCase(Table):
    """A case of a release, and on which side its patient stands."""

    __tablename__ = "released_cases"
    release_id: Mapped[str] = mapped_column(ForeignKey("releases.id"), primary_key=True)
    case_id: Mapped[str] = mapped_column(primary_key=True)
    """Id of the contribution, which may be gone."""
    study_id: Mapped[str] = mapped_column(index=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"), index=True)
    patient: Mapped[str]
    partition: Mapped[str]
    purpose: Mapped[str]


class Candidate(Table):
    """A bundle that wants to take the place of the one in use."""

    __tablename__ = "candidates"
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str]
    version: Mapped[str]
    digest: Mapped[str] = mapped_column(unique=True)
    user: Mapped[str]
    created: Mapped[float] = mapped_column(default=time.time)
    trained_on: Mapped[str]
    """Digest of the release, as whoever uploaded it says; empty where it is none of ours."""
    trial_id: Mapped[str] = mapped_column(default="")
    trial: Mapped[Json | None] = mapped_column(default=None)  # JSON


class Promotion(Table):
    """A change of the bundle in use; the way back goes along these."""

    __tablename__ = "promotions"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[float] = mapped_column(default=time.time)
    user: Mapped[str]
    bundle: Mapped[str]
    """As `Chosen` has it."""
    previous: Mapped[str | None] = mapped_column()
    """What was chosen before; None: the one of the settings."""
    candidate_id: Mapped[str]
    undone: Mapped[bool] = mapped_column(default=False)


class Chosen(Table):
    """Which bundle judges new studies."""

    __tablename__ = "chosen"
    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


class AuditEntry(Table):
    """Who did what, chained: `digest` covers the entry and the digest before it."""

    __tablename__ = "audit"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[float]
    user: Mapped[str]
    workspace_id: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    detail: Mapped[str]
    previous: Mapped[str]
    digest: Mapped[str]
