"""Dealing keeps kin together and proportions; a split file notices when its data change."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.collection import DATA, needs_data

from ctsieve.datasets import DATASETS
from ctsieve.learning.split_file import load_split_file, read_split, write_split
from ctsieve.ops.deal import deal
from ctsieve.ops.kin import kin
from ctsieve.types.cases import Case, Split
from ctsieve.types.errors import InputRejected, UsageError

SHARES = {"train": 0.6, "tune": 0.2, "test": 0.2}


@st.composite
def some_cases(draw: st.DrawFn) -> list[Case]:
    rows = draw(
        st.lists(
            st.tuples(st.integers(0, 9), st.integers(0, 3), st.integers(0, 3), st.booleans()),
            min_size=1,
            max_size=40,
        )
    )
    return [
        Case(
            id=f"c{i}",
            patient=f"p{patient}",
            label="covid19" if label else "neither",
            files=(),
            site=f"s{patient % 2}",
            paper=f"doi{paper}" if paper else "",
            scan=f"scan{scan}" if scan else "",
        )
        for i, (patient, paper, scan, label) in enumerate(rows)
    ]


@settings(deadline=None)
@given(some_cases(), st.integers(0, 3))
def test_kin_are_on_one_side_and_nobody_is_lost(cases: list[Case], seed: int) -> None:
    groups = kin(cases)
    assert sorted(c.id for group in groups for c in group) == sorted(c.id for c in cases)
    if len(groups) < 3:
        with pytest.raises(UsageError, match="groups of patients"):
            deal(cases, SHARES, seed=seed)
        return
    sides = deal(cases, SHARES, seed=seed)
    side_of = {case.id: side for side, own in sides.items() for case in own}
    assert len(side_of) == len(cases)
    assert all(len({side_of[case.id] for case in group}) == 1 for group in groups)
    for key in ("patient", "paper"):
        seen: dict[str, set[str]] = {}
        for case in cases:
            if name := getattr(case, key):
                seen.setdefault(name, set()).add(side_of[case.id])
        assert all(len(found) == 1 for found in seen.values())
    assert deal(cases[::-1], SHARES, seed=seed) == sides


def test_every_label_of_every_site_has_its_share() -> None:
    cases = [
        Case(id=f"{i}", patient=f"p{i}", label="ab"[i % 2], files=(), site="st"[i % 5 == 0])
        for i in range(1000)
    ]
    sides = deal(cases, SHARES, seed=3)
    for side, share in SHARES.items():
        counts = Counter((case.label, case.site) for case in sides[side])
        total = Counter((case.label, case.site) for case in cases)
        assert all(abs(counts[kind] - share * total[kind]) <= 1 for kind in total)


def test_ties_keep_two_cases_together() -> None:
    cases = [Case(id=f"{i}", patient=f"p{i}", label="a", files=()) for i in range(20)]
    sides = deal(
        cases, {"one": 1.0, "two": 1.0}, seed=0, ties=[(f"{i}", f"{i + 10}") for i in range(10)]
    )
    side_of = {case.id: side for side, own in sides.items() for case in own}
    assert all(side_of[f"{i}"] == side_of[f"{i + 10}"] for i in range(10))
    assert {len(own) for own in sides.values()} == {10}


def test_a_share_must_be_positive() -> None:
    with pytest.raises(UsageError, match="share"):
        deal([], {"train": 0.0}, seed=0)


@settings(deadline=None, max_examples=20)
@given(cases=some_cases())
def test_a_split_comes_back_from_its_file(
    cases: list[Case], tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("split") / "split.json"
    groups = kin(cases)
    sides = {"train": tuple(c for g in groups[::2] for c in g)}
    sides["test"] = tuple(c for g in groups[1::2] for c in g)
    split = Split(name="halves", sides=sides)
    write_split(split, file, data=("folder",), method="every other group")
    assert read_split(file, cases) == split
    with pytest.raises(InputRejected, match="not in the data"):
        read_split(file, cases[1:])
    relabelled = [replace(cases[0], label="other"), *cases[1:]]
    with pytest.raises(InputRejected, match="labels or patients"):
        read_split(file, relabelled)


def test_leakage_that_was_accepted_stays_in_the_file(tmp_path: Path) -> None:
    one, two = (Case(id=i, patient="p", label="a", files=()) for i in "12")
    sides = {"train": (one,), "test": (two,)}
    with pytest.raises(InputRejected, match="patient 'p'"):
        Split(name="s", sides=sides)
    split = Split(name="s", sides=sides, leakage=("1 patient is in train and test",))
    write_split(split, tmp_path / "split.json", data=("folder",), method="as published")
    assert read_split(tmp_path / "split.json", [one, two]).leakage == split.leakage


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"sides": {}}')
    for name, words in (("a.json", "no split file"), ("b.json", "cannot be read")):
        with pytest.raises(UsageError, match=words):
            load_split_file(tmp_path / name)


@needs_data
def test_the_real_set_is_dealt_in_proportion() -> None:
    cases = list(DATASETS["covid-ct"].walk(DATA))
    sides = deal(cases, SHARES, seed=0)
    positive = {s: sum(c.label == "covid19" for c in own) / len(own) for s, own in sides.items()}
    assert all(abs(share - 238 / 523) < 0.02 for share in positive.values())
    assert all(abs(len(sides[s]) / 523 - share) < 0.02 for s, share in SHARES.items())
