"""UIDs that are a function of what they name: a second run makes the same objects.

Source   PS3.5 B.2 (2.25 and the number of a UUID); RFC 9562 5.5 (UUID of a name).
"""

from typing import Final
from uuid import UUID, uuid5

from ctsieve.types.results import Screening

LAYOUT: Final = "1"
"""Version of how results are laid out in DICOM; raised when an object changes its content."""

NAMESPACE: Final = UUID("6c3a1f0e-5d1b-4c0c-9b53-3f6d0a7e52c1")


def uid(screening: Screening, *names: str) -> str:
    """The UID of the thing called `names` among the results of `screening`.

    It depends on the study, the series, the bytes of the images, the bundle, its recipe, the
    program's version and the layout, and on nothing else: no clock, no host, no chance.
    """
    made = screening.image.provenance
    return uid_of(
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
    return f"2.25.{uuid5(NAMESPACE, chr(0).join(names)).int}"
