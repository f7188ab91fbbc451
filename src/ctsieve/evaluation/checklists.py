"""Reporting guidelines with the items that a program can fill in, and blanks for the others.

Sources  CLAIM 2024 update (Tejani et al., Radiology: Artificial Intelligence 6, e240300);
         TRIPOD+AI (Collins et al., BMJ 2024, 385, e078378); STARD 2015 (Bossuyt et al., BMJ 351,
         h5527) with the additions of STARD-AI, which are marked "AI".  Topics are in our words:
         read the guidelines themselves before submitting anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass

BLANK = ""
"""An item that only people can fill in."""


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
    items: tuple[Item, ...]

    @property
    def num_filled(self) -> int:
        """How many items the program filled in."""
        return sum(bool(item.answer) for item in self.items)


CLAIM = (
    "title|abstract|background and intended use|aims and hypotheses|prospective or retrospective|"
    "kind of study|data:data sources|who was included and left out|preprocessing:preprocessing|"
    "selection of parts of the data|de-identification|missing:missing data|"
    "acquisition of the images|reference standard|why this reference standard|"
    "who annotated, and their training|annotation of the test data|annotation tools|"
    "agreement of annotators|partition:how cases were assigned to partitions|"
    "disjoint:at which level partitions are disjoint|size:sample size|model:the model|"
    "software:software and frameworks|initial weights|training|choice of the final model|"
    "ensembling|metrics:performance metrics|uncertainty:uncertainty of the metrics|"
    "robustness:robustness|explain:explanations|internal:internal test|external test|registration|"
    "flow:patients included and left out|subgroups:demographics and clinical features|"
    "results:performance on all partitions|precision:estimates with their precision|"
    "failures:failure analysis|limits:limitations|implications|protocol|funding"
)
TRIPOD = (
    "title|abstract|background and intended use|objectives|data:data sources and dates|"
    "participants, setting and eligibility|preprocessing:data preparation|outcome|predictors|"
    "size:sample size|missing:missing data|metrics:analysis and performance measures|"
    "imbalance:class imbalance|subgroups:fairness|output:output of the model|"
    "internal:training against evaluation data|ethical approval|open science|patient involvement|"
    "flow:participants|model development|model:model specification|results:performance|"
    "updating of the model|interpretation and fairness|limits:limitations|"
    "usability in current care"
)
STARD = (
    "title|abstract|background and intended use|objectives|prospective or retrospective|"
    "eligibility|how participants were found|where and when|consecutive or random|"
    "index:index test and reference standard|why this reference standard|"
    "cut:cut-offs of both|blinding:who knew what|metrics:measures of accuracy|"
    "indeterminate:indeterminate results|missing:missing data|subgroups:variability|"
    "size:sample size|flow:flow of participants|subgroups:baseline features|severity of disease|"
    "time between the tests|confusion:cross tabulation|precision:estimates with precision|"
    "adverse events|limits:limitations|implications|registration|protocol|funding|"
    "partition:AI: data partitions|software:AI: version and code|calibration:AI: calibration|"
    "failures:AI: error analysis|explain:AI: explanations|robustness:AI: bias and shortcuts"
)
GUIDELINES = {"CLAIM 2024": CLAIM, "TRIPOD+AI": TRIPOD, "STARD-AI": STARD}


def checklists(answers: Mapping[str, str]) -> tuple[Checklist, ...]:
    """All guidelines, filled in from `answers` by key; a key without an answer stays blank."""
    return tuple(
        Checklist(name=name, items=tuple(_items(text, answers)))
        for name, text in GUIDELINES.items()
    )


def _items(text: str, answers: Mapping[str, str]) -> list[Item]:
    items, number = [], 0
    for entry in text.split("|"):
        key, found, rest = entry.partition(":")
        keyed = bool(found) and " " not in key and key in KEYS
        topic = rest if keyed else entry
        number += not topic.startswith("AI: ")
        shown = "AI" if topic.startswith("AI: ") else str(number)
        answer = answers.get(key, BLANK) if keyed else BLANK
        items.append(Item(number=shown, topic=topic.removeprefix("AI: "), answer=answer))
    return items


KEYS = frozenset(
    (
        *("data", "preprocessing", "missing", "partition", "disjoint", "size", "model", "software"),
        *("metrics", "uncertainty", "robustness", "explain", "internal", "flow", "subgroups"),
        *("results", "precision", "failures", "limits", "imbalance", "output", "index", "cut"),
        *("blinding", "indeterminate", "confusion", "calibration"),
    )
)
"""What a program knows of an evaluation."""
