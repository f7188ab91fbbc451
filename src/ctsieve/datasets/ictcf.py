"""iCTCF (HUST-19): single slices with and without signs of COVID-19 pneumonia.

Source   http://ictcf.biocuckoo.cn, archives nCT, pCT and NiCT with files nCT1.jpg, ... in folders
         of those names (so public scripts that use it).  Lists {train,test}_ictcf.txt with names
         0_nCT<n>.jpg and 2_pCT<n>.jpg: github.com/AlexTS1980/COVID-Affinity-Model.
Licence  Free for academic research, so its site says; no licence text comes with the files.
Differs  The paper says 9275 COVID-19 and 3701 negative test slices.  Its list has them the other
         way round, and only so the paper's F1 of 98.41 % comes out (98.01 % as printed): the list
         counts.
Traps    Patients are unknown: no split can be shown to be free of leaks, so all slices are one
         group.  The label is the slice's, and nCT slices may come from COVID-19 patients.  NiCT
         slices show no lung and are left out.  Two classes only: measures for three give NaN.
"""

from collections.abc import Iterator
from pathlib import Path

from ctsieve.datasets._files import pictures, the_folder, the_lines
from ctsieve.datasets._splits import as_published
from ctsieve.types.cards import Counts, DatasetCard, SplitCard
from ctsieve.types.cases import Case
from ctsieve.types.errors import UnreadableStudy

LABELS = {"nCT": "non_covid19", "pCT": "covid19"}
PREFIXES = {"0_": "nCT", "2_": "pCT"}
LISTS = {"train": "train_ictcf.txt", "test": "test_ictcf.txt"}
WHERE = "unpack nCT and pCT of ictcf.biocuckoo.cn there, with the two lists beside them"
GROUP = "ictcf:unknown"


def walk(root: Path) -> Iterator[Case]:
    """Yield one slice per case, nCT then pCT in the order of their numbers, opening no image.

    Raises:
        UnreadableStudy: a folder is missing, or an image that a list names.
    """
    partition_of = _listed(root)
    seen = set()
    for folder_name, label in LABELS.items():
        for image in pictures(the_folder(root, folder_name, hint=WHERE)):
            seen.add(image.name)
            yield Case(
                id=f"{folder_name}/{image.name}",
                patient=GROUP,
                label=label,
                files=(image,),
                site="ictcf",
                partition=partition_of.get(image.name, ""),
            )
    absent = [name for name in partition_of if name not in seen]
    if absent:
        raise UnreadableStudy(
            f"{absent[0]} and {len(absent) - 1} more listed images are missing", hint=WHERE
        )


def _listed(root: Path) -> dict[str, str]:
    """Image names, without the class in front, to partitions; empty where a copy has no lists."""
    if not any((root / name).is_file() for name in LISTS.values()):
        return {}
    partition_of = {}
    for partition, name in LISTS.items():
        for line in the_lines(root / name, hint=WHERE):
            kind = PREFIXES.get(line[:2])
            if kind is None or not line[2:].startswith(kind):
                raise UnreadableStudy(f"{name}: {line!r} is neither 0_nCT... nor 2_pCT...")
            partition_of[line[2:]] = partition
    return partition_of


CARD = DatasetCard(
    title="iCTCF slices",
    source="http://ictcf.biocuckoo.cn",
    licence="academic research; no licence text",
    labels=tuple(LABELS.values()),
    walk=walk,
    citation="Ning et al., Nature Biomedical Engineering 4 (2020) 1197-1207",
    expected="13,980 slices: 9,979 nCT, 4,001 pCT; 600 train, 12,976 test are in the lists",
    traps=(
        "patients are unknown: no split can be shown to be free of leaks",
        "the paper swaps the counts of its two test classes",
        "negative slices may come from COVID-19 patients",
    ),
    counts=Counts(
        cases=13_980,
        labels={"non_covid19": 9979, "covid19": 4001},
        partitions={"train": 600, "test": 12_976},
    ),
    splits={
        "published": SplitCard(
            title="the authors' 600 and 12,976 slices",
            deal=as_published,
            leaks="patients are unknown, so slices of one patient may stand on both sides",
        ),
    },
)
