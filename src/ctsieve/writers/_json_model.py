"""The shape of screening.json: what its schema and its reference page are made from.

Every field has a sentence; `_json_reference` collects them.  A change that takes a field away or
changes its meaning raises the first number of `SCHEMA_VERSION`, one that adds a field the second.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from ctsieve.types.recipe import Recipe

SCHEMA_VERSION = "1.1"

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Count = Annotated[int, Field(ge=0)]
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Triple = tuple[float, float, float]
Row = tuple[float, float, float, float]


class _Record(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True
    )


class WindowRecord(_Record):
    """The window a picture was made with."""

    centre: float = Field(description="Centre in HU.")
    width: float = Field(description="Width in HU.")


class ImageRecord(_Record):
    """What was judged: a volume in Hounsfield units and millimetres, or a picture with neither."""

    kind: Literal["volume", "picture"] = Field(
        description="`volume`: Hounsfield units in patient space; `picture`: display values, "
        "no millimetres."
    )
    shape: tuple[Count, Count, Count] = Field(description="Number of slices, rows and columns.")
    spacing_mm: Triple | None = Field(
        description="Distance of neighbours along slices, rows and columns in mm; null for a "
        "picture."
    )
    affine_lps: tuple[Row, Row, Row, Row] | None = Field(
        description="Matrix from (slice, row, column, 1) to DICOM LPS millimetres (x to the "
        "patient's left, y to the back, z to the head); null for a picture."
    )
    window: WindowRecord | None = Field(
        description="What a picture was windowed with, where that is known; null otherwise."
    )


class FindingRecord(_Record):
    """One thing the gate has to say about the image."""

    code: str = Field(description="Stable name, for programs.")
    severity: Literal["warning", "rejection"] = Field(
        description="A single `rejection` means that the image was not judged."
    )
    sentence: str = Field(description="The same, for people.")


class GateRecord(_Record):
    """Whether the image was fit to be judged."""

    verdict: Literal["accepted", "accepted_with_warnings", "rejected"] = Field(
        description="The worst finding decides."
    )
    reasons: tuple[str, ...] = Field(description="Codes of all findings, rejections first.")
    findings: tuple[FindingRecord, ...] = Field(description="The findings in full.")
    measurements: dict[str, float | None] = Field(
        description="What the gate measured, units in the names; null where a measurement gave "
        "no finite number."
    )


class PredictionRecord(_Record):
    """The answer."""

    level: Literal["picture", "scan"] = Field(
        description="Whether a single picture or a whole scan was called; they have thresholds "
        "of their own."
    )
    call: Literal["positive", "negative", "none"] = Field(
        description="`positive`: a label other than `neither` is at or above its threshold; "
        "`none`: no call is made, see `abstained`."
    )
    positive: tuple[str, ...] = Field(
        description="Labels at or above their threshold; empty when no call is made."
    )
    abstained: str | None = Field(description="Why no call is made, as a sentence; else null.")
    probability: dict[str, Share] = Field(
        description="By label, in the bundle's order. Empty for a rejected image."
    )
    threshold: dict[str, Share] = Field(description="By label: at or above it is positive.")
    logit: dict[str, float] = Field(description="By label: the network's number for the image.")
    multi_label: bool = Field(
        description="True: each label has a probability of its own; false: they sum to 1."
    )
    calibrated: bool = Field(
        description="Whether the probabilities were calibrated; if not, read them as scores."
    )


class SliceRecord(_Record):
    """The scores of one judged slice."""

    index: Count = Field(description="Counted from the head, from 0.")
    z_mm: float | None = Field(
        description="LPS z of the slice's centre in mm (towards the head); null for a picture."
    )
    sop_instance_uid: str | None = Field(
        description="SOP Instance UID of the source image; null where there is none or where the "
        "slice was interpolated."
    )
    instance_number: int | None = Field(description="Image number in the series; null if none.")
    logit: dict[str, float] = Field(
        description="By label: the network's number for the slice; empty where it has none, as "
        "when it answers for whole scans."
    )
    probability: dict[str, Share] = Field(
        description="By label: calibrated like a single picture; empty where there is no `logit`."
    )
    lesion_probability: dict[str, Share] = Field(
        description="By kind of lesion; empty if the bundle knows none."
    )
    weight: Share = Field(description="Share in the scan's answer; all slices sum to 1.")


class LesionRecord(_Record):
    """A kind of lesion the network was asked about: a flag for the image, no place."""

    kind: str = Field(description="The bundle's name for it.")
    name: str = Field(description="The same in words.")
    probability: Share = Field(description="Not calibrated on its own.")
    threshold: Share = Field(description="At or above it the flag is set.")
    present: bool = Field(description="Whether the flag is set.")


class LesionTotalRecord(_Record):
    """All lesions of one kind that a network found, which finds them in their places."""

    kind: str = Field(description="The bundle's name for it.")
    name: str = Field(description="The same in words.")
    count: Count = Field(description="Connected ones; one through several slices counts once.")
    ml: float | None = Field(description="Volume of all in ml; null for a picture.")
    percent_of_lungs: float | None = Field(
        description="Share of the lungs that lies in them, 0 to 100; null for a picture."
    )


class LesionInstanceRecord(_Record):
    """One lesion that a network found; its mask is in the formats that hold voxels."""

    kind: str = Field(description="The bundle's name for it.")
    score: Share = Field(description="The network's best score of what it is made of.")
    start: tuple[Count, Count, Count] = Field(
        description="First slice, row and column of its box, from 0."
    )
    stop: tuple[Count, Count, Count] = Field(
        description="Slice, row and column just after its box."
    )
    ml: float | None = Field(description="Volume in ml; null for a picture.")


class InvolvementRecord(_Record):
    """How much of the lungs is denser than aerated lung: an estimate, no diagnosis."""

    percent: float = Field(description="Dense share of the lungs, 0 to 100.")
    lung_ml: float = Field(description="Volume of the lungs in ml.")
    dense_ml: float = Field(description="Volume of the dense part in ml.")
    method: str = Field(description="How it was measured.")


class ExplanationRecord(_Record):
    """Where the network looked; the map itself is in the formats that hold pictures."""

    method: str = Field(description="The method's name.")
    label: str = Field(description="The label the map speaks for.")
    peak: float = Field(
        description="Unscaled maximum of the map over the whole image: a small peak means an "
        "empty explanation."
    )


class BundleRecord(_Record):
    """Which bundle answered."""

    name: str = Field(description="Its name.")
    version: str = Field(description="Its version.")
    digest: str = Field(description="SHA-256 over the digests of all its members.")
    recipe_digest: Digest = Field(description="SHA-256 of the recipe's canonical JSON.")


class AcquisitionRecord(_Record):
    """What the header says of how the image was made; null means "not said"."""

    modality: str | None = Field(description="DICOM modality.")
    body_part: str | None = Field(description="Body part examined.")
    image_type: tuple[str, ...] = Field(description="DICOM image type, value by value.")
    kernel: str | None = Field(description="Reconstruction kernel.")
    contrast: bool | None = Field(description="Whether a contrast agent was given.")
    manufacturer: str | None = Field(description="Maker of the scanner.")
    model_name: str | None = Field(description="Model of the scanner.")
    kvp: float | None = Field(description="Tube voltage in kV.")
    slice_thickness_mm: float | None = Field(description="Nominal slice thickness in mm.")
    patient_position: str | None = Field(description="DICOM patient position, such as HFS.")
    tilt_degrees: float = Field(description="Gantry tilt in degrees.")
    burned_in_annotation: bool | None = Field(description="Whether text is burned in.")
    intensity: str = Field(
        description="`hu`: rescaled as the header says; `assumed-hu`: integers taken as they "
        "are; `display`: a picture's values."
    )
    picture_format: str | None = Field(description="A picture's file format.")
    picture_mode: str | None = Field(description="A picture's colour mode.")
    coloured_fraction: Share = Field(description="Share of a picture's pixels that are coloured.")


class SeriesRecord(_Record):
    """Why one series of the study was taken, or left."""

    series_uid: str = Field(description="Series Instance UID.")
    summary: str = Field(description="Number, orientation, slices, kernel.")
    num_images: Count = Field(description="How many images it has.")
    chosen: bool = Field(description="Whether this one was judged.")
    reasons: tuple[str, ...] = Field(description="Why.")


class SourceRecord(_Record):
    """The source of one slice of the image."""

    index: Count = Field(description="The slice, counted from the head, from 0.")
    sop_instance_uid: str | None = Field(description="SOP Instance UID; null if there is none.")
    frame: Count = Field(description="Frame in a multi-frame file, from 0.")
    instance_number: int | None = Field(description="Image number in the series; null if none.")
    sha256: str = Field(description="SHA-256 of the file, to find it again.")


class ProvenanceRecord(_Record):
    """How to find the bytes again and what was done to them on the way in."""

    reader: str = Field(description="Which reader opened the image.")
    reader_version: str = Field(description="Its version.")
    digest: str = Field(description="SHA-256 over the digests of all files, in slice order.")
    study_uid: str | None = Field(description="Study Instance UID; null if there is none.")
    series_uid: str | None = Field(description="Series Instance UID; null if there is none.")
    frame_of_reference_uid: str | None = Field(
        description="Frame of Reference UID; null if there is none."
    )
    acquisition: AcquisitionRecord = Field(description="How the image was made.")
    steps: tuple[str, ...] = Field(description="What reading changed, in order.")
    choices: tuple[SeriesRecord, ...] = Field(description="Every series of the study.")
    sources: tuple[SourceRecord, ...] = Field(
        description="Where each slice came from; interpolated slices are absent."
    )


class ScreeningRecord(_Record):
    """The whole answer for one image, without the arrays."""

    schema_name: Literal["ctsieve.screening"] = Field(
        alias="schema", description="Always this name."
    )
    schema_version: Literal["1.1"] = Field(description="Version of this schema.")
    id: str = Field(description="Stable name for this image judged by this bundle.")
    notice: str = Field(description="What this must not be used for.")
    software: str = Field(description="Name and version of the program.")
    image: ImageRecord = Field(description="What was judged.")
    gate: GateRecord = Field(description="Whether it was fit to be judged.")
    prediction: PredictionRecord = Field(description="The answer.")
    slices: tuple[SliceRecord, ...] = Field(description="The slices that were judged.")
    top_slices: tuple[Count, ...] = Field(
        description="`index` of the slices that decided most, the first first."
    )
    lesions: tuple[LesionRecord, ...] = Field(description="Lesion flags of the image.")
    lesion_totals: tuple[LesionTotalRecord, ...] = Field(
        description="Lesions found, by kind: one row for each kind that the network knows; since "
        "1.1."
    )
    lesion_instances: tuple[LesionInstanceRecord, ...] = Field(
        description="Lesions found, one by one, the largest first; since 1.1."
    )
    involvement: InvolvementRecord | None = Field(
        description="How much of the lungs is dense; null where it was not measured."
    )
    explanation: ExplanationRecord | None = Field(
        description="Where the network looked; null where there is no map."
    )
    bundle: BundleRecord = Field(description="Which bundle answered.")
    recipe: Recipe = Field(
        description="Everything between the image and the answer that is not the network, "
        "unrounded: it is what `bundle.recipe_digest` names."
    )
    provenance: ProvenanceRecord = Field(description="Where the image came from.")
