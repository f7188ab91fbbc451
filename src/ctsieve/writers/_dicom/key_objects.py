"""The Key Object Selection document (PS3.3 A.35.4, TID 2010): images, a title, a sentence."""

from collections.abc import Sequence
from dataclasses import dataclass

from highdicom.ko import KeyObjectSelection, KeyObjectSelectionDocument
from highdicom.sr import CodeContentItem, RelationshipTypeValues
from pydicom.dataset import Dataset

from ctsieve.types.results import Screening
from ctsieve.writers._dicom.codes import OTHER_FAILURE, REASONS, TITLE_MODIFIER, Concept
from ctsieve.writers._dicom.objects import Kind, coded, encoded, identity
from ctsieve.writers._dicom.observer import observer
from ctsieve.writers._dicom.study import Reference, Source


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Selection:
    """What a document says: title, its modifiers, a sentence, and the images it is about."""

    title: Concept
    modifiers: tuple[Concept, ...] = ()
    description: str
    references: tuple[Reference, ...]


def key_objects(screening: Screening, source: Source, *, kind: Kind, selection: Selection) -> bytes:
    """The document as a DICOM file."""
    images = [reference.image for reference in selection.references]
    content = KeyObjectSelection(
        document_title=coded(selection.title),
        referenced_objects=images,
        observer_device_context=observer(screening),
        description=selection.description,
    )
    items = content[0].ContentSequence
    _name_frames(items, selection.references)
    # TID 2010 row 2: modifiers follow the title.
    items[:0] = [_modifier(concept) for concept in selection.modifiers]
    made = KeyObjectSelectionDocument(evidence=images, content=content, **identity(screening, kind))
    return encoded(made, source)


def quality_selection(screening: Screening, source: Source, *, title: Concept) -> Selection:
    """All images of the series, with the reasons for which the gate rejected it."""
    findings = [f for f in screening.gate.findings if f.severity == "rejection"]
    reasons = dict.fromkeys(REASONS.get(f.code, OTHER_FAILURE) for f in findings)
    sentences = "; ".join(f"{f.code}: {f.sentence}" for f in findings)
    return Selection(
        title=title,
        modifiers=tuple(reasons),
        description=f"ctsieve did not judge this series. {sentences}. {screening.notice}",
        references=source.references(range(source.grid.shape[0])),
    )


def _modifier(concept: Concept) -> CodeContentItem:
    return CodeContentItem(
        name=coded(TITLE_MODIFIER),
        value=coded(concept),
        relationship_type=RelationshipTypeValues.HAS_CONCEPT_MOD,
    )


def _name_frames(items: Sequence[Dataset], references: Sequence[Reference]) -> None:
    frames = {str(r.image.SOPInstanceUID): list(r.frames) for r in references}
    for item in items:
        for referenced in item.get("ReferencedSOPSequence", ()):
            numbers = frames[str(referenced.ReferencedSOPInstanceUID)]
            if numbers:
                referenced.ReferencedFrameNumber = numbers
