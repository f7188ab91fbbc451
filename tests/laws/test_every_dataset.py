"""What every data set and every variant of one promises, on a fake copy in its exact layout."""

import random
import shutil
from collections import Counter
from pathlib import Path

import pytest
from tests.collection import DATA, needs_data
from tests.datasets.trees import TREES
from tests.datasets.trees.tree import Tree

from ctsieve.datasets import DATASETS, dataset, shortfalls
from ctsieve.types.cards import DatasetCard
from ctsieve.types.cases import Case, Split
from ctsieve.types.errors import CtsieveError, InputRejected, UnknownName, UnreadableStudy

NAMES = [
    name
    for base, card in DATASETS.items()
    for name in (base, *(f"{base}/{variant}" for variant in card.variants))
]
CARDS: dict[str, DatasetCard] = {name: dataset(name) for name in NAMES}

AT_HAND = (
    "coronacases",
    "coronacases/scans",
    "covid-ct",
    "covid-ct-md",
    "covid-ct-md/scans",
    "covid-semiseg",
    "luna16-slices",
)
"""Those whose real files are in the collection."""
WITHOUT_PUBLISHER = ("folder", "phantom", "release")

every = pytest.mark.parametrize("name", sorted(CARDS))


def copy(name: str, folder: Path) -> tuple[Tree, Path, list[Case]]:
    """A fake copy, and what the walk finds in it."""
    root = folder / "copy"
    root.mkdir()
    tree = TREES[name](root)
    return tree, root, list(CARDS[name].walk(root))


def test_every_set_and_variant_has_a_fake_copy() -> None:
    assert set(TREES) == set(CARDS)


@every
def test_a_card_says_what_a_user_must_know(name: str) -> None:
    card = CARDS[name]
    assert all((card.title, card.source, card.licence, card.expected, card.traps))
    assert card.citation or name in WITHOUT_PUBLISHER
    assert not card.variants or "/" not in name
    assert all(split.title for split in card.splits.values())
    counts = card.counts
    assert sum(counts.labels.values()) in (0, counts.cases)
    assert set(counts.labels) <= set(card.labels)
    assert sum(counts.partitions.values()) <= (counts.cases or 0)


@every
def test_the_walk_finds_what_is_there(name: str, tmp_path: Path) -> None:
    tree, _, cases = copy(name, tmp_path)
    assert Counter(case.label for case in cases) == tree.labels
    assert Counter(case.partition for case in cases) == tree.partitions
    assert len({case.patient for case in cases}) == tree.patients


@every
def test_cases_are_complete(name: str, tmp_path: Path) -> None:
    card = CARDS[name]
    _, _, cases = copy(name, tmp_path)
    assert len({case.id for case in cases}) == len(cases)
    for case in cases:
        assert case.patient
        assert case.site
        assert case.files
        assert all(path.is_file() for path in case.files)
        assert len(set(case.files)) == len(case.files)
        assert not card.labels or case.label in card.labels
        assert name in ("folder", "release") or set(case.lesions) <= set(card.lesions)
        assert case.mask is None or case.mask.is_file()
        assert 0.0 <= case.weight <= 1.0
        assert case.age is None or 0.0 <= case.age <= 120.0
        if case.box is not None:
            left, top, right, bottom = case.box
            assert 0 <= left < right
            assert 0 <= top < bottom
    if any(case.mask for case in cases) and name != "folder":
        assert card.mask_values


@every
def test_a_copy_lies_anywhere_and_is_walked_alike_each_time(name: str, tmp_path: Path) -> None:
    _, root, cases = copy(name, tmp_path)
    assert list(CARDS[name].walk(root)) == cases
    moved = tmp_path / "other" / "place"
    shutil.copytree(root, moved)
    assert [case.id for case in CARDS[name].walk(moved)] == [case.id for case in cases]


@every
def test_slices_of_a_scan_are_of_one_patient(name: str, tmp_path: Path) -> None:
    _, _, cases = copy(name, tmp_path)
    patient_of: dict[str, str] = {}
    places: set[tuple[str, str, int]] = set()
    for case in cases:
        assert not case.scan or patient_of.setdefault(case.scan, case.patient) == case.patient
        if case.position is not None:
            place = (case.partition, case.scan, case.position)
            assert place not in places
            places.add(place)


@every
def test_an_empty_folder_is_refused_with_a_hint(name: str, tmp_path: Path) -> None:
    walked = CARDS[name].walk(tmp_path)
    with pytest.raises(UnreadableStudy) as refusal:
        list(walked)
    assert refusal.value.hint
    assert str(tmp_path.parent) not in str(refusal.value)


@every
def test_a_lost_file_is_named_with_a_hint(name: str, tmp_path: Path) -> None:
    for number, lost in enumerate(TREES[name](tmp_path / "list").vital):
        root = tmp_path / str(number)
        TREES[name](root)
        path = root / lost
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
        with pytest.raises((UnreadableStudy, InputRejected)) as refusal:
            list(CARDS[name].walk(root))
        assert path.name in f"{refusal.value} {refusal.value.hint}"
        assert refusal.value.hint


@every
def test_a_split_deals_each_case_once_and_leaks_only_where_it_says_so(
    name: str, tmp_path: Path
) -> None:
    _, _, cases = copy(name, tmp_path)
    shuffled = list(cases)
    random.Random(7).shuffle(shuffled)  # noqa: S311  (no secret depends on it)
    for split_name, card in CARDS[name].splits.items():
        sides = card.deal(cases)
        assert set(sides) <= {"train", "tune", "test"}
        dealt = [case.id for own in sides.values() for case in own]
        assert len(set(dealt)) == len(dealt)
        assert set(dealt) <= {case.id for case in cases}
        again = card.deal(shuffled)
        assert {side: {c.id for c in own} for side, own in again.items()} == {
            side: {c.id for c in own} for side, own in sides.items()
        }
        if not card.leaks:
            assert Split(name=split_name, sides=sides).digest


@every
def test_a_tiny_copy_falls_short_without_an_error(name: str, tmp_path: Path) -> None:
    card = CARDS[name]
    _, _, cases = copy(name, tmp_path)
    findings = shortfalls(card, cases[:-1])
    assert bool(findings) == (card.counts.cases is not None or card.counts.patients is not None)
    assert all(f.code == "too-few-cases" and f.severity == "warning" for f in findings)


@needs_data
@pytest.mark.parametrize("name", AT_HAND)
def test_the_real_copy_is_complete(name: str) -> None:
    assert shortfalls(CARDS[name], CARDS[name].walk(DATA)) == ()


@needs_data
@pytest.mark.parametrize("name", AT_HAND)
def test_splits_of_the_real_copy_leak_only_where_they_say_so(name: str) -> None:
    cases = list(CARDS[name].walk(DATA))
    for split_name, card in CARDS[name].splits.items():
        sides = card.deal(cases)
        assert all(sides.values())
        try:
            Split(name=split_name, sides=sides)
        except InputRejected:
            assert card.leaks


@every
def test_unknown_splits_and_variants_are_refused(name: str) -> None:
    for ask in (CARDS[name].split, CARDS[name].variant):
        with pytest.raises(UnknownName) as refusal:
            ask("nonsense")
        assert refusal.value.hint


def test_errors_of_walks_are_the_program_s_own(tmp_path: Path) -> None:
    """A file where a folder should be is no traceback either."""
    nowhere = tmp_path / "file.csv"
    nowhere.write_text("no table\n")
    for card in CARDS.values():
        with pytest.raises(CtsieveError):
            list(card.walk(nowhere))
