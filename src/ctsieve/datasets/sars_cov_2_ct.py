"""SARS-CoV-2 CT: single slices of about 120 patients of hospitals in Sao Paulo.

Source   https://www.kaggle.com/datasets/plameneduardo/sarscov2-ctscan-dataset, folders COVID/ with
         "Covid (1).png", ... and non-COVID/ with "Non-Covid (1).png", ...
Licence  CC BY-NC-SA 4.0.
Differs  The paper counts 1252 + 1230 = 2482 slices, the archive holds 1252 + 1229.
Traps    Patients are unknown, and slices of one patient follow each other: a random split puts
         neighbours on both sides, which explains most accuracies reported on it.  All slices are
         one group here.  Sizes, windows and screenshots' margins differ between the classes.
         Negatives are patients with other diseases of the lung.
"""

from collections.abc import Iterator
from pathlib import Path

from ctsieve.datasets._files import pictures, the_folder
from ctsieve.types.cards import Counts, DatasetCard
from ctsieve.types.cases import Case

LABELS = {"COVID": "covid19", "non-COVID": "non_covid19"}
WHERE = "unpack the archive of kaggle.com/datasets/plameneduardo/sarscov2-ctscan-dataset there"
GROUP = "sars_cov_2_ct:unknown"


def walk(root: Path) -> Iterator[Case]:
    """Yield one slice per case, positives first, by number, opening no image.

    Raises:
        UnreadableStudy: a folder is missing.
    """
    for folder_name, label in LABELS.items():
        for image in pictures(the_folder(root, folder_name, hint=WHERE)):
            yield Case(
                id=f"{folder_name}/{image.name}",
                patient=GROUP,
                label=label,
                files=(image,),
                site="sars_cov_2_ct",
            )


CARD = DatasetCard(
    title="SARS-CoV-2 CT scan dataset",
    source="https://www.kaggle.com/datasets/plameneduardo/sarscov2-ctscan-dataset",
    licence="CC BY-NC-SA 4.0",
    labels=tuple(LABELS.values()),
    walk=walk,
    citation="Soares et al., medRxiv 2020.04.24.20078584",
    expected="2481 slices: 1252 covid19, 1229 non_covid19",
    traps=(
        "patients are unknown: no split can be shown to be free of leaks",
        "neighbouring slices of one patient are nearly equal",
        "sizes and windows differ between the classes",
    ),
    counts=Counts(cases=2481, labels={"covid19": 1252, "non_covid19": 1229}),
)
