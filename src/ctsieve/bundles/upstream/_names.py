"""What several repositories share: spellings of names, and shapes that must be there."""

import re
from collections.abc import Callable, Iterable

from ctsieve.types.cards import Shapes
from ctsieve.types.errors import BundleError

Rule = tuple[str, str]
"""A pattern of a published name and its replacement."""
WRAPPER: Rule = (r"^module\.", "")
"""What a model that was trained on several devices puts before every name."""


def renamer(*rules: Rule) -> Callable[[str], str]:
    """A function that applies the rules in their order, after dropping the wrapper."""
    compiled = tuple((re.compile(pattern), new) for pattern, new in (WRAPPER, *rules))

    def rename(name: str) -> str:
        for pattern, new in compiled:
            name = pattern.sub(new, name)
        return name

    return rename


def renamed(shapes: Shapes, rename: Callable[[str], str]) -> Shapes:
    """The same shapes under our names."""
    return {rename(name): shape for name, shape in shapes.items()}


def size(shapes: Shapes, name: str, axis: int = 0) -> int:
    """A size that the shape of the tensor `name` tells.

    Raises:
        BundleError: there is no such tensor, or it has fewer axes.
    """
    shape = shapes.get(name)
    if shape is None:
        raise BundleError(
            f"the checkpoint has no tensor {name!r}",
            hint="choose the model that the file was trained as",
        )
    if axis >= len(shape):
        raise BundleError(f"{name} has the shape {shape}, which is too few axes")
    return shape[axis]


def count(names: Iterable[str], pattern: str) -> int:
    """How many different values the group of `pattern` takes over all names."""
    return len({found[1] for found in map(re.compile(pattern).match, names) if found})
