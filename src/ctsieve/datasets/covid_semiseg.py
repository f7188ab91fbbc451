"""COVID-SemiSeg (MedSeg): 98 COVID-19 slices with masks of ground glass and consolidation.

Source   https://medsegment.ai covid-19 CT set 1, as in https://github.com/DengPingFan/Inf-Net.
Licence  COVID-SemiSeg: non-commercial.
Traps    Patients are unknown and its own partition is not patient-wise: all 98 are one group, so
         they stay on one side.  Lying on the side (the spine is right: one clockwise quarter turn
         makes it upright) and cropped to the lungs.  Masks: 1 is ground glass, 2 consolidation.
"""

from collections.abc import Iterator
from pathlib import Path

from ctsieve.datasets._manifest import entries
from ctsieve.types.cards import DatasetCard
from ctsieve.types.cases import Case

FOLDER = "medseg98"
LABEL = "covid19"
QUARTER_TURNS = 1

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


CARD = DatasetCard(
    title="COVID-SemiSeg (MedSeg) slices with masks",
    source="https://github.com/DengPingFan/Inf-Net",
    licence="non-commercial (COVID-SemiSeg)",
    labels=(LABEL,),
    walk=walk,
    citation="Fan et al., IEEE TMI 39 (2020) 2626; medsegment.ai",
    expected="98 slices, patients unknown",
    traps=("one label only", "turned by 90 degrees, spine right", "patients are unknown"),
)
