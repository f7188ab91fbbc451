"""Sets of whole scans: DICOM folders, NIfTI and MetaImage files."""

from pathlib import Path

from tests.datasets.trees.tree import NO_IMAGE, Builder, Tree, touch, write


def rider_lung(root: Path) -> Tree:
    """Study and series folders as TCIA's retriever names them, with a scout beside a scan."""
    study = "RIDER Lung CT/RIDER-1129164940/09-20-2006-1-96508"
    touch(root / study / "4-24533", (f"{n:06d}.dcm" for n in range(1, 141)))
    touch(root / study / "100-53970", (f"{n:06d}.dcm" for n in range(1, 26)))
    touch(root / study / "1-18880", ["000001.dcm", "000002.dcm"])
    other = "RIDER Lung CT/RIDER-1225316081/01-30-2007-56138/2-00001"
    touch(root / other, (f"{n:06d}.dcm" for n in range(1, 31)))
    return Tree(labels={"non_covid19": 3}, patients=2, partitions={"": 3}, vital=("RIDER Lung CT",))


def rider_quarters(root: Path) -> Tree:
    """The series of 140 files becomes four."""
    rider_lung(root)
    return Tree(labels={"non_covid19": 6}, patients=2, partitions={"": 6})


def elcap(root: Path) -> Tree:
    """A folder a scan, files at some depth below it."""
    touch(root / "W0001" / "1.2.826.0.1" / "S02A01", (f"1.2.826.{n}.dcm" for n in range(130)))
    touch(root / "W0002", (f"1.2.826.{n}.dcm" for n in range(9)))
    return Tree(labels={"non_covid19": 2}, patients=2, partitions={"": 2})


def elcap_quarters(root: Path) -> Tree:
    """The scan of 130 files becomes four."""
    elcap(root)
    return Tree(labels={"non_covid19": 5}, patients=2, partitions={"": 5})


def twenty_cases(root: Path) -> None:
    """The archives of Zenodo 3757476, each in a folder of its name."""
    names = ["coronacases_001", "coronacases_010", "coronacases_002"]
    names += ["radiopaedia_4_85506_1", "radiopaedia_10_85902_1", "radiopaedia_10_85902_3"]
    for folder in ("COVID-19-CT-Seg_20cases", "Lung_and_Infection_Mask", "Infection_Mask"):
        touch(root / folder, (f"{name}.nii.gz" for name in names))


def coronacases_zenodo(root: Path) -> Tree:
    """The half of coronacases.org."""
    twenty_cases(root)
    return Tree(
        labels={"covid19": 3},
        patients=3,
        partitions={"": 3},
        vital=("Lung_and_Infection_Mask/coronacases_010.nii.gz", "COVID-19-CT-Seg_20cases"),
    )


def radiopaedia(root: Path) -> Tree:
    """The half of radiopaedia.org: two of the three scans are of one patient."""
    twenty_cases(root)
    return Tree(
        labels={"covid19": 3},
        patients=2,
        partitions={"": 3},
        vital=("Lung_and_Infection_Mask/radiopaedia_4_85506_1.nii.gz",),
    )


def mosmed(root: Path) -> Tree:
    """The archive COVID19_1110; only studies of CT-1 have masks."""
    studies = {"CT-0": (1, 2), "CT-1": (255, 256), "CT-2": (939,), "CT-3": (1064,), "CT-4": (1109,)}
    folder = root / "COVID19_1110"
    for degree, numbers in studies.items():
        touch(folder / "studies" / degree, (f"study_{n:04d}.nii.gz" for n in numbers))
    touch(folder / "masks", ["study_0255_mask.nii.gz"])
    return Tree(
        labels={"neither": 2, "covid19": 5},
        patients=7,
        partitions={"": 7},
        vital=("COVID19_1110/studies/CT-3",),
    )


def ricord(root: Path) -> Tree:
    """Folders as TCIA's retriever names them, with a scout beside two series of one scan."""
    patient = "MIDRC-RICORD-1A/MIDRC-RICORD-1A-419639-000082"
    study = f"{patient}/08-02-2002-NA-CT CHEST WITHOUT CONTRAST-04614"
    for series in ("2.000000-ROUTINE CHEST NON-CON-97100", "3.000000-LUNG-20001"):
        touch(root / study / series, (f"1-{n:03d}.dcm" for n in range(1, 31)))
    touch(root / study / "1.000000-SCOUT-30001", ["1-1.dcm"])
    negative = "MIDRC-RICORD-1B/MIDRC-RICORD-1B-440808-000012/01-01-2001-NA-CT-1/2.000000-AX-2"
    touch(root / negative, (f"1-{n:03d}.dcm" for n in range(1, 41)))
    return Tree(labels={"covid19": 2, "non_covid19": 1}, patients=2, partitions={"": 3})


def stoic(root: Path) -> Tree:
    """The table, and MetaImage files whose text header has age group and sex."""
    rows = ((0, 1, 0, "065Y", "M"), (1, 0, 0, "035Y", "F"), (5, 1, 1, "085Y", "F"))
    table = ["PatientID,probCOVID,probSevere"]
    for number, positive, severe, age, sex in rows:
        table.append(f"{number},{positive},{severe}")
        header = ["ObjectType = Image", "NDims = 3", "CompressedData = True"]
        header += [f"PatientAge = {age}", f"PatientSex = {sex}", "ElementDataFile = LOCAL"]
        path = root / "data" / "mha" / f"{number}.mha"
        write(path, header)
        path.write_bytes(path.read_bytes() + NO_IMAGE * 9000)
    write(root / "metadata" / "reference.csv", table)
    return Tree(
        labels={"covid19": 2, "non_covid19": 1},
        patients=3,
        partitions={"": 3},
        vital=("metadata/reference.csv", "data/mha/5.mha"),
    )


TREES: dict[str, Builder] = {
    "rider-lung": rider_lung,
    "rider-lung/quarters": rider_quarters,
    "elcap": elcap,
    "elcap/quarters": elcap_quarters,
    "coronacases/zenodo": coronacases_zenodo,
    "radiopaedia-covid": radiopaedia,
    "mosmed": mosmed,
    "ricord": ricord,
    "stoic": stoic,
}
