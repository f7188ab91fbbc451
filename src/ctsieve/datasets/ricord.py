"""RICORD 1a and 1b: chest CT of COVID-19 patients and of patients without, many hospitals.

Source   https://www.cancerimagingarchive.net/collection/midrc-ricord-1a and .../midrc-ricord-1b;
         folders as TCIA's retriever writes them: MIDRC-RICORD-1A/<patient>/<study>/<series>/*.dcm.
Licence  CC BY-NC 4.0.
Traps    A patient's name holds the site's number: 1A's and 1B's sites differ, so the site alone
         tells much of the label.  Several series of one scan (kernels, thicknesses).  1A's lesions
         are outlined by three readers in a file of MD.ai (JSON), which is not read here.
"""

from collections.abc import Iterator
from pathlib import Path

from ctsieve.datasets._files import dicom_series
from ctsieve.datasets._splits import shares_of_patients
from ctsieve.types.cards import Counts, DatasetCard, SplitCard
from ctsieve.types.cases import Case
from ctsieve.types.errors import UnreadableStudy

LABELS = {"MIDRC-RICORD-1A": "covid19", "MIDRC-RICORD-1B": "non_covid19"}
FEWEST_SLICES = 20
"""Series with fewer files are scouts or segmentations."""
SHARES = {"train": 0.7, "tune": 0.15, "test": 0.15}
WHERE = "download MIDRC-RICORD-1A or -1B with TCIA's retriever, without changing its folders"


def walk(root: Path) -> Iterator[Case]:
    """Yield one series per case, patient by patient, of whichever collection is there.

    Raises:
        UnreadableStudy: neither collection is there, or a folder is no patient's.
    """
    collections = [name for name in LABELS if (root / name).is_dir()]
    if not collections:
        raise UnreadableStudy(f"{root.name!r} holds no folder {' or '.join(LABELS)}", hint=WHERE)
    for name in collections:
        for patient in sorted(path for path in (root / name).iterdir() if path.is_dir()):
            yield from _series(root, patient, name)


def _series(root: Path, patient: Path, collection: str) -> Iterator[Case]:
    site, _, number = patient.name.removeprefix(f"{collection}-").partition("-")
    if not (site.isdigit() and number.isdigit()):
        raise UnreadableStudy(
            f"{collection}/{patient.name} is not called {collection}-<site>-<patient>", hint=WHERE
        )
    for series, files in dicom_series(patient):
        if len(files) >= FEWEST_SLICES:
            yield Case(
                id=series.relative_to(root).as_posix(),
                patient=patient.name,
                label=LABELS[collection],
                files=files,
                site=f"ricord_{site}",
                kind="volume",
                scan=series.parent.relative_to(root).as_posix(),
                facts={"collection": collection},
            )


CARD = DatasetCard(
    title="RICORD 1a and 1b",
    source="https://www.cancerimagingarchive.net/collection/midrc-ricord-1a",
    licence="CC BY-NC 4.0",
    labels=tuple(LABELS.values()),
    walk=walk,
    citation="Tsai et al., Radiology 299 (2021) E204-E213",
    expected="110 patients in 1A (229 series), 117 in 1B (120 series)",
    traps=(
        "the site, part of a patient's name, tells much of the label",
        "several series of one scan: split by patient",
    ),
    counts=Counts(patients=227),
    splits={
        "by-patient": SplitCard(
            title="70, 15 and 15 % of the patients of each label",
            deal=shares_of_patients(SHARES, seed=0),
        ),
    },
)
