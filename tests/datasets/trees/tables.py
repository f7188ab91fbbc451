"""Sets that a table of ours describes: a user's own and synthetic cohorts."""

import hashlib
import json
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


def release(root: Path) -> Tree:
    """What a service makes of accepted contributions: a scan as a folder, a file, a picture."""
    images = ["images/c1/00000.dcm", "images/c1/00010.dcm", "images/c2.nii.gz", "images/c3.png"]
    touch(root, images)
    write(
        root / "cases.csv",
        [
            "case,image,patient,site,label,kind,partition,lesions",
            "c1,images/c1,P1,site-1,covid19,volume,train,ggo consolidation",
            "c2,images/c2.nii.gz,P2,site-1,neither,volume,val,",
            "c3,images/c3.png,P1,site-1,neither,picture,train,",
        ],
    )
    members = {
        name: {
            "sha256": hashlib.sha256((root / name).read_bytes()).hexdigest(),
            "bytes": (root / name).stat().st_size,
        }
        for name in ("cases.csv", *images)
    }
    about = {
        "purpose": "training", "version": 1, "created": "2026-01-02T03:04:05Z",
        "licence": "CC-BY-4.0", "consent": "yes", "deidentified": "PS3.15",
        "num_cases": 3, "num_patients": 2, "labels": {"covid19": 1, "neither": 2},
        "agreement": {"kappa": None, "interval": None, "n": 3}, "members": members,
    }  # fmt: skip
    (root / "release.json").write_text(json.dumps(about))
    return Tree(
        labels={"covid19": 1, "neither": 2},
        patients=2,
        partitions={"train": 2, "val": 1},
        vital=("release.json", "cases.csv", "images/c1/00010.dcm", "images/c3.png"),
    )


TREES: dict[str, Builder] = {"folder": folder, "phantom": phantom, "release": release}
