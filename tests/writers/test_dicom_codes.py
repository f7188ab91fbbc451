"""Codes are those of the standard: by pydicom's copy of PS3.16."""

from typing import cast

import pytest
from pydicom.sr._concepts_dict import concepts as _concepts

from ctsieve.ops.gate_rules import RULES
from ctsieve.writers._dicom import codes
from ctsieve.writers._dicom.codes import Concept

CONCEPTS = cast("dict[str, dict[str, dict[str, tuple[str, list[int]]]]]", _concepts)
"""Scheme to keyword to code to its meaning and context groups."""
ALONE = {"840539006", "95436008", "169069000", "ml"}
"""Outside PS3.16: COVID-19, lung consolidation, CT of chest (docs name them); UCUM lists units."""
EVERY = [
    *(value for value in vars(codes).values() if isinstance(value, Concept)),
    *codes.LABELS.values(),
    *codes.LESIONS.values(),
    *codes.QUALITY.values(),
    *codes.REASONS.values(),
]


@pytest.mark.parametrize("concept", sorted(set(EVERY)), ids=lambda c: f"{c.scheme}-{c.value}")
def test_the_standard_has_the_code_with_that_meaning(concept: Concept) -> None:
    if concept.scheme in (codes.PRIVATE, "RFC5646") or concept.value in ALONE:
        assert len(concept.meaning) <= codes.MOST_MEANING
        return
    known = [
        meanings[concept.value]
        for meanings in CONCEPTS[concept.scheme].values()
        if concept.value in meanings
    ]
    assert concept.meaning.lower() in {meaning.lower() for meaning, _ in known}


def test_reasons_are_codes_of_the_gate() -> None:
    assert set(codes.REASONS) <= set(RULES)
