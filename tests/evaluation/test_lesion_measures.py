"""A lesions file made by hand, whose numbers can be worked out, and what is said where none can."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as peer
from tests.evaluation.samples import normal_sample, table_of

from ctsieve.evaluation.lesion_images import compared
from ctsieve.evaluation.lesion_measures import lesion_measures, volume_agreement
from ctsieve.evaluation.lesion_summary import no_lesions, summarise_lesions
from ctsieve.evaluation.protocols import one_shot
from ctsieve.ops.run_lengths import from_run_lengths, run_lengths
from ctsieve.pipeline.evaluation_files import Options
from ctsieve.pipeline.evaluation_job import NO_BUNDLE, Job, evaluate_job, protocol_job
from ctsieve.pipeline.lesion_file import load_lesions, save_lesions
from ctsieve.pipeline.score_file import save_scores
from ctsieve.types.errors import InputRejected
from ctsieve.types.lesion_table import (
    FoundRegion,
    LesionCase,
    LesionTable,
    SliceMasks,
    TrueRegion,
)
from ctsieve.types.report import Absent, Figure

SIDE = 40
Box = tuple[int, int, int, int]


def mask(*boxes: Box) -> tuple[int, ...]:
    """Run lengths of some boxes (top, left, bottom, right)."""
    plane = np.zeros((SIDE, SIDE), bool)
    for top, left, bottom, right in boxes:
        plane[top:bottom, left:right] = True
    return run_lengths(plane)


def case(number: int, *slices: SliceMasks, voxel_ml: float | None = None) -> LesionCase:
    return LesionCase(
        case=f"c{number}",
        patient=f"p{number}",
        label="covid19",
        slices=slices,
        voxel_ml=voxel_ml,
    )


def table(*cases: LesionCase, kinds: tuple[str, ...] = ("ggo", "consolidation")) -> LesionTable:
    return LesionTable(
        bundle="finder",
        bundle_version="1",
        bundle_digest="ab",
        kinds=kinds,
        least_score=0.5,
        mask_kinds=("lung", "ggo", "consolidation"),
        cases=cases,
    )


def slice_of(found: dict[str, Box], true: dict[str, Box], number: int = 0) -> SliceMasks:
    return SliceMasks(
        number=number,
        size=(SIDE, SIDE),
        found=tuple(FoundRegion(kind=k, score=0.9, counts=mask(b)) for k, b in found.items()),
        true=tuple(TrueRegion(kind=k, counts=mask(b)) for k, b in true.items()),
    )


GGO, HALF, FAR = (0, 0, 10, 10), (0, 0, 10, 6), (20, 20, 30, 30)


def known() -> LesionTable:
    """Ground glass found whole in one, to 60 % in the other; the one consolidation is missed."""
    return table(
        case(1, slice_of({"ggo": GGO}, {"ggo": GGO, "lung": (0, 0, 40, 40)}), voxel_ml=0.1),
        case(2, slice_of({"ggo": HALF}, {"ggo": GGO, "consolidation": FAR}), voxel_ml=0.1),
        case(3, slice_of({}, {}, 0), voxel_ml=0.1),
    )


def value(found: LesionTable, name: str, kind: str = "") -> Figure:
    (one,) = [m for m in lesion_measures(compared(found)) if (m.name, m.kind) == (name, kind)]
    assert isinstance(one.value, Figure), one.value
    return one.value


def test_every_number_of_plain_masks_is_what_a_pencil_says() -> None:
    found = known()
    # Ground glass of two cases: both found at IoU .5; at .75 one, of the first rank: AP 51/101.
    assert value(found, "coco_ap50", "ggo").value == pytest.approx(1.0)
    assert value(found, "coco_ap75", "ggo").value == pytest.approx(51 / 101)
    assert value(found, "coco_ap50", "consolidation").value == 0.0
    assert value(found, "coco_ap50").value == pytest.approx(0.5)
    # By image: 1, 1 of 2 lesions, and 1 for the image that has nothing on either side.
    assert value(found, "per_image_ap50").value == pytest.approx((1 + 0.5 + 1) / 3)
    assert value(found, "per_image_ap75").value == pytest.approx((1 + 0 + 1) / 3)
    assert value(found, "dice", "ggo").value == pytest.approx((1 + 2 * 60 / 160) / 2)
    assert value(found, "dice").value == pytest.approx((1 + 2 * 60 / 260) / 2)
    error = value(found, "volume_error_ml")
    assert error.value == pytest.approx((0 - 14 + 0) / 3)
    assert error.low == pytest.approx(-14.0)
    assert (error.num_cases, error.num_patients) == (3, 3)
    counts = {m.kind: m.num_lesions for m in lesion_measures(compared(found)) if m.name == "dice"}
    assert counts == {"": 3, "ggo": 2, "consolidation": 1}


def test_volumes_agree_patient_by_patient() -> None:
    agreement = volume_agreement(compared(known()).cases)
    assert not isinstance(agreement, Absent)
    assert agreement.difference.tolist() == pytest.approx([0.0, -14.0, 0.0])
    (chart,) = summarise_lesions(known()).charts
    assert chart.name == "bland-altman"


def test_kinds_without_a_name_in_common_are_one_kind() -> None:
    cases = [
        case(n, slice_of({"lesion": GGO}, {"ggo": HALF, "consolidation": (0, 6, 10, 10)}))
        for n in range(3)
    ]
    found = table(*cases, kinds=("lesion",))
    summary = summarise_lesions(found)
    assert {m.kind for m in summary.measures} == {""}
    assert value(found, "coco_map").value == pytest.approx(1.0), "touching kinds are one lesion"
    assert "all count as one kind" in summary.tables[0].note
    assert "no image has millimetres" in str(summary.tables[0].rows[-1])


def test_what_cannot_be_measured_is_a_sentence() -> None:
    healthy = summarise_lesions(table(case(1, slice_of({"ggo": GGO}, {}))))
    assert "hold 0 true lesions; 1 lesion was found" in healthy.sentence
    assert not healthy.measures
    broken = case(2).model_copy(update={"problem": "rejected by the gate: not_ct"})
    assert "None of 1 cases" in summarise_lesions(table(broken)).sentence
    some = summarise_lesions(table(*known().cases, broken.model_copy(update={"case": "x"})))
    assert "1 of 4 cases with a mask are in no number; the first: rejected" in some.sentence
    assert "This bundle finds no lesions" in no_lesions(4).sentence


def test_images_of_one_patient_have_no_interval() -> None:
    cases = [one.model_copy(update={"patient": "all"}) for one in known().cases]
    (shown,) = summarise_lesions(table(*cases)).tables
    assert all("(no interval)" in row[2] for row in shown.rows if row[3] != "-")


@pytest.mark.parametrize(("box", "mean"), [(FAR, 0.0), (GGO, 1.0)])
def test_finding_nothing_in_twelve_patients_or_everything_is_no_certainty(
    box: Box, mean: float
) -> None:
    found = table(*(case(n, slice_of({"ggo": box}, {"ggo": GGO})) for n in range(12)))
    for name in ("coco_map", "per_image_map", "dice"):
        figure = value(found, name)
        assert figure.value == mean
        assert figure.high - figure.low == pytest.approx(0.2425, abs=1e-3)
        assert figure.low <= mean <= figure.high


def test_patients_that_nobody_knows_are_not_called_one_patient() -> None:
    cases = [one.model_copy(update={"patient": "here:unknown"}) for one in known().cases]
    assert "of 3 cases and patients that nobody tells apart" in _sentence(cases)
    cases[0] = known().cases[0]
    assert "and 1 patient and others that nobody tells apart" in _sentence(cases)


def test_values_that_nothing_names_are_said_to_be_in_no_number() -> None:
    cases = [one.model_copy(update={"unnamed": (7, 38)}) for one in known().cases[:2]]
    said = "Masks of 2 cases hold values that nothing names (7, 38): what they draw is in no number"
    assert said in _sentence([*cases, known().cases[2]])
    bare = case(1, slice_of({}, {})).model_copy(update={"unnamed": (75,)})
    assert "0 true lesions" in _sentence([bare])
    assert "values that nothing names (75)" in _sentence([bare])


def _sentence(cases: list[LesionCase]) -> str:
    return summarise_lesions(table(*cases)).sentence


def test_lesions_beside_a_score_file_join_its_report(tmp_path: Path) -> None:
    scored = table_of(normal_sample(0, size=20))
    own = known().model_copy(update={"bundle_digest": scored.bundle.digest})
    scores = save_scores(scored, tmp_path / "in" / "scores.csv")
    save_lesions(own, tmp_path / "in" / "lesions.jsonl")
    page = evaluate_job(Job(bundle=NO_BUNDLE, data=scores), Options(), tmp_path / "out")
    assert page.verdict.title.startswith("COVID-19 against the rest: AUC")
    written = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    rows = {(r["measure"], r["kind"]): r["value"] for r in written["lesions"]["measures"]}
    assert rows["coco_ap50", ""] == pytest.approx(0.5)
    assert written["levels"]["patient"]["auc"]["num_patients"] == 20
    for name in ("scores.csv", "lesions.jsonl"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "in" / name).read_bytes()

    (tmp_path / "in" / "lesions.jsonl").unlink()
    alone = evaluate_job(Job(bundle=NO_BUNDLE, data=scores), Options(), tmp_path / "out")
    assert alone.lesions is None
    assert not (tmp_path / "out" / "lesions.jsonl").exists(), "it was of an earlier evaluation"


def test_lesions_of_another_bundle_beside_a_score_file_are_refused(tmp_path: Path) -> None:
    scores = save_scores(table_of(normal_sample(0, size=20)), tmp_path / "scores.csv")
    save_lesions(known(), tmp_path / "lesions.jsonl")
    with pytest.raises(InputRejected, match=r"lesions.jsonl beside scores.csv is of finder 1, not"):
        evaluate_job(Job(bundle=NO_BUNDLE, data=scores), Options(), None)


def test_a_lesions_file_reads_back_the_same_and_makes_the_whole_report(tmp_path: Path) -> None:
    path = save_lesions(known(), tmp_path / "in" / "lesions.jsonl")
    assert load_lesions(path) == known()
    job = Job(bundle=NO_BUNDLE, data=path)
    page = evaluate_job(job, Options(), tmp_path / "out")
    assert page.verdict.title.startswith("Lesions: mask AP")
    assert any("gives no class" in doubt for doubt in page.verdict.doubts)
    written = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    rows = {(r["measure"], r["kind"]): r for r in written["lesions"]["measures"]}
    assert rows["coco_ap50", ""]["value"] == pytest.approx(0.5)
    assert rows["coco_ap50", "ggo"]["num_lesions"] == 2
    html = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "AP .50:.05:.95, COCO" in html
    assert (tmp_path / "out" / "figures" / "bland-altman.svg").is_file()
    assert not (tmp_path / "out" / "scores.csv").exists(), "there are no scores"
    again = tmp_path / "out" / "lesions.jsonl"
    assert again.read_bytes() == path.read_bytes()
    evaluate_job(dataclasses.replace(job, data=again), Options(), tmp_path / "again")
    assert (tmp_path / "again" / "report.html").read_text(encoding="utf-8") == html


def test_one_shots_first_table_has_our_row(tmp_path: Path) -> None:
    path = save_lesions(known(), tmp_path / "lesions.jsonl")
    (first, doubts), _ = protocol_job(Job(bundle=NO_BUNDLE, data=path), "one-shot")
    *_, ours, between = first.rows
    assert ours[:2] == ("finder 1 (here)", f"{2.5 / 3:.3f}")
    assert between[0] == "95 % interval"
    assert "here on 3 of 3 patients" in first.note
    assert "not said which side" in doubts.rows[0][0]
    empty = table(case(1, slice_of({}, {})))
    (first,) = one_shot.with_lesions(empty, one_shot.tables(empty.as_scores))
    assert "0 true lesions" in first.note


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("{}", "is no line of a lesions file: case"),
        ('{"case":"a","patient":"p","label":"x","slices":[{"size":[0,4]}]}', "size.0"),
        ("no json", "Invalid JSON"),
        ('{"case":"c1","patient":"p","label":"x"}', "holds a case twice"),
    ],
)
def test_a_bad_line_is_named(line: str, sentence: str, tmp_path: Path) -> None:
    path = save_lesions(known(), tmp_path / "lesions.jsonl")
    path.write_text(path.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
    with pytest.raises(InputRejected, match=sentence):
        load_lesions(path)
    bad = case(1, SliceMasks(size=(4, 4), found=(FoundRegion(kind="ggo", score=1, counts=(3,)),)))
    with pytest.raises(InputRejected, match="runs of 3 pixels do not fill 4 x 4"):
        summarise_lesions(table(bad))


@settings(deadline=None)
@given(arrays(np.bool_, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_run_lengths_are_cocos_and_read_back_the_same(drawn: np.ndarray) -> None:
    counts, size = run_lengths(drawn), (drawn.shape[0], drawn.shape[1])
    assert (from_run_lengths(counts, size) == drawn).all()
    packed = peer.frPyObjects({"size": list(size), "counts": list(counts)}, *size)
    assert packed == peer.encode(np.asfortranarray(drawn.astype("u1")))
