"""RIDER Lung CT: lung cancer patients scanned twice; negatives of the series models.

Source   https://www.cancerimagingarchive.net/collection/rider-lung-ct; folders as TCIA's retriever
         writes them: RIDER Lung CT/RIDER-<number>/<study>/<series>/<number>.dcm.
Licence  CC BY (3.0 when first published; the collection's page says which now).
Traps    Two scans of each patient are nearly the same picture: split by patient.  Not COVID-19 by
         date (2006), and not healthy: every patient has lung cancer.  All negative: the source
         alone tells the label.  The series models' paper counts 246 sequences of "approximately 60"
         patients after taking scans apart; the collection has 32 patients.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ctsieve.datasets._files import dicom_series, the_folder
from ctsieve.datasets._scan_parts import in_quarters
from ctsieve.datasets._splits import shares_of_patients
from ctsieve.types.cards import Counts, DatasetCard, SplitCard
from ctsieve.types.cases import Case
from ctsieve.types.errors import UnreadableStudy

LABEL = "non_covid19"
FOLDER = "RIDER Lung CT"
PATIENT = "RIDER-"
FEWEST_SLICES = 20
"""Series with fewer files are scouts or segmentations."""
PAPERS_SHARES = {"train": 210 / 246, "tune": 18 / 246, "test": 18 / 246}
WHERE = "download the collection RIDER Lung CT with TCIA's retriever, without changing its folders"


def walk(root: Path) -> Iterator[Case]:
    """Yield one series per case, patient by patient, opening no image.

    Raises:
        UnreadableStudy: there is no folder RIDER-... with DICOM series.
    """
    folder = the_folder(root, FOLDER, "", hint=WHERE)
    patients = sorted(path for path in folder.glob(f"{PATIENT}*") if path.is_dir())
    if not patients:
        raise UnreadableStudy(f"{root.name!r} holds no folder {PATIENT}<number>/", hint=WHERE)
    for patient in patients:
        for series, files in dicom_series(patient):
            if len(files) >= FEWEST_SLICES:
                name = series.relative_to(folder).as_posix()
                yield Case(
                    id=name,
                    patient=patient.name,
                    label=LABEL,
                    files=files,
                    site="rider_lung",
                    kind="volume",
                    scan=name,
                )


_SCANS = DatasetCard(
    title="RIDER Lung CT",
    source="https://www.cancerimagingarchive.net/collection/rider-lung-ct",
    licence="CC BY",
    labels=(LABEL,),
    walk=walk,
    citation="Zhao et al., Radiology 252 (2009) 263-272; doi 10.7937/k9/tcia.2015.u1x8a5nr",
    expected="32 patients with two scans each, most of 200 to 300 slices",
    traps=(
        "one label only, and every patient has lung cancer",
        "each patient was scanned twice within 15 minutes",
    ),
    counts=Counts(patients=32),
    splits={
        "paper": SplitCard(
            title="the series models' shares (210, 18, 18 of 246), by patient",
            deal=shares_of_patients(PAPERS_SHARES, seed=0),
        ),
    },
)
CARD = replace(
    _SCANS,
    variants={
        "quarters": replace(
            _SCANS,
            title="RIDER Lung CT, long scans as four of every fourth slice",
            walk=in_quarters(walk),
        ),
    },
)
