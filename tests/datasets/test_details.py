"""What single sets know beside the law: names, masks, sexes, ages, parts of scans."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.datasets.trees import TREES
from tests.datasets.trees.tree import touch, write

from ctsieve.datasets import (
    DATASETS,
    cncb_lesions,
    cncb_slices,
    covid_ct_md,
    covidx_ct,
    dataset,
    mosmed,
    rider_lung,
    stoic,
)
from ctsieve.datasets._covidx_lists import Person, origin, person
from ctsieve.datasets.phantom import MASK_VALUES
from ctsieve.phantoms.spec import LESION_KINDS
from ctsieve.types.cases import Split
from ctsieve.types.errors import InputRejected, UnreadableStudy

masks = st.lists(st.sampled_from([0, 1, 2, 3]), min_size=1, max_size=20).map(
    lambda values: np.array([values], np.uint8)
)


@pytest.mark.parametrize(
    ("scan", "source", "patient"),
    [
        ("NCP_96_1328", "cncb", "NCP_96"),
        ("Normal_1683_500", "cncb", "Normal_1683"),
        ("volume-covid19-A-0003", "volume-covid19-a", "volume-covid19-A-0003"),
        ("volume-covid19-A-0047_1", "volume-covid19-a", "volume-covid19-A-0047"),
        ("LIDC-IDRI-0273-1.3.6.1.4.1.14519", "lidc", "LIDC-IDRI-0273"),
        ("137covid_patient1_SR_4", "covid_ctset", "covid_ctset:patient1"),
        ("coronacases_001", "coronacases", "cc:Data-1_coronacases_org_001"),
        ("radiopaedia_10_85902_1", "radiopaedia", "radiopaedia_10"),
        ("radiopaedia-75281-86410-0", "radiopaedia", "radiopaedia-75281"),
        ("HUST-Patient1314", "ictcf", "HUST-Patient1314"),
        ("COVIDCTMD-P001", "covid_ct_md", "covid_ct_md:P001"),
        ("COVIDCTMD-cap001-IM", "covid_ct_md", "covid_ct_md:cap001"),
        ("STOIC-1024", "stoic", "stoic:1024"),
        ("study_0255", "mosmed", "mosmed:study_0255"),
        ("A002304-01-10-1901-NA-CT-ABD-AND-PELVIS-76655-2", "stony_brook", "A002304"),
        ("somebody_else", "", "somebody_else"),
    ],
)
def test_names_of_covidx_ct_say_source_and_patient(scan: str, source: str, patient: str) -> None:
    assert (origin(scan).source, origin(scan).patient) == (source, patient)


def test_a_patient_of_two_sets_has_one_key(tmp_path: Path) -> None:
    """Whoever trains on COVIDx CT and tests on its sources must not meet the same people."""
    own = set()
    for name in (
        "coronacases/zenodo",
        "radiopaedia-covid",
        "stoic",
        "mosmed",
        "covid-ct-md/figshare",
    ):
        root = tmp_path / name.replace("/", "-")
        TREES[name](root)
        own |= {case.patient for case in dataset(name).walk(root)}
    scans = ("coronacases_010", "radiopaedia_4_85506_1", "STOIC-5", "study_0255", "COVIDCTMD-P002")
    assert {origin(scan).patient for scan in scans} <= own


@pytest.mark.parametrize(
    ("scan", "listed"),
    [
        ("volume-covid19-A-0047_1", "volume-covid19-A-0047_1"),
        ("137covid_patient1_SR_4", "patient1"),
        ("coronacases_001", "coronacases_001"),
        ("COVIDCTMD-P001", "P001"),
        ("COVIDCTMD-P001", "COVIDCTMD-P001"),
        ("STOIC-1024", "STOIC-1024"),
    ],
)
def test_metadata_is_found_under_every_spelling(scan: str, listed: str) -> None:
    listed_person = Person(age=61.0)
    assert person({listed: listed_person, "NCP_1": Person()}, scan) is listed_person
    assert person({}, scan).age is None


def test_covidx_ct_knows_sex_age_and_whether_a_finding_was_verified(tmp_path: Path) -> None:
    TREES["covidx-ct/2B"](tmp_path)
    cases = {case.files[0].name: case for case in covidx_ct.CARD.variant("2B").walk(tmp_path)}
    first = cases["NCP_96_1328_0035.png"]
    assert (first.sex, first.age, first.weight) == ("female", 77.0, 1.0)
    assert first.facts["country"] == "China"
    assert cases["study_0255-0012.png"].weight < 1.0
    assert (cases["coronacases_001-0100.png"].sex, cases["coronacases_001-0100.png"].age) == (
        "",
        None,
    )


def test_lists_in_the_authors_repository_layout_are_found(tmp_path: Path) -> None:
    TREES["covidx-ct/1"](tmp_path)
    expected = list(covidx_ct.walk(tmp_path))
    (tmp_path / "splits" / "v1").mkdir(parents=True)
    for path in tmp_path.glob("*.txt"):
        path.rename(tmp_path / "splits" / "v1" / path.name)
    assert list(covidx_ct.walk(tmp_path)) == expected


def test_the_hold_out_leaks_and_says_so(tmp_path: Path) -> None:
    TREES["cncb-slices"](tmp_path)
    card = cncb_slices.CARD.split("hold-out")
    sides = card.deal(cncb_slices.walk(tmp_path))
    assert {side: len(own) for side, own in sides.items()} == {"train": 1, "tune": 1, "test": 2}
    assert card.leaks
    with pytest.raises(InputRejected, match="NCP_96"):
        Split(name="hold-out", sides=sides)


def test_a_train_list_of_other_images_is_refused(tmp_path: Path) -> None:
    TREES["cncb-slices"](tmp_path)
    write(tmp_path / "train_split_classification.txt", ["2_97_1_0001.png"])
    with pytest.raises(UnreadableStudy, match=r"NCP_97_1_0001\.png"):
        list(cncb_slices.walk(tmp_path))


@pytest.mark.parametrize(
    ("present", "ranks"),
    [({1, 2, 3}, (1, 2, 3)), ({1, 3}, (1, 2)), ({2, 3}, (2, 3)), ({2}, (2,)), ({3}, (2,))],
)
def test_rank_labels_are_those_of_the_authors_code(
    present: set[int], ranks: tuple[int, ...]
) -> None:
    """Numbers from running the authors' data set class on masks with these values."""
    mask = np.array([[0, *sorted(present)]], np.uint8)
    assert cncb_lesions.rank_labels(mask).tolist() == [[0, *ranks]]


@pytest.mark.parametrize(
    ("present", "ranks"),
    [({1, 2, 3}, (0, 1, 2)), ({1, 3}, (0, 1)), ({2, 3}, (0, 1)), ({2}, (0,)), ({3}, (0,))],
)
def test_lesion_ranks_are_those_of_the_authors_code(
    present: set[int], ranks: tuple[int, ...]
) -> None:
    """Numbers from running the authors' data set class on masks with these values."""
    mask = np.array([[0, *sorted(present)]], np.uint8)
    assert cncb_lesions.lesion_ranks(mask).tolist() == [[0, *ranks]]


@given(masks)
def test_mask_rules_agree_where_all_values_are_present(mask: np.ndarray) -> None:
    whole = np.concatenate([mask, np.array([[0, 1, 2, 3]], np.uint8)], axis=1)
    assert (cncb_lesions.rank_labels(whole) == cncb_lesions.fixed_labels(whole)).all()
    assert (cncb_lesions.lesion_ranks(whole) == np.maximum(whole, 1) - 1).all()
    assert set(np.unique(cncb_lesions.merged(mask))) <= {0, 1, 2}
    assert ((cncb_lesions.merged(mask) > 1) == (mask > 1)).all()
    assert (cncb_lesions.rank_labels(mask) > 0).tolist() == (mask > 0).tolist()


def test_the_authors_folders_of_cncb_lesions_are_read_alike(tmp_path: Path) -> None:
    for partition, stems in (("train", ["19_84", "19_85", "100_4"]), ("test", ["2_7"])):
        touch(tmp_path / partition / "imgs", (f"{stem}.jpg" for stem in stems))
        touch(tmp_path / partition / "masks", (f"{stem}.png" for stem in stems))
    archive = tmp_path / "archive"
    TREES["cncb-lesions"](archive)
    ours, theirs = list(cncb_lesions.walk(tmp_path)), list(cncb_lesions.walk(archive))
    assert {(c.id, c.patient, c.partition) for c in ours} == {
        (c.id, c.patient, c.partition) for c in theirs
    }


def test_quarters_hold_every_slice_once_in_order(tmp_path: Path) -> None:
    TREES["rider-lung"](tmp_path)
    whole = {case.id: case for case in rider_lung.walk(tmp_path)}
    parts = list(rider_lung.CARD.variant("quarters").walk(tmp_path))
    long = next(case for case in whole.values() if len(case.files) == 140)
    own = [case for case in parts if case.scan == long.id]
    assert [len(case.files) for case in own] == [35] * 4
    assert sorted(path for case in own for path in case.files) == sorted(long.files)
    assert own[1].files[:2] == (long.files[1], long.files[5])
    assert {case.patient for case in own} == {long.patient}


def test_labelled_slices_of_covid_ct_md_follow_the_index_with_its_gap(tmp_path: Path) -> None:
    TREES["covid-ct-md/figshare"](tmp_path)
    found = covid_ct_md.infected_slices(tmp_path)
    assert {name: slices.tolist() for name, slices in found.items()} == {
        "P001": [1, 2],
        "cap001": [0],
    }
    by_number = np.zeros((43, 3), np.uint8)
    by_number[42, 2] = 1
    np.save(tmp_path / "Slice-level-labels.npy", by_number)
    assert covid_ct_md.infected_slices(tmp_path)["cap001"].tolist() == [2]
    np.save(tmp_path / "Slice-level-labels.npy", by_number[:7])
    with pytest.raises(UnreadableStudy, match="7 rows"):
        covid_ct_md.infected_slices(tmp_path)


def test_stoic_takes_sex_and_age_from_the_text_before_the_voxels(tmp_path: Path) -> None:
    TREES["stoic"](tmp_path)
    people = {case.id: (case.sex, case.age, case.facts["severe"]) for case in stoic.walk(tmp_path)}
    assert people == {
        "0": ("male", 65.0, "no"),
        "1": ("female", 35.0, "no"),
        "5": ("female", 85.0, "yes"),
    }


def test_mosmed_keeps_the_degree_and_trusts_no_label_whole(tmp_path: Path) -> None:
    TREES["mosmed"](tmp_path)
    cases = list(mosmed.walk(tmp_path))
    assert Counter(case.facts["severity"] for case in cases)["CT-0"] == 2
    assert [case.id for case in cases if case.mask] == ["study_0255"]
    assert all(case.weight < 1.0 for case in cases)


def test_official_covid_ct_has_flags_and_groups_papers(tmp_path: Path) -> None:
    TREES["covid-ct/official"](tmp_path)
    card = DATASETS["covid-ct"].variant("official")
    cases = {case.files[0].name: case for case in card.walk(tmp_path)}
    assert cases["2020.03.22.20040782-p1-1.png"].lesions["GGO"]
    train, val = (cases[f"2020.03.22.20040782-{end}.png"] for end in ("p1-1", "p9-7"))
    assert train.patient == val.patient
    assert train.paper == val.paper == "2020.03.22.20040782"
    with pytest.raises(InputRejected):
        Split(name="published", sides=card.split("published").deal(cases.values()))
    honest = card.split("leak-free").deal(cases.values())
    assert val in honest["train"]


def test_mask_values_of_phantoms_are_the_order_of_their_kinds() -> None:
    assert list(MASK_VALUES.values()) == list(LESION_KINDS)
