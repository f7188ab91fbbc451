"""Numbers of cases that a bundle knows say so wherever they go, and nothing is fitted there."""

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.evaluation.samples import normal_sample, table_of
from tests.pipeline.commands import run
from tests.tiny_bundle import tiny_members, tiny_recipe

from ctsieve.bundles.bundle import HELD_OUT, Bundle, write_bundle
from ctsieve.pipeline import evaluation_job
from ctsieve.pipeline.evaluation_job import Job, scored_of
from ctsieve.pipeline.held_out import held_out_bytes
from ctsieve.pipeline.kept_back import refuse_published_tests
from ctsieve.pipeline.score_file import save_scores
from ctsieve.pipeline.seen import seen_doubts
from ctsieve.types.cases import Case
from ctsieve.types.errors import InputRejected
from ctsieve.types.scores import CaseScore, ScoreTable

LEARNED = "of patients that the bundle's networks have learned from"
CHOSEN = "of patients that the bundle's calibration and cut were chosen on"


def made_table(*, side: str) -> ScoreTable:
    return table_of(normal_sample(0, size=60), side=side)


def bundle_made_from(rows: Iterable[CaseScore], folder: Path, *, networks: int) -> Bundle:
    """The tiny bundle with held-out scores of these cases, by one network or by several in turn."""
    facts = [{"network": f"{n} of {networks}"} if networks > 1 else {} for n in range(networks)]
    held = [replace(row, side="tune", facts=facts[n % networks]) for n, row in enumerate(rows)]
    folder.mkdir(parents=True)
    members = tiny_members(folder)
    members[HELD_OUT] = held_out_bytes(held, tiny_recipe(), name="tiny", version="1.0.0")
    return write_bundle(folder / "tiny", members, name="tiny", version="1.0.0")


def scores_of(bundle: Bundle, path: Path, *, side: str) -> Path:
    return save_scores(replace(made_table(side=side), bundle=bundle.identity), path)


def test_scores_read_again_keep_the_doubt_that_their_bundle_learned_from_them(
    tmp_path: Path,
) -> None:
    rows = made_table(side="test").rows
    bundle = bundle_made_from(rows[:20], tmp_path / "made", networks=4)
    scores = scores_of(bundle, tmp_path / "scores.csv", side="test")
    (doubt,) = scored_of(Job(bundle=str(bundle.folder), data=scores)).doubts
    assert doubt.startswith(f"20 of 60 cases are {LEARNED}")
    held = replace(made_table(side="tune"), bundle=bundle.identity)
    own = held.of(tuple(replace(r, facts={"network": "0 of 4"}) for r in held.rows))
    assert seen_doubts(bundle, own) == (), "each was scored by the network that never saw it"


def test_one_network_did_not_learn_from_its_tune_side_but_its_cut_did(tmp_path: Path) -> None:
    table = made_table(side="test")
    bundle = bundle_made_from(table.rows[:20], tmp_path / "made", networks=1)
    (doubt,) = seen_doubts(bundle, table)
    assert doubt.startswith(f"20 of 60 cases are {CHOSEN}")


def test_a_papers_table_says_what_speaks_against_our_row(tmp_path: Path) -> None:
    bundle = bundle_made_from(made_table(side="test").rows, tmp_path / "made", networks=2)
    scores = scores_of(bundle, tmp_path / "scores.csv", side="train")
    printed = run(
        "evaluate", bundle.folder, scores, "--protocol", "la-dnn", "--out", tmp_path / "out"
    )
    written = (tmp_path / "out" / "tables" / "what-speaks-against-these-numbers.csv").read_text()
    for said in (printed, written):
        assert LEARNED in said
        assert "These are training data" in said
    clean = save_scores(made_table(side="test"), tmp_path / "clean.csv")
    assert "speaks against" not in run("evaluate", "-", clean, "--protocol", "la-dnn")


def test_a_comparison_says_which_bundle_was_tuned_on_the_cases(tmp_path: Path) -> None:
    files = [
        save_scores(
            table_of(normal_sample(0, size=40), name=name, side=side), tmp_path / f"{name}.csv"
        )
        for name, side in (("old", "test"), ("new", "tune"))
    ]
    *_, doubts = json.loads(run("compare", *files, "--json"))
    (row,) = doubts["rows"]
    assert row[0].startswith("new 1: These are tune data")


@pytest.mark.parametrize("side", ["Train", "validation"])
def test_a_side_that_nobody_knows_is_a_doubt(side: str, tmp_path: Path) -> None:
    scores = save_scores(made_table(side=side), tmp_path / "made.csv")
    said = json.loads(run("evaluate", "--scores", scores, "--json"))["doubts"]
    assert any(doubt.startswith(f"The side {side!r} is none of train, tune") for doubt in said)


def test_nothing_is_calibrated_on_what_the_networks_learned_from(tmp_path: Path) -> None:
    rows = made_table(side="tune").rows
    bundle = bundle_made_from(rows[:5], tmp_path / "several", networks=4)
    scores = scores_of(bundle, tmp_path / "scores.csv", side="tune")
    with pytest.raises(InputRejected, match=f"5 of 60 cases are {LEARNED}, the first is 'case-0"):
        run("calibrate", bundle.folder, scores)
    single = bundle_made_from(rows[:5], tmp_path / "single", networks=1)
    assert "Operating point" in run(
        "calibrate", single.folder, scores_of(single, tmp_path / "own.csv", side="tune")
    )


def test_a_publishers_test_is_no_tune_data_whatever_it_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = [
        Case(id=f"{part}1", patient=part, label="covid19", files=(), partition=part)
        for part in ("train", "val", "test")
    ]
    refuse_published_tests(cases[:2])
    monkeypatch.setattr(evaluation_job, "cases_in", lambda *_, **__: cases)
    job = Job(data=tmp_path, datasets=("covid-ct",), side="tune")
    with pytest.raises(InputRejected, match="1 of 3 cases are kept back by their publisher"):
        scored_of(job)
