"""The files of a release by themselves: sides that last, and a bundle that is trained on one."""

import csv
import json
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.synthetic import tiny_config
from tests.web.releasing import pictures

from ctsieve.bundles.bundle import open_bundle
from ctsieve.bundles.verify import verify
from ctsieve.datasets import DATASETS
from ctsieve.pipeline.fit import fit
from ctsieve.pipeline.fit_config import FitConfig
from ctsieve.web.deidentify import Pseudonyms
from ctsieve.web.release_files import Chosen, Read, partitions, write_release

KINDS = ["covid", "normal"] * 10
LABELS = {"covid": "covid19", "normal": "neither"}
PSEUDONYMS = Pseudonyms("of a test")

labelled = st.dictionaries(st.text("abcdef", min_size=1), st.sampled_from(["x", "y"]), max_size=40)


@given(labelled, labelled)
def test_a_patient_keeps_its_side_when_others_come(
    first: dict[str, str], more: dict[str, str]
) -> None:
    before = partitions(first, {})
    after = partitions({**more, **first}, dict(before))
    assert {patient: after[patient] for patient in before} == before
    assert set(after) == {*first, *more}


@given(labelled)
def test_both_sides_have_every_label_that_two_patients_have(labels: dict[str, str]) -> None:
    sides = partitions(labels, {})
    for label in set(labels.values()):
        own = [sides[patient] for patient, of in labels.items() if of == label]
        assert "train" in own
        assert ("val" in own) == (len(own) > 1)


def _read(reader: str, label: str, *lesions: str) -> Read:
    return Read(reader=reader, at=0.0, label=label, lesions=lesions)


def test_of_a_case_that_a_third_reader_decided_only_what_two_say_is_known(tmp_path: Path) -> None:
    (content,) = pictures(["covid"]).values()
    (tmp_path / "study").write_bytes(content)
    third = _read("third", "neither", "Csld")
    outline = {"slice": 0, "kind": "GGO", "points": [[1, 2], [9, 2], [9, 8]]}
    made: dict[str, Any] = {
        "study_id": "1",
        "image": "study",
        "is_picture": True,
        "outlines": [outline],
    }
    kept, overruled = (
        Chosen(
            id=name, patient=name, label="neither", partition="train",
            readings=(_read("a", first, "GGO", "Csld"), _read("b", second, "Csld"), third), **made,
        )
        for name, first, second in (("kept", "neither", "covid19"), ("new", "covid19", "neither"))
    )  # fmt: skip
    about = {"purpose": "training", "version": 1, "licence": "CC-BY-4.0"}
    root = tmp_path / "release"
    written = write_release(
        root, [kept, overruled], home=tmp_path, pseudonyms=PSEUDONYMS, about=about
    )
    cases = {case.id: case for case in DATASETS["release"].walk(root)}
    assert {case.label for case in cases.values()} == {"neither"}
    assert {case.id: sorted(case.lesions) for case in cases.values()} == {
        "kept": ["Csld"], "new": ["Csld"],
    }  # fmt: skip
    assert json.loads((root / "outlines.json").read_text()).keys() == {"kept"}
    with (root / "readings.csv").open(newline="") as file:
        rows = [(row["case"], row["reading"], row["label"]) for row in csv.DictReader(file)]
    assert rows[3:] == [("new", "1", "covid19"), ("new", "2", "neither"), ("new", "3", "neither")]
    assert written.release.agreement.n == 2
    assert written.release.agreement.kappa == -1.0


@pytest.mark.slow
def test_a_bundle_is_trained_on_a_release(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "studies").mkdir(parents=True)
    for number, content in enumerate(pictures(KINDS).values()):
        (home / "studies" / str(number)).write_bytes(content)
    patients = {PSEUDONYMS.of(str(n)): LABELS[kind] for n, kind in enumerate(KINDS)}
    sides = partitions(patients, {})
    cases = [
        Chosen(
            id=f"{n:032x}", study_id=str(n), image=f"studies/{n}", is_picture=True, patient=patient,
            readings=tuple(Read(reader=r, at=0.0, label=label, lesions=()) for r in "ab"),
            outlines=[], label=label, partition=sides[patient],
        )
        for n, (patient, label) in enumerate(patients.items())
    ]  # fmt: skip
    about = {"purpose": "training", "version": 1, "licence": "CC-BY-4.0"}
    root = tmp_path / "release"
    written = write_release(root, cases, home=home, pseudonyms=PSEUDONYMS, about=about)
    assert (written.release.num_cases, written.left_out) == (len(KINDS), {})
    settings = tiny_config(stages=[{"size": 32, "epochs": 1}]).model_dump()
    site = f"site-{PSEUDONYMS.of('site')[:8]}"
    settings["data"] = {"sets": ["release"], "tune_share": 0.25, "shares": {site: 1.0}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folder = fit(FitConfig.model_validate(settings), tmp_path / "run", data=root)
    bundle = open_bundle(folder)
    assert all(row.passed for row in verify(bundle))
    fitted = bundle.recipe.picture.calibration[0].fitted
    assert fitted is not None
    assert fitted.num_patients == sum(side == "val" for side in sides.values())
