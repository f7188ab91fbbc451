"""STOIC: 2,000 scans of suspected COVID-19 with the result of RT-PCR and the outcome.

Source   https://stoic2021.grand-challenge.org/stoic-db and the Registry of Open Data on AWS:
         data/mha/<patient>.mha and metadata/reference.csv (PatientID, probCOVID, probSevere).  Age
         group and sex stand in the header of each image, as PatientAge and PatientSex.
Licence  CC BY-NC 4.0.
Traps    The negatives had symptoms too: many have another pneumonia, so they are not "neither".
         Ages are groups (under 40, 40 to 50, ...), given as a number.  Severe means dead or
         intubated after a month, not what the scan looks like.  COVIDx CT 3 took positives from
         here: do not test a model of one on the other.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from ctsieve.datasets._files import the_file, the_table
from ctsieve.datasets._splits import shares_of_patients
from ctsieve.types.cards import Counts, DatasetCard, SplitCard
from ctsieve.types.cases import Case
from ctsieve.types.errors import UnreadableStudy

LABELS = {"1": "covid19", "0": "non_covid19"}
COLUMNS = ("PatientID", "probCOVID", "probSevere")
SEX: dict[str, Literal["female", "male"]] = {"F": "female", "M": "male"}
HEADER_BYTES = 4096
"""A MetaImage header is text and ends before this; only so much of a file is read."""
SHARES = {"train": 0.7, "tune": 0.15, "test": 0.15}
WHERE = "download data/ and metadata/ of s3://stoic2021-training there"


def walk(root: Path) -> Iterator[Case]:
    """Yield one scan per case in the table's order, reading the text header of each, no voxels.

    Raises:
        UnreadableStudy: the table or an image is missing, or a row makes no sense.
    """
    table = root / "metadata" / "reference.csv"
    for line, row in enumerate(the_table(table, COLUMNS, hint=WHERE), start=2):
        label = LABELS.get(row["probCOVID"].removesuffix(".0"))
        if label is None:
            raise UnreadableStudy(f"{table.name} line {line}: probCOVID {row['probCOVID']!r}")
        patient = row["PatientID"]
        image = the_file(root / "data" / "mha" / f"{patient}.mha", hint=WHERE)
        header = _header(image)
        age = header.get("PatientAge", "").strip("Y")
        yield Case(
            id=patient,
            patient=f"stoic:{patient}",
            label=label,
            files=(image,),
            site="stoic",
            kind="volume",
            scan=patient,
            sex=SEX.get(header.get("PatientSex", ""), ""),
            age=float(age) if age.isdigit() else None,
            facts={"severe": "yes" if row["probSevere"].removesuffix(".0") == "1" else "no"},
        )


def _header(image: Path) -> dict[str, str]:
    """The `key = value` lines in front of a MetaImage file's voxels."""
    with image.open("rb") as file:
        text = file.read(HEADER_BYTES).decode("latin-1")
    fields: dict[str, str] = {}
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if not equals:
            break
        fields[key.strip()] = value.strip()
        if key.strip() == "ElementDataFile":
            break
    return fields


CARD = DatasetCard(
    title="STOIC, public training set",
    source="https://stoic2021.grand-challenge.org/stoic-db",
    licence="CC BY-NC 4.0",
    labels=tuple(LABELS.values()),
    walk=walk,
    citation="Revel et al., Radiology 301 (2021) E361-E370",
    expected="2000 scans of 2000 patients",
    traps=(
        "negatives had symptoms: they are not healthy",
        "ages are groups",
        "COVIDx CT 3 holds 1176 of its positives",
    ),
    counts=Counts(cases=2000, patients=2000),
    splits={
        "by-patient": SplitCard(
            title="70, 15 and 15 % of the patients of each label",
            deal=shares_of_patients(SHARES, seed=0),
        ),
    },
)
