"""A split that leaks is refused; accepted, every result that comes of it says so."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.learning.small import config
from tests.pipeline.small_set import Row, write_set
from tests.writers.screenings import scan

from ctsieve.learning.folds import holding_out
from ctsieve.learning.split_file import write_split
from ctsieve.pipeline.data import open_data
from ctsieve.pipeline.leakage import accepted_split, split_from_file
from ctsieve.pipeline.split import SplitPlan, make_split
from ctsieve.pipeline.train import configured_cases, divide, given_split
from ctsieve.types.cases import Case
from ctsieve.types.errors import InputRejected, UsageError
from ctsieve.types.recipe import FittedOn, Recipe
from ctsieve.types.results import NOTICE
from ctsieve.writers.html import to_html
from ctsieve.writers.json import to_json

ONE = Case(id="1", patient="p", label="neither", files=(Path("1.png"),))
TWO = replace(ONE, id="2", files=(Path("2.png"),))
APART = replace(TWO, patient="q")
SENTENCE = "1 patient is on more than one side (train and tune: 1), with 2 cases."


def test_sides_that_are_apart_become_a_split() -> None:
    split = accepted_split("s", {"train": (ONE,), "tune": (APART,)})
    assert split.leakage == ()


def test_a_leak_is_refused_unless_accepted() -> None:
    sides = {"train": (ONE,), "tune": (TWO,)}
    with pytest.raises(InputRejected, match="1 patient is on more than one side") as refusal:
        accepted_split("s", sides)
    assert "--accept-leakage" in refusal.value.hint
    split = accepted_split("s", sides, accept_leakage=True)
    assert split.leakage == (SENTENCE,)
    folds = accepted_split("s", {"fold-1": (ONE,), "fold-2": (TWO,)}, accept_leakage=True)
    assert holding_out(folds, "fold-1").leakage == folds.leakage


def test_a_case_on_two_sides_is_never_accepted() -> None:
    with pytest.raises(InputRejected, match="1 case is"):
        accepted_split("s", {"train": (ONE,), "tune": (ONE,)}, accept_leakage=True)


def test_a_split_file_is_checked_anew(tmp_path: Path) -> None:
    split = accepted_split("s", {"train": (ONE,), "tune": (TWO,)}, accept_leakage=True)
    write_split(split, tmp_path / "s.json", data=("folder",), method="by hand")
    with pytest.raises(InputRejected, match="leaks"):
        split_from_file(tmp_path / "s.json", [ONE, TWO])
    assert split_from_file(tmp_path / "s.json", [ONE, TWO], accept_leakage=True) == split
    with pytest.raises(InputRejected, match="labels or patients"):
        split_from_file(tmp_path / "s.json", [ONE, APART])


def leaky(recipe: Recipe) -> Recipe:
    """The recipe with a picture threshold that was chosen on a split that leaks."""
    origin = FittedOn(
        data="set",
        digest="0" * 64,
        criterion="by hand",
        num_cases=2,
        num_patients=1,
        leakage=(SENTENCE,),
    )
    first, *rest = recipe.picture.thresholds
    thresholds = (first.model_copy(update={"fitted": origin}), *rest)
    level = recipe.picture.model_copy(update={"thresholds": thresholds})
    return recipe.model_copy(update={"picture": level})


def test_every_result_of_a_leaky_recipe_is_stamped() -> None:
    clean = scan()
    stamped = replace(clean, recipe=leaky(clean.recipe))
    assert clean.notice == NOTICE
    assert stamped.notice.startswith(NOTICE)
    assert SENTENCE in stamped.notice
    assert SENTENCE in to_html(stamped)
    assert SENTENCE in to_json(stamped)
    assert SENTENCE not in to_json(clean)


def test_a_recipe_without_leaks_has_the_digest_it_always_had() -> None:
    recipe = scan().recipe
    assert "leakage" not in recipe.model_dump_json()
    assert "leakage" in leaky(recipe).model_dump_json()
    assert leaky(recipe).digest != recipe.digest
    assert Recipe.model_validate_json(leaky(recipe).model_dump_json()) == leaky(recipe)


def test_fit_refuses_a_split_that_leaks_and_stamps_an_accepted_one(tmp_path: Path) -> None:
    """The very `divide` of both training pipelines, on a set whose one patient has two papers."""
    root = write_set(tmp_path / "set", change=share_a_paper)
    chosen = config("resnet18", data={"labels": ["covid19"]})
    cases = configured_cases(chosen, root)
    with pytest.raises(InputRejected, match="1 paper is on more than one side"):
        divide(chosen, cases)
    accepting = chosen.data.model_copy(update={"accept_leakage": True})
    split = divide(chosen.model_copy(update={"data": accepting}), cases)
    assert "1 paper is on more than one side" in split.leakage[0]


def test_fit_trains_on_the_sides_of_a_file(tmp_path: Path) -> None:
    root = write_set(tmp_path / "set")
    opened = open_data(["folder"], root)
    made = make_split(opened, tmp_path / "split.json", SplitPlan(folds=3))
    section = {"split": str(tmp_path / "split.json"), "folds": 3, "fold": 2}
    chosen = config("resnet18", data={"labels": ["covid19"], **section})
    split = given_split(chosen, configured_cases(chosen, root), root)
    assert {case.id for case in split.sides["tune"]} == set(made.sides["fold-2"])
    assert len(split.sides["train"]) == 16
    make_split(opened, tmp_path / "test.json", SplitPlan(shares=(("train", 0.5), ("test", 0.5))))
    with pytest.raises(UsageError, match="sides train, test"):
        split_from_file(tmp_path / "test.json", opened.all_cases)


def share_a_paper(rows: list[Row]) -> None:
    """One paper on both of the publisher's sides."""
    for row in rows:
        row["paper"] = ""
    rows[0] |= {"partition": "val", "paper": "doi"}
    rows[1] |= {"partition": "train", "paper": "doi"}
