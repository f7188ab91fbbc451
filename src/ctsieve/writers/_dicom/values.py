"""Header texts made to fit where they go: what breaks the rules of a value is cut or left out.

Source   PS3.5 6.2 (value representations).
"""

import re
from typing import Final

from pydicom.datadict import dictionary_VR
from pydicom.valuerep import format_number_as_ds

LONGEST: Final = {"SH": 16, "LO": 64, "PN": 64}
"""Characters; of a person's name for each of its three spellings."""

SHAPES: Final = {
    "DA": re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])"),
    "TM": re.compile(r"([01]\d|2[0-3])([0-5]\d([0-5]\d(\.\d{1,6})?)?)?"),
    "AS": re.compile(r"\d{3}[DWMY]"),
    "CS": re.compile(r"[A-Z0-9_ ]{1,16}"),
    "DS": re.compile(r"[-+]?\d{1,12}(\.\d{1,4})?"),
}
SEXES: Final = frozenset({"M", "F", "O"})


def fitting(keyword: str, text: str) -> str:
    """The value of the attribute `keyword` in a form that the standard allows; empty if none is.

    Example:
        >>> fitting("StudyDate", "20200102"), fitting("StudyDate", "2 Jan"), fitting("StudyID", "7")
        ('20200102', '', '7')
    """
    kind = dictionary_VR(keyword)
    if keyword == "PatientSex" and text not in SEXES:
        return ""
    if kind in SHAPES:
        parts = text.split("\\")
        return text if all(SHAPES[kind].fullmatch(part.strip()) for part in parts) else ""
    longest = LONGEST.get(kind, len(text))
    if kind == "PN":
        return "=".join(spelling[:longest] for spelling in text.split("=")[:3])
    return "\\".join(part[:longest] for part in text.split("\\"))


def decimal(value: float) -> float:
    """The nearest number that a decimal string of 16 characters can hold (PS3.5 6.2, DS)."""
    return float(format_number_as_ds(float(value)))
