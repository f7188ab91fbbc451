"""Names to files: a plug-in of a kind is one module with a `CARD`; its file name is its name.

Decision: docs/decisions/0002-file-name-is-the-registry.md
"""

import difflib
import functools
import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar

from ctsieve.types.errors import UnknownName
from ctsieve.types.promise import promise

Card = TypeVar("Card")


class Catalogue(Mapping[str, Card], Generic[Card]):
    """The plug-ins of one package, by name; importing one only when it is asked for.

    Names on the command line use hyphens where files use underscores; both spellings are
    understood.  Other distributions join through the entry-point group of the package's name.
    """

    def __init__(self, package: str, kind: str, card: type[Card]) -> None:
        self._package = package
        self._kind = kind
        self._card = card

    def names(self) -> tuple[str, ...]:
        """All names, sorted, importing none of the modules."""
        package = importlib.import_module(self._package)
        own = {m.name for m in pkgutil.iter_modules(package.__path__) if m.name[0] != "_"}
        guests = {point.name for point in _guests(self._package)}
        return tuple(sorted(name.replace("_", "-") for name in own | guests))

    def __getitem__(self, name: str) -> Card:
        """The card called `name`.

        Raises:
            UnknownName: there is none; the hint names the nearest.
        """
        hyphened = name.replace("_", "-")
        if hyphened not in self.names():
            near = difflib.get_close_matches(hyphened, self.names(), n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(self.names())}"
            raise UnknownName(f"there is no {self._kind} called {name!r}", hint=hint)
        card = getattr(self._module(hyphened), "CARD", None)
        promise(isinstance(card, self._card), f"{self._kind} {hyphened!r} has no CARD of its kind")
        return card  # type: ignore[return-value]  # the promise above checked it

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __len__(self) -> int:
        return len(self.names())

    def _module(self, hyphened: str) -> object:
        for point in _guests(self._package):
            if point.name.replace("_", "-") == hyphened:
                return point.load()
        return importlib.import_module(f"{self._package}.{hyphened.replace('-', '_')}")


@functools.cache
def _guests(package: str) -> tuple[EntryPoint, ...]:
    """Entry points of other distributions; kept, since looking them up takes 10 ms each time."""
    return tuple(entry_points(group=package))
