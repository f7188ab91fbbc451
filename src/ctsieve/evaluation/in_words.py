"""A number as tables, pages and commands show it."""

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
