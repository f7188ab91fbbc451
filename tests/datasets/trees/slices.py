"""Sets of single slices."""

from pathlib import Path

from tests.datasets.trees.tree import Builder, Tree, touch, write


def cncb_lesions(root: Path) -> Tree:
    """The archive as unpacked, image/<patient>/<slice>.jpg, with the authors' two lists."""
    train, test = [(19, 84), (19, 85), (100, 4)], [(2, 7)]
    for patient, number in train + test:
        touch(root, [f"image/{patient}/{number}.jpg", f"mask/{patient}/{number}.png"])
    write(root / "train_split_segmentation.txt", [f"{p}_{n}.jpg" for p, n in train])
    write(root / "test_split_segmentation.txt", [f"{p}_{n}.jpg" for p, n in test])
    return Tree(
        labels={"covid19": 4},
        patients=3,
        partitions={"train": 3, "test": 1},
        vital=("test_split_segmentation.txt", "mask/19/84.png", "image/2/7.jpg"),
    )


def ictcf(root: Path) -> Tree:
    """Folders nCT, pCT and NiCT with numbered files, and the authors' lists."""
    touch(root / "nCT", (f"nCT{n}.jpg" for n in (1, 2, 10, 11)))
    touch(root / "pCT", (f"pCT{n}.jpg" for n in (1, 2, 3)))
    touch(root / "NiCT", ["NiCT1.jpg"])
    write(root / "train_ictcf.txt", ["0_nCT1.jpg", "2_pCT1.jpg"])
    write(root / "test_ictcf.txt", ["0_nCT2.jpg", "0_nCT10.jpg", "2_pCT3.jpg"])
    return Tree(
        labels={"non_covid19": 4, "covid19": 3},
        patients=1,
        partitions={"train": 2, "test": 3, "": 2},
        vital=("test_ictcf.txt", "nCT/nCT10.jpg", "pCT"),
    )


def sars_cov_2_ct(root: Path) -> Tree:
    """Names with spaces and brackets."""
    touch(root / "COVID", (f"Covid ({n}).png" for n in (1, 2, 10)))
    touch(root / "non-COVID", (f"Non-Covid ({n}).png" for n in (1, 2)))
    return Tree(
        labels={"covid19": 3, "non_covid19": 2},
        patients=1,
        partitions={"": 5},
        vital=("non-COVID",),
    )


TREES: dict[str, Builder] = {
    "cncb-lesions": cncb_lesions,
    "ictcf": ictcf,
    "sars-cov-2-ct": sars_cov_2_ct,
}
