"""How each family learns, one file per way: loss, sampler, modes, and what the tune side is for."""

from ctsieve.learning.task import TaskCard
from ctsieve.types.catalogue import Catalogue
from ctsieve.types.errors import UnknownName

TASKS: Catalogue[TaskCard] = Catalogue("ctsieve.learning.tasks", "task", TaskCard)


def task_of(model: str) -> TaskCard:
    """The way that the model family of that name learns.

    Raises:
        UnknownName: no task trains it.
    """
    name = model.replace("_", "-")
    for card in TASKS.values():
        if name in card.models:
            return card
    known = ", ".join(sorted(name for card in TASKS.values() for name in card.models))
    raise UnknownName(f"no task trains {model!r}", hint=f"known: {known}")
