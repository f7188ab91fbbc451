"""ELCAP Public Lung Image Database: 50 low-dose screening scans; negatives of the series models.

Source   http://www.via.cornell.edu/databases/lungdb.html: scans W0001 to W0050, DICOM, 1.25 mm.
         How deep the files lie below W<number>/ is not documented; any depth is read here.
Licence  Free for research with citation; no licence text.
Traps    Not COVID-19 by date (2003), and not healthy: many have nodules.  All negative: the source
         alone tells the label.  Files without a suffix are left alone: rename them to .dcm.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ctsieve.datasets._files import dicom_series
from ctsieve.datasets._scan_parts import in_quarters
from ctsieve.datasets._splits import shares_of_patients
from ctsieve.types.cards import Counts, DatasetCard, SplitCard
from ctsieve.types.cases import Case
from ctsieve.types.errors import UnreadableStudy

LABEL = "non_covid19"
SCANS = "W[0-9][0-9][0-9][0-9]"
PAPERS_SHARES = {"train": 0.8, "tune": 0.1, "test": 0.1}
WHERE = "unpack the scans W0001 to W0050 of via.cornell.edu/databases/lungdb.html there"


def walk(root: Path) -> Iterator[Case]:
    """Yield one scan per case, in order, opening no image.

    Raises:
        UnreadableStudy: there is no folder W<number>, or one holds no DICOM series or several.
    """
    folders = sorted(path for path in root.glob(SCANS) if path.is_dir())
    if not folders:
        raise UnreadableStudy(f"{root.name!r} holds no folder such as W0001/", hint=WHERE)
    for folder in folders:
        series = list(dicom_series(folder))
        if len(series) != 1:
            raise UnreadableStudy(
                f"{folder.name}/ holds {len(series)} folders with .dcm files instead of one",
                hint="unpack each scan into a folder of its own, with .dcm behind file names",
            )
        yield Case(
            id=folder.name,
            patient=f"elcap:{folder.name}",
            label=LABEL,
            files=series[0][1],
            site="elcap",
            kind="volume",
            scan=folder.name,
        )


_SCANS = DatasetCard(
    title="ELCAP Public Lung Image Database",
    source="http://www.via.cornell.edu/databases/lungdb.html",
    licence="free for research with citation; no licence text",
    labels=(LABEL,),
    walk=walk,
    citation="ELCAP and VIA research groups, ELCAP Public Lung Image Database, 2003",
    expected="50 scans of 50 patients, about 260 slices each",
    traps=("one label only", "screening scans: nodules are frequent"),
    counts=Counts(cases=50, patients=50),
    splits={
        "paper": SplitCard(
            title="the series models' shares (160, 20, 20 of 200), by patient",
            deal=shares_of_patients(PAPERS_SHARES, seed=0),
        ),
    },
)
CARD = replace(
    _SCANS,
    variants={
        "quarters": replace(
            _SCANS,
            title="ELCAP, long scans as four of every fourth slice",
            walk=in_quarters(walk),
            counts=Counts(cases=200, patients=50),
        ),
    },
)
