"""The sets of the collection with `manifest.csv`, and their publishers' own layouts."""

from pathlib import Path

import numpy as np
from tests.datasets.trees.tree import Builder, Tree, touch, write

HEADER = "path,set,label,patient_key,bytes,sha256,source,licence,note"


def manifest(root: Path, rows: list[tuple[str, str, str]]) -> None:
    """A manifest of (path, label, patient) and its images."""
    touch(root, (path for path, _, _ in rows))
    lines = [f"{path},,{label},{patient},,,,," for path, label, patient in rows]
    write(root / "manifest.csv", [HEADER, *lines])


def flag_table(path: Path, rows: list[tuple[str, ...]]) -> None:
    """LA-DNN's table: name, then the labels of a row in their columns; CRLF."""
    columns = ("CVD19", "GGO", "Csld", "CrPa", "AirBr", "InSepThi")
    lines = [f"imgname,{','.join(columns)}"]
    lines += [",".join([row[0], *(c if c in row[1:] else "" for c in columns)]) for row in rows]
    write(path, lines, end="\r\n")


def covid_ct(root: Path) -> Tree:
    """One paper in train and val, a name with a `%`, a positive without flags."""
    folder = "covid_ct/{}/{}/{}"
    rows = [
        (folder.format("train", "COVID", "2020.03.22.20040782-p1-1.png"), "COVID", "c:Patient 1"),
        (folder.format("train", "COVID", "2020.01.24.919183-p2-2%1.png"), "COVID", "c:Patient 2"),
        (folder.format("train", "NonCOVID", "32%1.jpg"), "NonCOVID", "c:medpix_1"),
        (folder.format("val", "COVID", "2020.03.22.20040782-p9-7.png"), "COVID", "c:Patient 3"),
        (folder.format("val", "NonCOVID", "709.png"), "NonCOVID", "c:medpix_2"),
    ]
    manifest(root, rows)
    train = root / "covid_ct" / "ladnn_train_meta.csv"
    flag_table(train, [("2020.03.22.20040782-p1-1.png", "CVD19", "GGO", "AirBr")])
    flag_table(root / "covid_ct" / "ladnn_val_meta.csv", [("709.png",)])
    return Tree(
        labels={"covid19": 3, "non_covid19": 2},
        patients=4,
        partitions={"train": 3, "val": 2},
        vital=("manifest.csv", rows[2][0], "covid_ct/ladnn_val_meta.csv"),
    )


def covid_ct_official(root: Path) -> Tree:
    """The repositories UCSD-AI4H/COVID-CT and LA-DNN, as their readers' paths name files."""
    positives = {
        "train": ["2020.03.22.20040782-p1-1.png", "2020.01.24.919183-p2-2%1.png"],
        "val": ["2020.03.22.20040782-p9-7.png"],
        "test": ["2020.02.28.20029025-p3-3.png"],
    }
    negatives = {"train": ["32%1.jpg", "0.jpg"], "val": ["709.png"], "test": ["1001.png"]}
    for kind, lists in (("COVID", positives), ("NonCOVID", negatives)):
        for partition, names in lists.items():
            touch(root / "Images-processed" / f"CT_{kind}", names)
            write(root / "Data-split" / kind / f"{partition}CT_{kind}.txt", names)
    tables = root / "data_split"
    for partition, names in positives.items():
        flag_table(tables / f"{partition}_meta.csv", [(names[0], "CVD19", "GGO")])
    lines = ["name,Patient,C0VID19,GGO,Csld,CrPa,AirBr,InSepThi,captions"]
    every = [name for names in positives.values() for name in names]
    lines += [f"{name},Patient {n},1,GGO,,,,,\"['a, b']\"" for n, name in enumerate(every)]
    write(tables / "COVID-CT-MetaInfo_new.csv", lines)
    return Tree(
        labels={"covid19": 4, "non_covid19": 4},
        patients=7,
        partitions={"train": 4, "val": 2, "test": 2},
        vital=(
            "data_split/val_meta.csv",
            "data_split/COVID-CT-MetaInfo_new.csv",
            "Data-split/NonCOVID/testCT_NonCOVID.txt",
            "Images-processed/CT_NonCOVID/32%1.jpg",
        ),
    )


def coronacases(root: Path) -> Tree:
    """Two scans whose names do not sort in slice order."""
    rows = [
        (f"coronacases_slices/Data-1_coronacases_org_{scan:03d}_{n}.jpg", "COVID", f"cc:{scan}")
        for scan, number in ((1, 11), (2, 3))
        for n in range(1, number + 1)
    ]
    manifest(root, rows)
    return Tree(
        labels={"covid19": 14}, patients=2, partitions={"": 14}, vital=("manifest.csv", rows[3][0])
    )


def coronacases_scans(root: Path) -> Tree:
    """The same, as stacks."""
    coronacases(root)
    return Tree(labels={"covid19": 2}, patients=2, partitions={"": 2}, vital=("manifest.csv",))


def covid_semiseg(root: Path) -> Tree:
    """Three slices with masks."""
    rows = []
    for number in (0, 2, 15):
        rows.append((f"medseg98/img/{number}.jpg", "COVID", "medseg/unknown"))
        rows.append((f"medseg98/mask/{number}.png", "mask 1=GGO 2=consolidation", "medseg/unknown"))
    manifest(root, rows)
    return Tree(
        labels={"covid19": 3}, patients=1, partitions={"": 3}, vital=("manifest.csv", rows[1][0])
    )


def inf_net(root: Path) -> Tree:
    """The folders that Inf-Net's training and test scripts name."""
    for part, numbers in (
        ("TrainingSet/LungInfection-Train/Doctor-label", (0, 1, 10)),
        ("TestingSet/LungInfection-Test", (2,)),
    ):
        touch(root / "Dataset" / part / "Imgs", (f"{n}.jpg" for n in numbers))
        touch(root / "Dataset" / part / "GT", (f"{n}.png" for n in numbers))
    return Tree(
        labels={"covid19": 4},
        patients=1,
        partitions={"train": 3, "test": 1},
        vital=("Dataset/TestingSet/LungInfection-Test/GT/2.png",),
    )


def covid_ct_md(root: Path) -> Tree:
    """Three series whose files are not in slice order."""
    rows = []
    for series, label in (("P001", "COVID"), ("cap001", "CAP"), ("normal001", "Normal")):
        order = (2, 1, 3)
        table = ["file,index_from_top,z_mm,infected,LLL,LUL,RLL,RML,RUL"]
        for position, number in enumerate(order):
            rows.append((f"covid_ct_md/{series}/IM{number:04d}.dcm", label, f"md:{series}"))
            infected = int(label != "Normal" and position == 1)
            table.append(f"IM{number:04d}.dcm,{position},{-2 * position},{infected},0,0,0,0,0")
        write(root / "covid_ct_md" / f"{series}_slices.csv", table)
    manifest(root, rows)
    return Tree(
        labels={"covid19": 3, "other_pneumonia": 3, "neither": 3},
        patients=3,
        partitions={"": 9},
        vital=("manifest.csv", rows[4][0]),
    )


def covid_ct_md_scans(root: Path) -> Tree:
    """The same, as series."""
    covid_ct_md(root)
    return Tree(
        labels={"covid19": 1, "other_pneumonia": 1, "neither": 1},
        patients=3,
        partitions={"": 3},
        vital=("manifest.csv",),
    )


def covid_ct_md_figshare(root: Path) -> Tree:
    """The whole set; folders as COVIDNet-CT's construction script opens them, Index.csv as is."""
    for folder, patients in (
        ("COVID-19 Cases", ("P001", "P002")),
        ("Cap Cases", ("cap001",)),
        ("Normal Cases", ("normal001",)),
    ):
        for patient in patients:
            touch(root / folder / patient, (f"IM{n:04d}.dcm" for n in (1, 2, 3)))
    lines = ["Label Index,Diagnosis,Relative Path,Folder/ID"]
    lines += ["0,COVID-19,./COVID-19/,P001", "42,CAP,./CAP/,cap001"]
    write(root / "Index.csv", lines)
    labels = np.zeros((2, 3), np.uint8)
    labels[0, 1:] = labels[1, 0] = 1
    np.save(root / "Slice-level-labels.npy", labels)
    return Tree(
        labels={"covid19": 2, "other_pneumonia": 1, "neither": 1},
        patients=4,
        partitions={"": 4},
        vital=("Normal Cases",),
    )


def luna16_slices(root: Path) -> Tree:
    """Two slices of two scans."""
    uid = "1.3.6.1.4.1.14519.5.2.1.6279.6001.10062038548215{}.mhd_45.png"
    rows = [(f"luna16_slices/{uid.format(n)}", "NonCOVID (2010s)", f"luna:{n}") for n in (1, 2)]
    manifest(root, rows)
    return Tree(
        labels={"non_covid19": 2},
        patients=2,
        partitions={"": 2},
        vital=("manifest.csv", rows[0][0]),
    )


TREES: dict[str, Builder] = {
    "covid-ct": covid_ct,
    "covid-ct/official": covid_ct_official,
    "coronacases": coronacases,
    "coronacases/scans": coronacases_scans,
    "covid-semiseg": covid_semiseg,
    "covid-semiseg/inf-net": inf_net,
    "covid-ct-md": covid_ct_md,
    "covid-ct-md/scans": covid_ct_md_scans,
    "covid-ct-md/figshare": covid_ct_md_figshare,
    "luna16-slices": luna16_slices,
}
