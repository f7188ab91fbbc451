"""Who asks, and what that person may do and see."""

from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from ctsieve.web.errors import NotThere

ROLES: Final = ("viewer", "clinician", "reviewer", "admin")
"""Each may do what those before it may."""


class Owned(Protocol):
    """A row of one workspace."""

    @property
    def workspace_id(self) -> str:
        """Whose it is."""
        ...


Row = TypeVar("Row", bound=Owned)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who asks."""

    user_id: str
    name: str
    role: str
    workspace_id: str
    workspace: str
    must_change: bool
    csrf: str | None
    """Of a browser's session; None for a program with a key."""

    def may(self, role: str) -> bool:
        """Whether this is a `role` or more."""
        return ROLES.index(self.role) >= ROLES.index(role)

    def own(self, row: Row | None, what: str) -> Row:
        """A row of the own workspace.

        Raises:
            NotThere: there is none; one of another workspace looks the same.
        """
        if row is None or row.workspace_id != self.workspace_id:
            raise NotThere(f"there is no such {what}")
        return row
