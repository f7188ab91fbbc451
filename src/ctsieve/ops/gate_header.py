"""What the gate learns from the header alone, before a pixel is looked at."""

from collections.abc import Iterator

from ctsieve.ops.gate_rules import THICK_MM, TILT_DEGREES, found
from ctsieve.types.provenance import PLACES_ASSUMED, Acquisition
from ctsieve.types.results import Finding
from ctsieve.types.volume import CTPicture, CTVolume

CAPTURES = frozenset({"CT", "OT", "SC"})
"""Modalities a picture of a CT may carry: screen captures are OT or, wrongly, SC."""


def header_findings(image: CTVolume | CTPicture) -> Iterator[Finding]:
    """Everything the provenance of the image gives reason to say."""
    acquisition = image.provenance.acquisition
    yield from _kind(image)
    if acquisition.burned_in_annotation:
        yield found(
            "burned-in-annotation", "The header says that annotation is burned into the pixels."
        )
    if isinstance(image, CTVolume):
        yield from _scan(image)
        yield from _spacing(image)


def _kind(image: CTVolume | CTPicture) -> Iterator[Finding]:
    acquisition = image.provenance.acquisition
    allowed = frozenset({"CT"}) if isinstance(image, CTVolume) else CAPTURES
    if acquisition.modality is not None and acquisition.modality not in allowed:
        yield found("not-ct", f"The header says modality {acquisition.modality}, not CT.")
    if "LOCALIZER" in acquisition.image_type:
        yield found("localiser", "The header says that this is a localiser, no slice.")


def _scan(volume: CTVolume) -> Iterator[Finding]:
    acquisition = volume.provenance.acquisition
    if (acquisition.patient_position or "").endswith("P"):
        yield found("prone", f"The patient lay prone ({acquisition.patient_position}).")
    if abs(acquisition.tilt_degrees) > TILT_DEGREES:
        yield found(
            "gantry-tilt", f"The gantry was tilted by {acquisition.tilt_degrees:.1f} degrees."
        )
    assumed = [s for s in volume.provenance.steps if s.startswith(PLACES_ASSUMED)]
    if assumed:
        yield found("assumed-places", f"{assumed[0].capitalize()}; check that none is missing.")
    if acquisition.intensity == "assumed-hu":
        yield found(
            "assumed-hu",
            "The file does not say how to rescale; its integers were taken as Hounsfield units.",
        )
    if num := volume.provenance.num_damaged:
        yield found(
            "damaged-files",
            f"{num} damaged {'file was' if num == 1 else 'files were'} left out: slices may be "
            "missing or interpolated.",
        )
    if _says_nothing(acquisition):
        yield found(
            "contrast-unknown",
            "The header says nothing of the acquisition: contrast agent, kernel and dose are "
            "unknown.",
        )


def _spacing(volume: CTVolume) -> Iterator[Finding]:
    thickness = volume.provenance.acquisition.slice_thickness_mm or 0.0
    num_slices = volume.hu.shape[0]
    apart = volume.geometry.spacing[0] if num_slices > 1 else 0.0
    # A tenth of a millimetre of grace: positions are rounded in many headers.
    if max(thickness, apart) > THICK_MM + 0.1:
        measured = {"thick": thickness, "apart": apart}
        known = " and ".join(f"{mm:.1f} mm {word}" for word, mm in measured.items() if mm)
        yield found(
            "thick-slices",
            f"Slices are {known}; over {THICK_MM:.1f} mm small opacities are hidden.",
        )
    sources = volume.provenance.slices
    num_filled = sum(source is None for source in sources)
    if 0 < num_filled < len(sources):
        yield found(
            "interpolated-slices",
            f"{num_filled} of {len(sources)} slices were missing and have been interpolated.",
        )


def _says_nothing(acquisition: Acquisition) -> bool:
    return all(
        value is None
        for value in (
            acquisition.modality,
            acquisition.kernel,
            acquisition.kvp,
            acquisition.manufacturer,
            acquisition.model_name,
            acquisition.contrast,
        )
    )
