"""Reporting guidelines with the items that a program can fill in, and blanks for the others."""

from collections.abc import Mapping
from dataclasses import dataclass

from ctsieve.evaluation.checklist_items import CHECKED, GUIDELINES
from ctsieve.types.report import Table

BLANK = ""
"""An item that only people can fill in."""
ARROW = " <- "


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One line of a checklist; `answer` is empty where people have to write it."""

    number: str
    topic: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checklist:
    """A guideline's items."""

    name: str
    checked: str
    """Version, and how far its numbers were verified."""
    items: tuple[Item, ...]

    @property
    def num_filled(self) -> int:
        """How many items the program filled in."""
        return sum(bool(item.answer) for item in self.items)


def checklists(answers: Mapping[str, str]) -> tuple[Checklist, ...]:
    """All guidelines, filled in from `answers` by key; a key without an answer stays blank."""
    return tuple(
        Checklist(
            name=name,
            checked=CHECKED[name],
            items=tuple(_item(line, answers) for line in text.strip().splitlines()),
        )
        for name, text in GUIDELINES.items()
    )


def as_table(checklist: Checklist) -> Table:
    """The items as a table that a person can go on filling in."""
    return Table(
        title=checklist.name,
        columns=("item", "topic", "answer"),
        rows=tuple((item.number, item.topic, item.answer) for item in checklist.items),
        note=checklist.checked,
    )


def keys() -> frozenset[str]:
    """What some guideline asks for and a program may know."""
    lines = "".join(GUIDELINES.values()).splitlines()
    return frozenset(line.partition(ARROW)[2] for line in lines if ARROW in line)


def _item(line: str, answers: Mapping[str, str]) -> Item:
    number, _, rest = line.partition(" ")
    topic, _, key = rest.partition(ARROW)
    return Item(number=number, topic=topic, answer=answers.get(key, BLANK))
