"""Every format says the same, and numbers say what they are."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.writers.parts import LESIONS
from tests.writers.screenings import EVERY, abstained, negative, rejected, scan

from ctsieve.types.results import GateReport, LesionFlag
from ctsieve.writers._phrases import MINUS, THIN_SPACE, percent, percent_beside
from ctsieve.writers._profile import LABEL_STEP, _apart
from ctsieve.writers._report import report
from ctsieve.writers._words import LABELS, call_of, headline, label_name, lesion_name


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_a_probability_never_looks_equal_to_a_threshold_it_misses(
    share: float, threshold: float
) -> None:
    if abs(share - threshold) > 1e-9:
        assert percent_beside(share, threshold) != percent(threshold)


def test_what_differs_beyond_reason_is_printed_plainly() -> None:
    assert percent_beside(0.55 - 1e-13, 0.55) == percent(0.55)


@given(st.floats(0.0, 1.0))
def test_only_none_and_all_are_printed_as_none_and_all(share: float) -> None:
    assert (percent(share) == f"0.0{THIN_SPACE}%") == (share == 0.0)
    assert (percent(share) == f"100.0{THIN_SPACE}%") == (share == 1.0)


@given(
    st.lists(st.floats(0.0, 300.0), min_size=1, max_size=8).map(sorted),
)
def test_slice_numbers_are_kept_apart_in_order(heights: list[float]) -> None:
    placed = _apart(heights, bottom=300.0)
    assert placed[-1] <= 300.0 + 1e-6
    for above, below in itertools.pairwise(placed):
        assert below - above >= LABEL_STEP - 1e-6


@pytest.mark.parametrize(
    ("kind", "call"),
    [
        ("scan", "positive"),
        ("three-labels", "positive"),
        ("negative", "negative"),
        ("abstained", "none"),
        ("rejected", "none"),
    ],
)
def test_the_call(kind: str, call: str) -> None:
    screening = EVERY[kind]()
    assert call_of(screening.prediction) == headline(screening).call == call


def test_the_detail_gives_probability_and_threshold() -> None:
    detail = headline(scan()).detail.replace(THIN_SPACE, " ")
    assert detail == "Probability of COVID-19 93.4 %, threshold 55.0 %."
    assert "54.996" in headline(negative()).detail
    assert "abstains" in headline(abstained()).detail
    assert "rejected" in headline(rejected()).detail


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("lung_ml", 6264.9, ("Lung", "6,265 ml")),
        ("lowest_hu", -1024.0, ("Lowest", "-1,024 HU")),
        ("body_share", 0.363, ("Body share", "36.3 %")),
        ("num_lung_slices", 53.0, ("Number of lung slices", "53")),
        ("largest_lung_section_cm2", 378.97, ("Largest lung section", "379 cm\N{SUPERSCRIPT TWO}")),
        ("sharpness", 0.0, ("Sharpness", "0")),
        ("noise_hu", float("inf"), ("Noise", "inf HU")),
    ],
)
def test_measurements_in_words(name: str, value: float, shown: tuple[str, str]) -> None:
    screening = replace(scan(), gate=GateReport(measurements={name: value}))
    ((words, quantity),) = report(screening).measurements
    assert (words, quantity.replace(THIN_SPACE, " ").replace(MINUS, "-")) == shown


def test_names_in_full() -> None:
    assert [lesion_name(kind) for kind in LESIONS] == [
        "Ground-glass opacity (GGO)",
        "Consolidation",
        "Crazy-paving pattern",
        "Air bronchogram",
        "Interlobular septal thickening",
    ]
    covid_ct = [lesion_name(kind) for kind in ("GGO", "Csld", "CrPa", "AirBr", "InSepThi")]
    assert covid_ct == [lesion_name(kind) for kind in LESIONS]
    flag = LesionFlag(kind="halo_sign", probability=0.1, threshold=0.5, present=False)
    assert lesion_name(flag.kind) == "Halo sign"
    assert {label_name(label) for label in LABELS} == {"COVID-19", "other pneumonia", "neither"}
