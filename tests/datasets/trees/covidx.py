"""COVIDx CT of every version, its sequences, and the One Shot papers' choice from version 1."""

from functools import partial
from pathlib import Path

from tests.datasets.trees.tree import Builder, Tree, touch, write

METADATA = (
    "patient id,source,country,sex,age,finding,verified finding,slice selection,view,modality",
    "NCP_96,CNCB,China,F,77,COVID-19,Yes,Expert,Axial,CT",
    "study_0255,MosMed,Russia,,,COVID-19,No,Automatic,Axial,CT",
)
VERSION_1 = {
    "train": ["NCP_96_1328_0035.png 2", "NCP_96_1328_0036.png 2", "CP_0_3001_0010.png 1"],
    "val": ["Normal_1683_500_0001.png 0"],
    "test": ["CP_1068_3100_0007.png 1"],
}
LATER = {
    "train": [
        "NCP_96_1328_0035.png 2",
        "volume-covid19-A-0047_1-0012.png 2",
        "LIDC-IDRI-0273-1.3.6.1.4.1.14519.5.2.1.6279.6001.2689921-0093.png 0",
        "137covid_patient1_SR_4_IM00055.png 2",
        "HUST-Patient1314-0348.png 2",
        "radiopaedia_10_85902_1-0102.png 2",
    ],
    "val": ["Normal_1683_500_0001.png 0", "coronacases_001-0100.png 2"],
    "test": ["CP_1068_3100_0007.png 1", "CP_1068_3100_0008.png 1"],
}
UNVERIFIED = ["study_0255-0012.png 2", "study_0255-0013.png 2"]


def version(root: Path, *, name: str) -> Tree:
    """Lists and images in one folder, as on Kaggle; the B versions have their own train list."""
    lists = {key: list(rows) for key, rows in (VERSION_1 if name == "1" else LATER).items()}
    if name.endswith("B"):
        lists["train"] += UNVERIFIED
    write_lists(root, name, lists)
    write(root / "metadata.csv", METADATA)
    rows = [row for partition in lists.values() for row in partition]
    labels = [row.split()[1] for row in rows]
    names = {"neither": "0", "other_pneumonia": "1", "covid19": "2"}
    return Tree(
        labels={label: labels.count(number) for label, number in names.items()},
        patients={"1": 4, "2A": 9, "2B": 10, "3A": 9, "3B": 10}[name],
        partitions={partition: len(rows) for partition, rows in lists.items()},
        vital=(
            f"train_COVIDx_CT-{name}.txt",
            f"test_COVIDx_CT-{name.replace('B', 'A')}.txt",
            f"{name.replace('B', 'A')}_images/CP_1068_3100_0007.png",
        ),
    )


def write_lists(root: Path, name: str, lists: dict[str, list[str]]) -> None:
    """Rows `file class` become rows with a box, and files."""
    shared = name.replace("B", "A")
    for partition, rows in lists.items():
        own = name if partition == "train" else shared
        write(root / f"{partition}_COVIDx_CT-{own}.txt", [f"{row} 9 5 463 405" for row in rows])
        touch(root / f"{shared}_images", (row.split()[0] for row in rows))


def newest(root: Path) -> Tree:
    """Versions 1 and 3A side by side: the newer one counts."""
    version(root, name="1")
    tree = version(root, name="3A")
    return Tree(labels=tree.labels, patients=tree.patients, partitions=tree.partitions)


def sequences(root: Path) -> Tree:
    """A scan of 31 slices, one too short, and one that comes back later in its list."""

    def rows(scan: str, number: int, label: int) -> list[str]:
        return [f"{scan}_{n:04d}.png {label}" for n in range(number)]

    write_lists(
        root,
        "2A",
        {
            "train": rows("NCP_96_1328", 31, 2) + rows("CP_0_3001", 15, 1) + rows("CP_1_7", 16, 1),
            "val": rows("Normal_9_90", 20, 0) + rows("Normal_8_80", 16, 0),
            "test": rows("CP_5_3509", 40, 1) + rows("NCP_3_30", 17, 2),
        },
    )
    write(root / "metadata.csv", METADATA)
    return Tree(
        labels={"covid19": 2, "other_pneumonia": 2, "neither": 2},
        patients=6,
        partitions={"train": 2, "val": 2, "test": 2},
        vital=("val_COVIDx_CT-2A.txt", "2A_images/CP_0_3001_0003.png"),
    )


def authors_sequences(root: Path) -> Tree:
    """The authors lose the last scan of every list."""
    tree = sequences(root)
    return Tree(
        labels={"covid19": 1, "other_pneumonia": 1, "neither": 1},
        patients=3,
        partitions={"train": 1, "val": 1, "test": 1},
        vital=tree.vital,
    )


def cncb_slices(root: Path) -> Tree:
    """Version 1 with the One Shot papers' list of train images under their names for them."""
    version(root, name="1")
    write(root / "train_split_classification.txt", ["2_96_1328_0035.png"])
    return Tree(
        labels={"covid19": 2, "other_pneumonia": 2, "neither": 1},
        patients=4,
        partitions={"train": 1, "holdout": 2, "val": 1, "test": 1},
        vital=("train_split_classification.txt", "val_COVIDx_CT-1.txt"),
    )


TREES: dict[str, Builder] = {
    "covidx-ct": newest,
    **{f"covidx-ct/{name}": partial(version, name=name) for name in ("1", "2A", "2B", "3A", "3B")},
    "covidx-seqct": sequences,
    "covidx-seqct/authors": authors_sequences,
    "cncb-slices": cncb_slices,
}
