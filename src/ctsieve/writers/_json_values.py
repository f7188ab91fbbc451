"""Values as JSON shows them: finite, rounded numbers, text that UTF-8 can hold, UIDs or hashes."""

import math
import re

import numpy as np

from ctsieve.types.promise import promise
from ctsieve.types.provenance import hashed

UID = re.compile(r"[0-9.]{1,64}")
"""What a UID is made of (PS3.5 section 9); anything else in its place may be a person's name."""


def uid(value: str) -> str | None:
    """A UID as it stands, a one-way name for what is none, None for nothing."""
    if not value:
        return None
    return value if UID.fullmatch(value) else f"hashed:{hashed(value)}"


def text(value: str) -> str:
    """Text that UTF-8 can hold: a header in a wrong character set may carry lone surrogates."""
    return value.encode("utf-8", "replace").decode()


def cleaned(value: object) -> object:
    """A header's value with its texts and numbers as JSON can hold them."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, tuple):
        return tuple(cleaned(v) for v in value)
    if isinstance(value, float):
        return significant(value)
    return value


def number(value: float | np.floating, digits: int) -> float:
    """A number rounded to `digits` decimals; that it is finite is a promise."""
    promise(math.isfinite(value), f"a result is a finite number, got {value}")
    return round(float(value), digits) + 0.0  # adding zero turns -0.0 into 0.0


def number_or_none(value: float | None, digits: int) -> float | None:
    """The same, None for None."""
    return None if value is None else number(value, digits)


def significant(value: float) -> float | None:
    """Six significant digits; None for what is not finite."""
    return float(f"{value:.6g}") + 0.0 if math.isfinite(value) else None
