"""A cohort is what its table says, and its walker yields it back."""

import csv
from collections import Counter
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pydicom
import pytest
from PIL import Image

from ctsieve.datasets.phantom import CARD
from ctsieve.phantoms.chest import make_phantom
from ctsieve.phantoms.cohort import (
    CohortConfig,
    make_cohort,
    slices_of_both,
    spread_slices,
    telling_slices,
)
from ctsieve.phantoms.presets import preset
from ctsieve.types.cases import Case, Split

load: Any = nib.load  # nibabel has no types

LESIONS = ("ggo", "consolidation", "crazy_paving")
TINY = CohortConfig(form="both", num_slices=16, matrix=48)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven patients, as pictures and as studies."""
    root = tmp_path_factory.mktemp("cohort")
    make_cohort(root, num_patients=7, seed=3, config=TINY)
    return root


@pytest.fixture(scope="module")
def cases(folder: Path) -> tuple[Case, ...]:
    """What the walker finds."""
    return tuple(CARD.walk(folder))


def test_classes_are_dealt_in_turn(cases: tuple[Case, ...]) -> None:
    label_of = {case.patient: case.label for case in cases}
    assert Counter(label_of.values()) == {"neither": 3, "covid19": 2, "other_pneumonia": 2}
    assert Counter(case.kind for case in cases) == {"picture": 14, "volume": 7}
    assert set(label_of.values()) == set(CARD.labels)


def test_kinds_can_be_chosen(tmp_path: Path) -> None:
    config = CohortConfig(num_slices=16, matrix=48, pictures_each=1, kinds=("early", "normal"))
    make_cohort(tmp_path, num_patients=3, seed=1, config=config)
    assert [case.label for case in CARD.walk(tmp_path)] == ["covid19", "neither", "covid19"]


def test_spread_slices_run_through_all_that_is_shown() -> None:
    """Ill patients: every printed slice shows disease. Healthy ones: both ends of the lungs too."""
    for kind in ("covid", "normal"):
        phantom = make_phantom(preset(kind, seed=4, num_slices=32, matrix=64))
        worth = phantom.lesions > 0 if kind == "covid" else phantom.lungs
        shown = np.flatnonzero(worth.any(axis=(1, 2)))
        chosen = spread_slices(phantom, 5)
        assert set(chosen) <= set(shown.tolist())
        assert chosen == sorted(set(chosen))
        assert len(chosen) == min(5, len(shown))
        gaps = np.diff([shown[0], *chosen, shown[-1]])
        assert gaps.max() <= np.ceil(np.ptp(shown) / 5) + 1
        assert spread_slices(phantom, 99) == shown.tolist()
        everywhere = np.ptp(chosen) > np.ptp(telling_slices(phantom, 5))
        assert everywhere or kind == "covid"


def test_slices_of_both_are_labelled_by_what_they_show(tmp_path: Path) -> None:
    config = CohortConfig(
        num_slices=24, matrix=48, pictures_each=6, choose="both", kinds=("early", "normal")
    )
    make_cohort(tmp_path, num_patients=4, seed=1, config=config)
    cases = list(CARD.walk(tmp_path))
    for case in cases:
        assert (case.label == "covid19") == any(case.lesions.values())
    for patient in ("p0000", "p0002"):
        own = [case for case in cases if case.patient.endswith(patient)]
        ill = sum(case.label == "covid19" for case in own)
        assert len(own) == 6
        assert 1 <= ill <= 3
    assert {case.label for case in cases if case.patient.endswith("p0001")} == {"neither"}


def test_slices_of_both_without_lesion_are_at_any_height() -> None:
    """At even distances they would have a few heights of their own, and those would tell."""
    phantom = make_phantom(preset("focal", seed=4, num_slices=24, matrix=48))
    lesion = np.asarray((phantom.lesions > 0).any(axis=(1, 2)))
    free = np.flatnonzero(phantom.lungs.any(axis=(1, 2)) & ~lesion)
    drawn = [
        number
        for seed in range(60)
        for number in slices_of_both(phantom, 4, np.random.default_rng(seed))
        if not lesion[number]
    ]
    assert set(drawn) == set(free.tolist())
    assert max(Counter(drawn).values()) < 30


def test_flags_say_what_the_masks_show(cases: tuple[Case, ...]) -> None:
    for case in cases:
        assert case.mask is not None
        if case.kind == "picture":
            with Image.open(case.mask) as image:
                mask = np.asarray(image)
        else:
            mask = np.asarray(load(case.mask).dataobj)
        assert dict(case.lesions) == {n: bool((mask == k).any()) for k, n in enumerate(LESIONS, 1)}
        if case.label == "neither":
            assert not any(case.lesions.values())
        else:
            assert any(case.lesions.values())


def test_masks_fit_their_pictures(cases: tuple[Case, ...]) -> None:
    for case in cases:
        if case.kind == "picture":
            assert case.mask is not None
            with Image.open(case.files[0]) as image, Image.open(case.mask) as mask:
                assert image.size == mask.size
                assert image.mode == "L"


def test_studies_are_whole(cases: tuple[Case, ...]) -> None:
    for case in cases:
        if case.kind == "volume":
            headers = [pydicom.dcmread(f, stop_before_pixels=True) for f in case.files]
            assert len(headers) == 16
            assert len({ds.SeriesInstanceUID for ds in headers}) == 1


def test_no_file_tells_the_label(cases: tuple[Case, ...]) -> None:
    """Suffix and size of the picture are those of every other; sites hold several labels."""
    pictures = [case for case in cases if case.kind == "picture"]
    assert {case.files[0].suffix for case in pictures} == {".png"}
    names = {case.id for case in cases}
    assert not any(label in name for label in CARD.labels for name in names)


def test_a_cohort_splits_by_patient(cases: tuple[Case, ...]) -> None:
    pictures = [case for case in cases if case.kind == "picture"]
    first = {case.patient for case in pictures[:6]}
    sides = {
        "train": tuple(c for c in pictures if c.patient in first),
        "test": tuple(c for c in pictures if c.patient not in first),
    }
    assert len(Split(name="s", sides=sides).digest) == 64


def test_the_same_arguments_write_the_same_files(tmp_path: Path) -> None:
    config = CohortConfig(form="picture", num_slices=12, matrix=32, pictures_each=1)
    for name in ("one", "two"):
        make_cohort(tmp_path / name, num_patients=3, seed=5, config=config)
    first, second = (sorted((tmp_path / n).rglob("*.*")) for n in ("one", "two"))
    assert len(first) == 7
    assert [f.read_bytes() for f in first] == [f.read_bytes() for f in second]


def test_a_longer_cohort_begins_with_the_shorter(tmp_path: Path) -> None:
    config = CohortConfig(form="picture", num_slices=12, matrix=32, pictures_each=1)
    rows = []
    for count in (2, 4):
        table = make_cohort(tmp_path / str(count), num_patients=count, seed=5, config=config)
        with table.open(newline="") as file:
            rows.append(list(csv.reader(file)))
    assert rows[1][:3] == rows[0]
