"""Passwords and tokens: Argon2id for what people remember, SHA-256 for what machines draw."""

import hashlib
import secrets
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ctsieve.types.errors import UsageError

SHORTEST: Final = 12
LONGEST: Final = 200
_HASHER: Final = PasswordHasher()
_NOBODY: Final = (
    "$argon2id$v=19$m=65536,t=3,p=4$AAAAAAAAAAAAAAAAAAAAAA"
    "$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
)
"""Verified where there is no such user, so that names cannot be told by the clock."""


def hash_password(password: str) -> str:
    """What is kept of a password.

    Raises:
        UsageError: it is too short or too long.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise UsageError(
            f"a password has {SHORTEST} to {LONGEST} characters, got {len(password)}",
            hint="several words are easier to remember than signs",
        )
    return _HASHER.hash(password)


def is_password(password: str, kept: str | None) -> bool:
    """Whether this is the password; it takes as long where nothing is kept."""
    try:
        return _HASHER.verify(kept or _NOBODY, password[:LONGEST])
    except (VerificationError, InvalidHashError):
        return False


def new_token() -> str:
    """A text that nobody guesses."""
    return secrets.token_urlsafe(32)


def digest_of(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()
