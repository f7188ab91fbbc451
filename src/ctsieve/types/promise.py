"""Promises between our own functions: when one breaks, we are wrong, not the user."""


class BrokenPromise(AssertionError):
    """A defect in ctsieve itself; please report it."""


def promise(condition: bool, sentence: str) -> None:
    """Raise `BrokenPromise` with `sentence` unless `condition` holds; unlike `assert`, never off.

    Example:
        >>> promise(2 + 2 == 4, "arithmetic holds")
    """
    if not condition:
        raise BrokenPromise(sentence)
