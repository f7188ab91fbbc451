"""CNCB lesion masks: 750 slices of 150 COVID-19 patients, lungs and two kinds of lesion drawn.

Source   http://ncov-ai.big.ac.cn/download, archive ct_lesion_seg.zip: image/<patient>/<slice>.jpg
         and mask/<patient>/<slice>.png (so public scripts that rename them say).  Split lists
         {train,test}_split_segmentation.txt: github.com/AlexTS1980/COVID-Single-Shot-Model, which
         wants {train,test}/{imgs,masks}/<patient>_<slice>; both layouts are read here.
Licence  The resource asks to be cited (Zhang et al., Cell 2020); no licence is stated with it.
Traps    Pixel values are 0 background, 1 lung, 2 ground glass, 3 consolidation; an image editor
         shows all of them black.  The authors' code numbers the values that are present in a mask,
         so a mask without ground glass calls consolidation ground glass: `rank_labels` does that,
         `fixed_labels` does not.  Some slices hold no lesion.  All COVID-19: use it for lesions,
         not for diagnosis.  One README of the authors says 500 and 150 slices; their lists have
         650, 100.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ctsieve.datasets._files import pictures, the_file, the_folder, the_lines
from ctsieve.datasets._splits import as_published, with_tune_side
from ctsieve.types.cards import Counts, DatasetCard, SplitCard
from ctsieve.types.cases import Case
from ctsieve.types.errors import UnreadableStudy

LABEL = "covid19"
LUNG, GGO, CONSOLIDATION = 1, 2, 3
MASK_VALUES = {LUNG: "lung", GGO: "ggo", CONSOLIDATION: "consolidation"}
LISTS = {"train": "train_split_segmentation.txt", "test": "test_split_segmentation.txt"}
WHERE = "unpack ct_lesion_seg.zip of ncov-ai.big.ac.cn there, with the two split lists beside it"

Mask = npt.NDArray[np.uint8]


def walk(root: Path) -> Iterator[Case]:
    """Yield one slice with its mask per case, patient by patient, opening no image.

    Raises:
        UnreadableStudy: a folder, a mask or a listed image is missing, or a name is no slice's.
    """
    if (root / "train" / "imgs").is_dir():
        for partition in LISTS:
            folder = the_folder(root, f"{partition}/imgs", hint=WHERE)
            for image in pictures(folder):
                patient, _, number = image.stem.partition("_")
                mask = folder.parent / "masks" / f"{image.stem}.png"
                yield _case((patient, number), image, mask, partition)
        return
    images = the_folder(root, "image", "ct_lesion_seg/image", hint=WHERE)
    partition_of = _listed(root)
    seen = set()
    for folder in sorted(images.iterdir(), key=lambda path: (len(path.name), path.name)):
        for image in pictures(folder) if folder.is_dir() else ():
            key = (folder.name, image.stem)
            seen.add(key)
            mask = images.parent / "mask" / folder.name / f"{image.stem}.png"
            yield _case(key, image, mask, partition_of.get(key, ""))
    for patient, number in partition_of:
        if (patient, number) not in seen:
            raise UnreadableStudy(f"image/{patient}/{number}.jpg is listed and missing", hint=WHERE)


def rank_labels(mask: Mask) -> Mask:
    """The authors' rule: a value becomes its place among the values present, lungs counted first.

    They force the lungs to be present by writing one pixel; what they do beside that is kept.

    Example:
        >>> rank_labels(np.array([[0, 1, 3]], np.uint8))
        array([[0, 1, 2]], dtype=uint8)
    """
    present = [value for value in MASK_VALUES if value == LUNG or (mask == value).any()]
    ranks = np.zeros(256, dtype=np.uint8)
    ranks[present] = np.arange(1, len(present) + 1)
    return ranks[mask]


def lesion_ranks(mask: Mask) -> Mask:
    """The rule of COVID-CT-Mask-Net and the Single Shot Model: the first two values are dropped.

    Meant are background and lungs; a mask without lungs so loses its first kind of lesion.

    Example:
        >>> lesion_ranks(np.array([[0, 2, 3]], np.uint8))
        array([[0, 0, 1]], dtype=uint8)
    """
    present = [value for value in range(CONSOLIDATION + 1) if (mask == value).any()]
    ranks = np.zeros(256, dtype=np.uint8)
    ranks[present[2:]] = np.arange(1, len(present[2:]) + 1)
    return ranks[mask]


def fixed_labels(mask: Mask) -> Mask:
    """Our rule: a value keeps its meaning whatever else is in the mask; unknown values are 0."""
    return np.where(mask <= CONSOLIDATION, mask, 0).astype(np.uint8)


def merged(mask: Mask) -> Mask:
    """Consolidation becomes ground glass: one kind of lesion (`merge`; unmerged is `separate`)."""
    return np.where(mask == CONSOLIDATION, GGO, mask).astype(np.uint8)


def _case(key: tuple[str, str], image: Path, mask: Path, partition: str) -> Case:
    patient, number = key
    if not (patient.isdigit() and number.isdigit()):
        raise UnreadableStudy(f"{image.name} does not name a patient and a slice", hint=WHERE)
    return Case(
        id=f"{patient}_{number}",
        patient=f"cncb_lesions:{patient}",
        label=LABEL,
        files=(image,),
        site="cncb_lesions",
        partition=partition,
        mask=the_file(mask, hint=WHERE),
        scan=patient,
        position=int(number),
    )


def _listed(root: Path) -> dict[tuple[str, str], str]:
    """(Patient, slice) to partition; empty where a copy has no lists."""
    if not any((root / name).is_file() for name in LISTS.values()):
        return {}
    partition_of = {}
    for partition, name in LISTS.items():
        for line in the_lines(root / name, hint=WHERE):
            patient, _, number = line.partition(".")[0].partition("_")
            partition_of[patient, number] = partition
    return partition_of


CARD = DatasetCard(
    title="CNCB lesion masks",
    source="http://ncov-ai.big.ac.cn/download",
    licence="none stated: research use with citation",
    labels=(LABEL,),
    walk=walk,
    citation="Zhang et al., Cell 181 (2020) 1423-1433",
    expected="750 slices of 150 patients: 650 train, 100 test",
    traps=(
        "one label only: for lesions, not for diagnosis",
        "mask values are 1, 2, 3 and look black",
        "the authors' code numbers the values that are present",
        "some slices hold no lesion",
    ),
    counts=Counts(cases=750, patients=150, partitions={"train": 650, "test": 100}),
    mask_values=MASK_VALUES,
    splits={
        "published": SplitCard(title="the authors' 650 and 100 slices", deal=as_published),
        "with-tune": SplitCard(
            title="as published, 15 % of the train patients set aside to tune on",
            deal=with_tune_side(0.15, seed=0),
        ),
    },
)
