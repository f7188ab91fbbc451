"""Sets that a table of ours describes: a user's own and synthetic cohorts."""

from pathlib import Path

from tests.datasets.trees.tree import Builder, Tree, touch, write


def folder(root: Path) -> Tree:
    """A picture, a scan as a folder, a NIfTI file; a name with a space, blank rows, empty cells."""
    touch(root, ["a/one two.png", "b/1.dcm", "b/10.dcm", "b/9.dcm", "c.nii.gz", "masks/m.png"])
    write(
        root / "cases.csv",
        [
            "image,patient,site,label,mask,box,ggo,partition,sex,age,fact:kernel",
            "a/one two.png,p1,north,covid19,masks/m.png,1 2 30 40,1,train,F,61,sharp",
            "",
            'b,p2,north,neither,,,0,train,,,"soft, thin"',
            "c.nii.gz,p3,south,other_pneumonia,,,,test,m,7,",
        ],
        end="\r\n",
    )
    return Tree(
        labels={"covid19": 1, "neither": 1, "other_pneumonia": 1},
        patients=3,
        partitions={"train": 2, "test": 1},
        vital=("c.nii.gz", "masks/m.png"),
    )


def phantom(root: Path) -> Tree:
    """What `make_cohort` writes."""
    touch(root, ["pictures/a.png", "pictures/b.png", "masks/a.png", "dicom/p2/1.dcm"])
    write(
        root / "cases.csv",
        [
            "image,patient,site,label,ggo,consolidation,crazy_paving,mask,kind",
            "pictures/a.png,p1,north,covid19,1,0,0,masks/a.png,picture",
            "pictures/b.png,p1,north,covid19,0,1,0,,picture",
            "dicom/p2,p2,south,neither,0,0,0,,volume",
        ],
    )
    return Tree(
        labels={"covid19": 2, "neither": 1},
        patients=2,
        partitions={"": 3},
        vital=("cases.csv", "pictures/b.png"),
    )


TREES: dict[str, Builder] = {"folder": folder, "phantom": phantom}
