"""A number as tables, pages and commands show it."""

from collections.abc import Iterable

from ctsieve.types.cases import is_known
from ctsieve.types.report import Absent, Measured


def in_words(value: Measured) -> str:
    """A number with its interval, or a dash and why.

    Example:
        >>> in_words(Absent(reason="all 3 cases are positive"))
        '- (all 3 cases are positive)'
    """
    if isinstance(value, Absent):
        return f"- ({value.reason})"
    return f"{value.value:.3f} ({value.low:.3f} to {value.high:.3f})"


def counted(value: Measured) -> str:
    """Cases, and patients where they are fewer, that a number was counted on.

    Example:
        >>> from ctsieve.types.report import Figure
        >>> counted(Figure(value=0.5, low=0.4, high=0.6, num_cases=40, num_patients=12))
        '40 (12)'
    """
    if isinstance(value, Absent):
        return "-"
    fewer = f" ({value.num_patients})" * (value.num_patients < value.num_cases)
    return f"{value.num_cases}{fewer}"


def people(patients: Iterable[str]) -> str:
    """How many patients there are, as far as anybody knows.

    Example:
        >>> people(["a", "b", "b"]), people(["a", "here:unknown"])
        ('2 patients', '1 patient and others that nobody tells apart')
    """
    names = set(patients)
    known = sum(map(is_known, names))
    if not known and names:
        return "patients that nobody tells apart"
    others = " and others that nobody tells apart" * (known < len(names))
    return f"{many(known, 'patient')}{others}"


def many(number: int, noun: str) -> str:
    """A number with its noun.

    Example:
        >>> many(1, "image"), many(2, "image")
        ('1 image', '2 images')
    """
    return f"{number} {noun}{'' if number == 1 else 's'}"
