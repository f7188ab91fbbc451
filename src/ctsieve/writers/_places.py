"""Where a slice is: for people and for programs."""

from ctsieve.types.volume import CTPicture, CTVolume


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
