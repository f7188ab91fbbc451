"""UIDs that are a function of what they name: a second run makes the same objects.

Source   PS3.5 B.2 (2.25 and the number of a UUID); RFC 9562 5.5 (UUID of a name).
"""

import re
from typing import Final
from uuid import UUID, uuid5

from ctsieve.types.results import Screening

LAYOUT: Final = "1"
"""Version of how results are laid out in DICOM; raised when an object changes its content."""

NAMESPACE: Final = UUID("6c3a1f0e-5d1b-4c0c-9b53-3f6d0a7e52c1")


SHAPE: Final = re.compile(r"(0|[1-9]\d*)(\.(0|[1-9]\d*))+")
LONGEST: Final = 64


def is_uid(text: str) -> bool:
    """Whether `text` is a UID (PS3.5 9.1): numbers without leading zeros, at most 64 characters.

    Example:
        >>> is_uid("1.2.840"), is_uid("1.02"), is_uid("P001")
        (True, False, False)
    """
    return len(text) <= LONGEST and SHAPE.fullmatch(text) is not None


def uid(screening: Screening, *names: str) -> str:
    """The UID of the thing called `names` among the results of `screening`.

    It depends on the study, the series, the bytes of the images, the bundle, its recipe, the
    program's version and the layout, and on nothing else: no clock, no host, no chance.
    """
    return f"2.25.{uuid(screening, *names).int}"


def uuid(screening: Screening, *names: str) -> UUID:
    """The number behind `uid`, in the form that the web knows."""
    made = screening.image.provenance
    return uuid_of(
        LAYOUT,
        made.study_uid,
        made.series_uid,
        made.digest,
        screening.bundle.digest,
        screening.recipe.digest,
        screening.software,
        *names,
    )


def uid_of(*names: str) -> str:
    """A UID that is a function of `names`, at most 44 characters.

    Example:
        >>> uid_of("a", "b") == uid_of("a", "b"), uid_of("ab") == uid_of("a", "b")
        (True, False)
    """
    return f"2.25.{uuid_of(*names).int}"


def uuid_of(*names: str) -> UUID:
    """The UUID that is a function of `names`."""
    return uuid5(NAMESPACE, chr(0).join(names))
