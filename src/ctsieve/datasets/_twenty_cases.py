"""The 20 scans with masks of "COVID-19 CT Lung and Infection Segmentation", half from each source.

Source   https://zenodo.org/records/3757476, archives COVID-19-CT-Seg_20cases, Infection_Mask and
         Lung_and_Infection_Mask, each unpacked into a folder of its name; files are called alike.
"""

from collections.abc import Iterator
from pathlib import Path

from ctsieve.datasets._files import natural, the_file, the_folder
from ctsieve.types.errors import UnreadableStudy

IMAGES = "COVID-19-CT-Seg_20cases"
MASKS = "Lung_and_Infection_Mask"
CORONACASES = "cc:Data-1_coronacases_org_{}"
"""The key of a patient of coronacases.org, whichever copy the scan is from."""
MASK_VALUES = {1: "left lung", 2: "right lung", 3: "infection"}
WHERE = f"unpack {IMAGES}.zip and {MASKS}.zip of zenodo.org/records/3757476 into such folders"


def scans(root: Path, prefix: str) -> Iterator[tuple[str, Path, Path]]:
    """Name, image and mask of the scans whose names begin with `prefix`, in natural order.

    Raises:
        UnreadableStudy: a folder, a mask, or all such scans are missing.
    """
    folder = the_folder(root, IMAGES, hint=WHERE)
    images = sorted(folder.glob(f"{prefix}*.nii*"), key=lambda path: natural(path.name))
    if not images:
        raise UnreadableStudy(f"{IMAGES}/ holds no {prefix}*.nii.gz", hint=WHERE)
    for image in images:
        yield image.name.partition(".")[0], image, the_file(root / MASKS / image.name, hint=WHERE)
