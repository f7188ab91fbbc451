"""Every set: what it counts, what it groups, and how it refuses a broken copy."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.collection import DATA, needs_data

from ctsieve.datasets import (
    DATASETS,
    coronacases,
    covid_ct,
    covid_ct_md,
    covid_semiseg,
)
from ctsieve.types.errors import UnreadableStudy

NAMES = ("coronacases", "covid-ct", "covid-ct-md", "covid-semiseg", "luna16-slices")
"""The sets of the collection; others have tests of their own."""


@needs_data
@pytest.mark.parametrize("name", NAMES)
def test_cases_are_unique_present_and_labelled_as_the_card_says(name: str) -> None:
    card = DATASETS[name]
    cases = list(card.walk(DATA))
    assert len({case.id for case in cases}) == len(cases) > 0
    assert {case.label for case in cases} == set(card.labels)
    assert all(path.is_file() for case in cases for path in case.files)
    assert all(case.patient and case.site for case in cases)


@needs_data
@pytest.mark.parametrize("name", NAMES)
def test_the_set_s_own_folder_will_do(name: str) -> None:
    cases = list(DATASETS[name].walk(DATA))
    folder = DATA / Path(cases[0].id).parts[0]
    assert list(DATASETS[name].walk(folder)) == cases


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_without_manifest_is_refused_with_a_hint(name: str, tmp_path: Path) -> None:
    with pytest.raises(UnreadableStudy) as refusal:
        list(DATASETS[name].walk(tmp_path))
    assert "manifest.csv" in refusal.value.hint


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "luna16_slices").mkdir()
    line = "luna16_slices/32%1.png,,NonCOVID,p,,,,,\n"
    header = "path,set,label,patient_key,bytes,sha256,source,licence,note\n"
    (tmp_path / "manifest.csv").write_text(header + line)
    with pytest.raises(UnreadableStudy, match=r"32%1\.png"):
        list(DATASETS["luna16-slices"].walk(tmp_path))


@needs_data
def test_covid_ct_counts() -> None:
    cases = list(covid_ct.walk(DATA))
    counts = Counter((case.partition, case.label) for case in cases)
    assert counts == {
        ("train", "covid19"): 187,
        ("train", "non_covid19"): 227,
        ("val", "covid19"): 51,
        ("val", "non_covid19"): 58,
    }
    lesions = Counter(kind for case in cases for kind, present in case.lesions.items() if present)
    assert set(lesions) == set(covid_ct.LESIONS)
    assert all(case.label == "covid19" for case in cases if case.lesions)


@needs_data
def test_covid_ct_names_keep_their_percent_signs() -> None:
    assert any("%" in case.files[0].name for case in covid_ct.walk(DATA))


@needs_data
def test_one_paper_is_one_group() -> None:
    group_of: dict[str, set[str]] = {}
    for case in covid_ct.walk(DATA):
        paper = covid_ct.PAPER.match(case.files[0].name)
        if paper:
            group_of.setdefault(paper.group(), set()).add(case.patient)
    assert group_of
    assert all(len(groups) == 1 for groups in group_of.values())


@pytest.mark.parametrize("spelling", ["AirBr", "Aibr"])
def test_both_spellings_of_a_lesion_are_read(spelling: str, tmp_path: Path) -> None:
    folder = tmp_path / "covid_ct"
    (folder / "train" / "COVID").mkdir(parents=True)
    (folder / "train" / "COVID" / "a%1.png").touch()
    header = "imgname,CVD19,GGO,Csld,CrPa,AirBr,InSepThi\r\n"
    (folder / "ladnn_train_meta.csv").write_text(f"{header}a%1.png,CVD19,,,,{spelling},\r\n")
    (folder / "ladnn_val_meta.csv").write_text(header)
    (tmp_path / "manifest.csv").write_text(
        "path,label,patient_key\ncovid_ct/train/COVID/a%1.png,COVID,p\n"
    )
    (case,) = covid_ct.walk(tmp_path)
    assert [kind for kind, present in case.lesions.items() if present] == ["AirBr"]


@needs_data
def test_covid_ct_md_runs_from_the_head_down() -> None:
    counts = Counter(case.label for case in covid_ct_md.walk(DATA))
    assert counts == {"covid19": 74, "other_pneumonia": 56, "neither": 52}
    normal = [case for case in covid_ct_md.walk(DATA) if case.label == "neither"]
    assert not any(case.lesions["infection"] for case in normal)
    assert [len(scan.files) for scan in covid_ct_md.scans(DATA)] == [74, 56, 52]


@needs_data
def test_coronacases_slices_are_in_order_and_ends_have_no_say() -> None:
    scans = list(coronacases.scans(DATA))
    assert len(scans) == 10
    assert sum(len(scan.files) for scan in scans) == 1119
    assert [path.name.rsplit("_", 1)[1] for path in scans[0].files[:3]] == [
        "1.jpg",
        "2.jpg",
        "3.jpg",
    ]
    first = [case for case in coronacases.walk(DATA) if case.patient == scans[0].patient]
    assert first[0].weight == first[-1].weight == 0.0
    assert first[len(first) // 2].weight == coronacases.MIDDLE_WEIGHT


@needs_data
def test_listed_lesions_of_covid_semiseg_are_those_of_the_masks() -> None:
    for case in covid_semiseg.walk(DATA):
        assert case.mask is not None
        values = set(np.unique(np.asarray(Image.open(case.mask))).tolist())
        assert case.lesions == {"GGO": 1 in values, "Csld": 2 in values}
