"""The files of a folder that never changes (a bundle, a release), and one digest of them all."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict

from ctsieve.types.provenance import file_digest


class Member(BaseModel):
    """One file."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    sha256: str
    bytes: int

    @classmethod
    def of(cls, path: Path) -> Self:
        """A file as it is now."""
        return cls(sha256=file_digest(path), bytes=path.stat().st_size)


def digest_of(members: Mapping[str, Member]) -> str:
    """SHA-256 over names and digests, whatever their order: the identity of the whole."""
    lines = (f"{m.sha256}  {name}\n" for name, m in sorted(members.items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()
