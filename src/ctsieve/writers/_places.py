"""Where a slice is: for people and for programs."""

from ctsieve.types.volume import CTPicture, CTVolume
from ctsieve.writers._phrases import millimetres


def slice_z_mm(image: CTVolume | CTPicture, index: int) -> float | None:
    """LPS z of the centre of a slice in mm, towards the head; None for a picture.

    The centre of the plane and not its corner: on tilted grids they differ.
    """
    if isinstance(image, CTPicture):
        return None
    _, rows, columns = image.geometry.shape
    centre = image.geometry.to_world((index, (rows - 1) / 2, (columns - 1) / 2))
    return float(centre[0, 2])


def instance_number(image: CTVolume | CTPicture, index: int) -> int | None:
    """The image number of a slice in its series; None where there is none."""
    sources = image.provenance.slices
    source = sources[index] if index < len(sources) else None
    return None if source is None else source.instance_number


def place_in_words(image: CTVolume | CTPicture, index: int) -> str:
    """Such as "Slice 34 of 74, z -188.1 mm, image 40": counted from the head, from 1."""
    num_slices = image.geometry.shape[0]
    parts = [f"Slice {index + 1} of {num_slices}" if num_slices > 1 else "The only slice"]
    z_mm = slice_z_mm(image, index)
    if z_mm is not None:
        parts.append(f"z {millimetres(z_mm)}")
    number = instance_number(image, index)
    if number is not None:
        parts.append(f"image {number}")
    return ", ".join(parts)
