"""COVID-SemiSeg (MedSeg): 98 COVID-19 slices with masks of ground glass and consolidation.

Source   https://medsegment.ai covid-19 CT set 1, as in https://github.com/DengPingFan/Inf-Net.
Licence  COVID-SemiSeg: non-commercial.
Traps    Patients are unknown and its own partition is not patient-wise: all 98 are one group, so
         they stay on one side.  Lying on the side (the spine is right: one clockwise quarter turn
         makes it upright) and cropped to the lungs.  Masks: 1 is ground glass, 2 consolidation.
         The variant "inf-net" reads Inf-Net's own folders, where a mask is 255 for any infection.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ctsieve.datasets._files import pictures, the_file, the_folder
from ctsieve.datasets._manifest import entries
from ctsieve.datasets._splits import as_published
from ctsieve.types.cards import Counts, DatasetCard, SplitCard
from ctsieve.types.cases import Case

FOLDER = "medseg98"
LABEL = "covid19"
QUARTER_TURNS = 1

GROUP = "medseg:unknown"
PARTS = {
    "train": "TrainingSet/LungInfection-Train/Doctor-label",
    "test": "TestingSet/LungInfection-Test",
}
"""Inf-Net's partitions and their folders, each with Imgs/<n>.jpg and GT/<n>.png."""
WHERE = "unpack LungInfection-Train.zip and -Test.zip of github.com/DengPingFan/Inf-Net there"

NO_GROUND_GLASS = frozenset({15, 54})
"""Slices (numbers in the file names) whose mask holds no ground glass."""
NO_CONSOLIDATION = frozenset(
    {2, 4, 5, 13, 17, 25, 29, 33, 41, 42, 46, 62, 64, 78, 81, 83, 89, 91, 93, 96, 98}
)
"""Slices whose mask holds no consolidation; listed so that walking opens no image."""


def walk(root: Path) -> Iterator[Case]:
    """Yield one slice with its mask per case in the manifest's order, opening no image.

    Raises:
        UnreadableStudy: the collection is incomplete.
    """
    files = {entry.name: entry for entry in entries(root, FOLDER)}
    for name, entry in files.items():
        if entry.label != "COVID":
            continue
        number = int(entry.path.stem)
        yield Case(
            id=name,
            patient=entry.patient,
            label=LABEL,
            files=(entry.path,),
            site="medseg",
            lesions={"GGO": number not in NO_GROUND_GLASS, "Csld": number not in NO_CONSOLIDATION},
            mask=files[f"{FOLDER}/mask/{number}.png"].path,
            quarter_turns=QUARTER_TURNS,
        )


def walk_inf_net(root: Path) -> Iterator[Case]:
    """Yield the slices of Inf-Net's folders with their masks of infection, opening no image.

    Raises:
        UnreadableStudy: a folder or a mask is missing.
    """
    for partition, part in PARTS.items():
        images = the_folder(root, f"{part}/Imgs", f"Dataset/{part}/Imgs", hint=WHERE)
        for image in pictures(images):
            yield Case(
                id=f"{partition}/{image.name}",
                patient=GROUP,
                label=LABEL,
                files=(image,),
                site="medseg",
                partition=partition,
                mask=the_file(images.parent / "GT" / f"{image.stem}.png", hint=WHERE),
                quarter_turns=QUARTER_TURNS,
            )


_COLLECTION = DatasetCard(
    title="COVID-SemiSeg (MedSeg) slices with masks",
    source="https://github.com/DengPingFan/Inf-Net",
    licence="non-commercial (COVID-SemiSeg)",
    labels=(LABEL,),
    walk=walk,
    citation="Fan et al., IEEE TMI 39 (2020) 2626; medsegment.ai",
    expected="98 slices, patients unknown",
    traps=("one label only", "turned by 90 degrees, spine right", "patients are unknown"),
    counts=Counts(cases=98),
    lesions=("GGO", "Csld"),
    mask_values={1: "ggo", 2: "consolidation"},
)
CARD = replace(
    _COLLECTION,
    variants={
        "inf-net": replace(
            _COLLECTION,
            title="COVID-SemiSeg in Inf-Net's folders",
            walk=walk_inf_net,
            counts=Counts(cases=98, partitions={"train": 50, "test": 48}),
            lesions=(),
            mask_values={255: "infection"},
            splits={
                "published": SplitCard(
                    title="Inf-Net's 50 and 48 slices",
                    deal=as_published,
                    leaks="patients are unknown, so slices of one patient may stand on both sides",
                ),
            },
        ),
    },
)
