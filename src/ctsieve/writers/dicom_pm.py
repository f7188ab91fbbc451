"""DICOM Parametric Map: where the network looked, as 32-bit floats beside the source images.

Source   PS3.3 A.75 (Parametric Map IOD); CID 218 for what the numbers are.

Stored values are the heat of the explanation, 0 to 1; the real-world value mapping multiplies them
with the unscaled peak, so that maps of several studies can be compared.  Slices above and below
everything the network looked at are left out.
"""

from pathlib import Path
from typing import Final

import numpy as np
from highdicom import VOILUTTransformation
from highdicom.pm import (
    DerivedPixelContrastValues,
    ImageFlavorValues,
    ParametricMap,
    RealWorldValueMapping,
)

from ctsieve.types.cards import FormatCard
from ctsieve.types.promise import promise
from ctsieve.types.results import Explanation, Screening
from ctsieve.writers._atomic import write_whole
from ctsieve.writers._dicom.codes import (
    CALCULATION,
    GRADIENT_ACTIVATION,
    NO_UNITS,
    SALIENCY,
    Concept,
)
from ctsieve.writers._dicom.derivation import name_sources
from ctsieve.writers._dicom.objects import CREATOR, Kind, coded, encoded, identity
from ctsieve.writers._dicom.study import check_frame_of_reference, source_of
from ctsieve.writers._words import label_name

FILE: Final = "heat.dcm"
KIND: Final = Kind(name="pm", series_number=9004, title="heat")


def write(screening: Screening, folder: Path) -> list[Path]:
    """Write `heat.dcm`; nothing where the bundle explains nothing.

    Raises:
        UsageError: the image is of no DICOM study, or has no frame of reference.
    """
    source = source_of(screening)
    check_frame_of_reference(source)
    shown = screening.explanation
    if shown is None:
        return []
    promise(shown.heat.shape == screening.image.geometry.shape, "heat lies on the image's grid")
    slices = warm_slices(shown)
    made = ParametricMap(
        source_images=source.images,
        pixel_array=source.grid.array(shown.heat[slices.start : slices.stop]).astype(np.float32),
        real_world_value_mappings=[_mapping(shown)],
        voi_lut_transformations=[VOILUTTransformation(window_center=0.5, window_width=1.0)],
        contains_recognizable_visual_features=False,
        content_label="CTSIEVE",
        content_description="Research use only",
        content_creator_name=CREATOR,
        content_qualification="RESEARCH",
        image_flavor=ImageFlavorValues.VOLUME,
        derived_pixel_contrast=DerivedPixelContrastValues.NONE,
        plane_positions=source.grid.positions(slices),
        plane_orientation=source.grid.planes,
        pixel_measures=source.grid.measures,
        **identity(screening, KIND),
    )
    name_sources(made, source, CALCULATION)
    made.BodyPartExamined = "CHEST"
    return write_whole(folder, {FILE: encoded(made, source)})


def warm_slices(shown: Explanation) -> range:
    """From the first to the last slice with any heat; the middle one where there is none."""
    warm = np.flatnonzero(shown.heat.any(axis=(1, 2)))
    if warm.size == 0:
        middle = len(shown.heat) // 2
        return range(middle, middle + 1)
    return range(int(warm[0]), int(warm[-1]) + 1)


def _mapping(shown: Explanation) -> RealWorldValueMapping:
    return RealWorldValueMapping(
        lut_label="HEAT",
        lut_explanation=f"{shown.method}, {label_name(shown.label)}: heat times unscaled peak"[:64],
        unit=coded(NO_UNITS),
        value_range=(0.0, 1.0),
        slope=shown.peak,
        intercept=0.0,
        quantity_definition=coded(_quantity(shown.method)),
    )


def _quantity(method: str) -> Concept:
    """What the numbers are, in CID 217: attention and occlusion are ways to say what is salient."""
    return GRADIENT_ACTIVATION if method.startswith("Grad-CAM") else SALIENCY


CARD = FormatCard(
    title="DICOM PM, heat as numbers",
    write=write,
    pictures=False,
    dicom=True,
)
