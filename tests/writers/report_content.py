"""The content of a structured report, found by the names of its items."""

from pathlib import Path

import pydicom
from pydicom.dataset import Dataset

from ctsieve.pipeline.write import write
from ctsieve.types.results import Screening
from ctsieve.writers import dicom_sr


def report_of(screening: Screening, folder: Path) -> Dataset:
    paths = write(screening, folder, ["dicom-sr"])
    return pydicom.dcmread(next(p for p in paths if p.name == dicom_sr.FILE))


def content(ds: Dataset) -> list[Dataset]:
    """All content items below `ds`, in document order."""
    below = list(ds.get("ContentSequence", ()))
    return [item for child in below for item in (child, *content(child))]


def items(ds: Dataset, name: str) -> list[Dataset]:
    """Content items called `name` below `ds`."""
    return [
        item
        for item in content(ds)
        if "ConceptNameCodeSequence" in item and item.ConceptNameCodeSequence[0].CodeMeaning == name
    ]


def group_of(ds: Dataset, tracking: str) -> Dataset:
    """The measurement group tracked under that name."""
    (group,) = [
        g
        for g in items(ds, "Measurement Group")
        if items(g, "Tracking Identifier")[0].TextValue == tracking
    ]
    return group


def number(group: Dataset, name: str) -> float:
    (item,) = items(group, name)
    return float(item.MeasuredValueSequence[0].NumericValue)


def code(group: Dataset, name: str) -> str:
    (item,) = items(group, name)
    concept = item.ConceptCodeSequence[0]
    return str(concept.get("CodeValue") or concept.LongCodeValue)
