"""DICOM Secondary Capture: pages for viewers that show nothing but images.

Source   PS3.3 A.8.1 (Secondary Capture Image IOD), uncompressed RGB.

The pages of the format png, a montage with outlines, and each slice that decided beside itself with
heat.  The notice is burnt into every page; nothing that names a person is.
"""

from pathlib import Path
from typing import Final

import numpy as np
from highdicom.sc import ConversionTypeValues, SCImage
from PIL import Image
from pydicom.dataset import Dataset

from ctsieve.types.cards import FormatCard
from ctsieve.types.results import Screening
from ctsieve.writers._atomic import write_whole
from ctsieve.writers._dicom.objects import Kind, encoded, identity
from ctsieve.writers._dicom.segments import segments_of
from ctsieve.writers._dicom.study import Source, source_of
from ctsieve.writers._drawing import AMBER, WHITE
from ctsieve.writers._layout import NARROWEST, beside, framed, paragraphs, stacked
from ctsieve.writers._montage import Outline, montage
from ctsieve.writers._places import place_in_words
from ctsieve.writers.png import (
    heat_words,
    hot_slice,
    origin_words,
    plain_slice,
    score_words,
    summary_picture,
)

KIND: Final = Kind(name="sc", series_number=9005, title="pages")
SIDE: Final = 610
"""Longest side of a slice on its page in pixels: two beside each other are as wide as a summary."""


def write(screening: Screening, folder: Path) -> list[Path]:
    """Write `pages/summary.dcm`, `pages/montage.dcm` and `pages/slice-NNN.dcm`.

    Raises:
        UsageError: the image is of no DICOM study.
    """
    source = source_of(screening)
    pages = {"summary": summary_picture(screening)}
    outlines = [Outline(name=s.label, colour=s.colour, mask=s.mask) for s in segments_of(screening)]
    pages["montage"] = montage(screening, outlines)
    for index in screening.top_slices:
        pages[f"slice-{index + 1:03d}"] = _page(screening, index)
    every = tuple(range(source.grid.shape[0]))
    shown = [screening.top_slices, every, *((index,) for index in screening.top_slices)]
    return write_whole(
        folder,
        {
            f"pages/{name}.dcm": _capture(
                screening, source, picture=picture, instance=number, shown=slices
            )
            for number, ((name, picture), slices) in enumerate(
                zip(pages.items(), shown, strict=True), start=1
            )
        },
    )


def _page(screening: Screening, index: int) -> Image.Image:
    """One slice plain and with heat, its place, and the notice."""
    pictures = [plain_slice(screening.image, index, longest=SIDE)]
    if screening.explanation is not None:
        pictures.append(hot_slice(screening, index, longest=SIDE))
    side_by_side = beside(pictures)
    width = max(side_by_side.width, NARROWEST)
    lines = [
        place_in_words(screening.image, index),
        *score_words(screening, index),
        *heat_words(screening),
        origin_words(screening),
    ]
    return framed(
        stacked(
            [
                paragraphs([screening.notice], width=width, size=18, fill=AMBER),
                side_by_side,
                paragraphs(lines, width=width, size=16, fill=WHITE),
            ]
        )
    )


def _capture(
    screening: Screening,
    source: Source,
    *,
    picture: Image.Image,
    instance: int,
    shown: tuple[int, ...],
) -> bytes:
    """A page as a DICOM file; `shown` are the slices it was made from."""
    made = SCImage.from_ref_dataset(
        ref_dataset=source.images[0],
        pixel_array=np.asarray(picture.convert("RGB")),
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        # Axial slices as radiologists look at them: rows run to the left, columns to the back.
        patient_orientation=("L", "P"),
        **identity(screening, KIND, instance=instance),
    )
    made.ConversionType = ConversionTypeValues.WSD.value
    made.BodyPartExamined = "CHEST"
    # The attribute asks for text that tells who the patient is (PS3.3 C.7.6.1): there is none.
    made.BurnedInAnnotation = "NO"
    made.RecognizableVisualFeatures = "NO"
    made.DerivationDescription = f"Made by {screening.software}. {screening.notice}"
    references = source.references(shown)
    if references:
        made.SourceImageSequence = [_reference(r.image) for r in references]
    return encoded(made, source)


def _reference(image: Dataset) -> Dataset:
    reference = Dataset()
    reference.ReferencedSOPClassUID = image.SOPClassUID
    reference.ReferencedSOPInstanceUID = image.SOPInstanceUID
    return reference


CARD = FormatCard(
    title="DICOM SC, pages to look at",
    write=write,
    pictures=False,
    dicom=True,
)
