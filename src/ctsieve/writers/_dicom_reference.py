"""The reference page of DICOM and FHIR results, made from the codes and series that write them."""

from collections.abc import Iterable, Sequence
from typing import Final

from ctsieve.writers import (
    dicom_ko,
    dicom_ko_rejected,
    dicom_pm,
    dicom_sc,
    dicom_seg,
    dicom_seg_fractional,
    dicom_sr,
)
from ctsieve.writers._dicom import codes
from ctsieve.writers._dicom.codes import Concept
from ctsieve.writers._dicom.objects import NO_DATE, NO_TIME, Kind
from ctsieve.writers._dicom.segmentation import KINDS

HEAD: Final = f"""\
# DICOM and FHIR results

Made by `make docs` from the code that writes them; do not edit. How to use them:
[how-to/dicom-results.md](../how-to/dicom-results.md). Research use only.

Written only for a volume that was read from DICOM and has valid Study, Series and SOP Instance
UIDs; SEG, SR and PM also need a Frame of Reference UID. Anything else gets a sentence and no
file.

## Objects

{{objects}}

- **Same study**: patient, study and frame of reference are those of the source series; each
  format has a series of its own; source instances are never changed. Of the patient only what an
  archive files by is repeated (name, id and its issuer, birth date, sex, age, size, weight,
  accession number, referring physician, study id, date, time, description).
- **Same bytes**: UIDs are `2.25.` and the UUID (version 5) of study, series, SHA-256 of the
  images, digest of the bundle and of its recipe, version of the program and of this layout. A
  second run writes the same objects, so an archive that has them keeps one copy. A new version,
  bundle or recipe writes new ones.
- **Dates**: an object that is made twice is the same object and cannot carry the hour of its
  making. Content, series and creation dates are those of the *study*; {NO_DATE} {NO_TIME} where
  it has none.
- **Place**: SEG and PM frames have rows and columns as the source images have them (feet first,
  prone, tilted gantry included), so that every frame lies pixel for pixel over the image it
  names. Nothing is resampled. A frame of a slice that the reader interpolated names no image.
- **Preliminary, unverified**: no person has looked at a result.

## What each says

**SEG**, binary, all frames (`omit_empty_frames=False`: viewers misplace segments with gaps).
Segment 1 is the lungs, then one segment for each kind of lesion that has a place.
`dicom-seg-fractional` is the same with the finder's score in each voxel (PROBABILITY, 255 is 1).

**SR**, TID 1500. A group *Screening* (TID 1501): quality of the series, findings of the gate,
the answer in words, the notice, digests of bundle, recipe and input. A group for each label:
probability (or score, where the bundle is not calibrated), threshold, call, source images. A
group for each lesion flag. A group for each segment (TID 1411): volume, share of the lungs.

**KO**, title *Of Interest*: the slices that decided, the first first. For a series that the gate
rejected, title *Quality Issue* with the reason and all its images. The title *Rejected for
Quality Reasons* is an order to archives to hide those images (IHE Imaging Object Change
Management): only `dicom-ko-rejected` writes it, and nothing else than a rejected series.

**PM**: 32-bit floats, heat 0 to 1; the real-world value mapping has the unscaled peak as its
slope. From the first to the last slice with any heat.

**SC**: uncompressed RGB; a summary, a montage with outlines, each slice that decided beside
itself with heat. The notice is burnt into every page, nobody's name is (*Burned In Annotation*
is NO).

**FHIR** R4: a Bundle of one DiagnosticReport, Observations and a Device. The study is named by
its UID, the patient and the date are not named.

## Codes

Schemes: DCM, UCUM and SNOMED CT (SCT) as PS3.16 lists them; SNOMED CT alone for COVID-19, lung
consolidation and CT of chest; RFC5646; and `{codes.PRIVATE}` (private, UID
`{codes.PRIVATE_UID}`) where no standard code means just that. Codes of the gate
([gate.md](gate.md)) and names of labels and lesions without a code are values of the private
scheme. Values of more than 16 characters go into Long Code Value.

{{codes}}
"""


def reference_text() -> str:
    """The page docs/reference/dicom-objects.md."""
    return HEAD.format(objects=_table(_OBJECTS, _objects()), codes=_table(_CODES, _codes()))


_OBJECTS: Final = ("format", "file", "SOP class", "series number", "series description")
_CODES: Final = ("what", "code", "scheme", "meaning")


def _objects() -> Iterable[Sequence[str]]:
    written: tuple[tuple[str, str, str, Kind], ...] = (
        ("dicom-seg", dicom_seg.FILE, "Segmentation", KINDS["BINARY"]),
        ("dicom-sr", dicom_sr.FILE, "Comprehensive 3D SR", dicom_sr.KIND),
        ("dicom-ko", dicom_ko.FILE, "Key Object Selection", dicom_ko.KIND),
        ("dicom-pm", dicom_pm.FILE, "Parametric Map", dicom_pm.KIND),
        ("dicom-sc", "pages/*.dcm", "Secondary Capture", dicom_sc.KIND),
        (
            "dicom-seg-fractional",
            dicom_seg_fractional.FILE,
            "Segmentation",
            KINDS["FRACTIONAL"],
        ),
        (
            "dicom-ko-rejected",
            dicom_ko_rejected.FILE,
            "Key Object Selection",
            dicom_ko_rejected.KIND,
        ),
    )
    for name, file, sop_class, kind in written:
        title = f"ctsieve {kind.title} (research use only)"
        yield f"`{name}`", f"`{file}`", sop_class, str(kind.series_number), title
    yield "`fhir`", "`fhir.json`", "", "", ""


def _codes() -> Iterable[Sequence[str]]:
    rows = [(f"label `{name}`", concept) for name, concept in codes.LABELS.items()]
    rows += [(f"lesion, {name}", concept) for name, concept in codes.LESIONS.items()]
    rows += [(f"gate, {name.replace('_', ' ')}", c) for name, c in codes.QUALITY.items()]
    rows += [(f"key object, {name}", concept) for name, concept in codes.REASONS.items()]
    rows += [
        (name.lower().replace("_", " "), value)
        for name, value in vars(codes).items()
        if isinstance(value, Concept)
    ]
    for what, concept in rows:
        yield what, f"`{concept.value}`", concept.scheme, concept.meaning


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines)
