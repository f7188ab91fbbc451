"""MosMedData: 1,110 outpatient scans of Moscow with a degree of lung damage each, 50 with masks.

Source   https://mosmed.ai/en/datasets/covid191110, archive COVID19_1110: studies/CT-<degree>/
         study_<number>.nii.gz and masks/study_<number>_mask.nii.gz; counts from that page.
Licence  CC BY-NC-ND 3.0.
Traps    The label is the degree of damage seen, CT-0 (none) to CT-4 (more than 75 %); nobody
         verified COVID-19 by a test, so cases have a lower weight.  Only every tenth slice of a
         scan is in its file: slices are 8 mm apart.
"""

from collections.abc import Iterator
from pathlib import Path

from ctsieve.datasets._files import natural, the_folder
from ctsieve.types.cards import Counts, DatasetCard
from ctsieve.types.cases import Case
from ctsieve.types.errors import UnreadableStudy

LABELS = {
    "CT-0": "neither",
    "CT-1": "covid19",
    "CT-2": "covid19",
    "CT-3": "covid19",
    "CT-4": "covid19",
}
UNVERIFIED = 0.5
"""Trust in a label without a test."""
WHERE = "unpack COVID19_1110 of mosmed.ai/en/datasets/covid191110 there"


def walk(root: Path) -> Iterator[Case]:
    """Yield one scan per case, by degree and number, opening no image.

    Raises:
        UnreadableStudy: there are no studies, or a file is none.
    """
    studies = the_folder(root, "studies", "COVID19_1110/studies", hint=WHERE)
    masks = studies.parent / "masks"
    known = {path.name for path in masks.iterdir()} if masks.is_dir() else set()
    for degree, label in LABELS.items():
        folder = the_folder(studies, degree, hint=WHERE)
        for image in sorted(folder.iterdir(), key=lambda path: natural(path.name)):
            name, _, suffix = image.name.partition(".")
            if not (name.startswith("study_") and suffix in ("nii", "nii.gz")):
                raise UnreadableStudy(f"{degree}/{image.name} is no study", hint=WHERE)
            mask = next((m for m in _mask_names(name) if m in known), None)
            yield Case(
                id=name,
                patient=f"mosmed:{name}",
                label=label,
                files=(image,),
                site="mosmed",
                kind="volume",
                mask=masks / mask if mask else None,
                scan=name,
                facts={"severity": degree},
                weight=UNVERIFIED,
            )


def _mask_names(study: str) -> tuple[str, str]:
    return f"{study}_mask.nii.gz", f"{study}_mask.nii"


CARD = DatasetCard(
    title="MosMedData COVID19_1110",
    source="https://mosmed.ai/en/datasets/covid191110",
    licence="CC BY-NC-ND 3.0",
    labels=("neither", "covid19"),
    walk=walk,
    citation="Morozov et al., medRxiv 2020.05.20.20100362; Digital Diagnostics 1 (2020) 49-59",
    expected="1110 scans: 254 CT-0, 684 CT-1, 125 CT-2, 45 CT-3, 2 CT-4; 50 masks",
    traps=(
        "no finding was verified by a test",
        "slices are 8 mm apart",
        "the label is a degree of damage, CT-0 to CT-4",
    ),
    counts=Counts(cases=1110, patients=1110, labels={"neither": 254, "covid19": 856}),
    mask_values={1: "ground glass or consolidation"},
)
