"""Comparisons of bundles whose patients have several cases, and of bundles without names."""

from pathlib import Path

import numpy as np
from tests.evaluation.samples import make_sample, normal_sample, table_of
from tests.pipeline.commands import run

from ctsieve.evaluation.compare import compare
from ctsieve.types.scores import ScoreTable

HEAD = "case,patient,label,score:covid19,threshold:covid19\n"


def equal_bundles(number: int, *, seed: int) -> list[ScoreTable]:
    """Noisy copies of one signal, three slices a patient: none is better than another."""
    random = np.random.default_rng(seed)
    positive = np.repeat(np.arange(40) < 20, 3)
    patient = np.repeat(np.arange(40), 3).astype(str)
    signal = np.repeat(random.normal(size=40), 3) + positive
    noise = (np.repeat(random.normal(size=40), 3) for _ in range(number))
    return [
        table_of(
            make_sample(1 / (1 + np.exp(-(signal + own))), positive, patient), name=f"bundle{n}"
        )
        for n, own in enumerate(noise)
    ]


def test_ten_pairs_of_slices_are_ten_chances_to_err() -> None:
    """Two of these ten intervals lie beside 0, as of ten now and then some do."""
    found = compare(equal_bundles(5, seed=11), positive="covid19", level="slice")
    beside = [p for p in found.pairs if p.auc_difference.low > 0 or p.auc_difference.high < 0]
    assert len(beside) == 2
    assert not any(pair.is_more_than_chance for pair in found.pairs)
    assert all(pair.p_calls is None for pair in found.pairs)


def test_a_difference_that_every_draw_shows_is_more_than_chance() -> None:
    good = normal_sample(0, size=100, each=3)
    poor = make_sample(np.full(300, 0.5), good.positive, good.patient)
    tables = [table_of(good, name="good"), table_of(poor, name="poor")]
    (pair,) = compare(tables, positive="covid19", level="slice").pairs
    assert pair.p_auc == 2 / 2001
    assert pair.is_more_than_chance


def test_files_made_by_hand_are_told_apart_by_their_names(tmp_path: Path) -> None:
    for name, shift in (("reader", 0.0), ("network", 0.05)):
        rows = [
            f"{n},{n},{'covid19' if n % 2 else 'neither'},{0.1 * n - shift},0.5\n"
            for n in range(1, 9)
        ]
        (tmp_path / f"{name}.csv").write_text(HEAD + "".join(rows))
    printed = run("compare", tmp_path / "reader.csv", tmp_path / "network.csv")
    assert "reader 0 - network 0" in printed
