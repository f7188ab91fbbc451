"""Whatever two sides share is found; sides that share nothing have no finding."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctsieve.evaluation.overlap import overlaps
from ctsieve.ops.deal import deal
from ctsieve.types.cases import Case

BASE = Case(id="a", patient="p", label="neither", files=(Path("a.png"),), site="s")
OTHER = replace(BASE, id="b", patient="q", files=(Path("b.png"),))


def codes(one: Case, other: Case) -> set[str]:
    return {finding.code for finding in overlaps({"train": (one,), "test": (other,)})}


def test_sides_that_are_apart_have_no_finding() -> None:
    assert codes(BASE, OTHER) == set()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"patient": "p"}, "patient-on-two-sides"),
        ({"files": (Path("a.png"),)}, "file-on-two-sides"),
        ({"id": "a"}, "case-on-two-sides"),
    ],
)
def test_each_thing_two_sides_share_is_found(change: dict[str, str], code: str) -> None:
    assert codes(BASE, replace(OTHER, **change)) == {code}  # type: ignore[arg-type]


def test_papers_and_scans_are_found_where_they_are_known() -> None:
    assert codes(replace(BASE, paper="doi"), replace(OTHER, paper="doi")) == {"paper-on-two-sides"}
    one, other = replace(BASE, scan="1"), replace(OTHER, scan="1")
    assert codes(one, other) == {"scan-on-two-sides"}
    assert codes(one, replace(other, site="elsewhere")) == set()


@pytest.mark.parametrize(("apart", "found"), [(1, True), (3, True), (4, False)])
def test_neighbouring_slices_are_found(apart: int, found: bool) -> None:
    one = replace(BASE, scan="1", position=10)
    other = replace(OTHER, patient="p", scan="1", position=10 + apart)
    both = {"patient-on-two-sides", "scan-on-two-sides"}
    near = {"neighbouring-slices-on-two-sides"} if found else set()
    assert codes(one, other) == both | near
    same_side = {"train": (one, other), "test": ()}
    assert overlaps(same_side) == ()


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 4)), min_size=1, max_size=40))
def test_what_is_dealt_by_kin_never_leaks(rows: list[tuple[int, int]]) -> None:
    cases = [
        replace(BASE, id=f"{i}", patient=f"p{p}", files=(Path(f"{i}"),), paper=f"d{d}" if d else "")
        for i, (p, d) in enumerate(rows)
    ]
    sides = deal(cases, {"train": 1.0}, seed=0)
    assert overlaps(sides) == ()
    half = len(cases) // 2
    crossed = {"train": tuple(cases[:half]), "test": tuple(cases[half:])}
    shared = {c.patient for c in cases[:half]} & {c.patient for c in cases[half:]}
    found = [f for f in overlaps(crossed) if f.code == "patient-on-two-sides"]
    assert [f.number for f in found] == ([len(shared)] if shared else [])


def test_the_sentence_counts_and_names() -> None:
    sides = {"train": (BASE,), "tune": (replace(OTHER, patient="p"),), "test": ()}
    (finding,) = overlaps(sides)
    assert finding.gravity == "leak"
    assert finding.examples == ("p",)
    assert (
        finding.sentence == "1 patient is on more than one side (train and tune: 1), with 2 cases."
    )
