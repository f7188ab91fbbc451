"""What the structured report says: the answer, its reasons, and what it refers to."""

from dataclasses import replace
from pathlib import Path

import pydicom
import pytest
from tests.writers.dicom_results import marked, screened
from tests.writers.report_content import code, group_of, items, number, report_of

from ctsieve.pipeline.write import write
from ctsieve.types.results import Screening
from ctsieve.types.volume import CTVolume
from ctsieve.writers import dicom_pm, dicom_seg, dicom_sr


def test_the_report_says_the_answer(judged: Screening, tmp_path: Path) -> None:
    ds = report_of(judged, tmp_path)
    prediction, found = judged.prediction, judged.involvement
    assert found is not None
    covid = group_of(ds, "COVID-19")
    assert code(covid, "Finding") == "840539006"
    assert number(covid, "Probability") == round(prediction.probability["covid19"], 4)
    assert number(covid, "Threshold Value") == round(prediction.threshold["covid19"], 4)
    assert code(covid, "Call of the program") == "above-threshold"
    sources = [
        i.ReferencedSOPSequence[0].ReferencedSOPInstanceUID
        for i in items(covid, "Source of Measurement")
    ]
    slices = judged.image.provenance.slices
    assert sources == [s.sop_instance_uid for s in (slices[i] for i in judged.top_slices) if s]
    lungs = group_of(ds, "Lungs")
    assert isinstance(judged.image, CTVolume)
    assert judged.lungs is not None
    ml = float(judged.lungs.sum()) * judged.image.geometry.voxel_ml
    assert number(lungs, "Volume") == round(ml, 1)
    assert number(lungs, "Share of the lungs above -700 HU") == round(found.percent, 2)
    assert number(lungs, "Volume of the lungs above -700 HU") == round(found.dense_ml, 1)
    flags = {f.kind: f.present for f in judged.lesions}
    ggo = group_of(ds, "Ground-glass opacity (GGO), flag")
    assert (code(ggo, "Ground glass opacity") == "52101004") == flags["ggo"]
    parameters = [i.TextValue for i in items(ds, "Algorithm Parameters")]
    assert f"bundle sha256 {judged.bundle.digest}" in parameters
    comments = [i.TextValue for i in items(ds, "Comment")]
    assert judged.notice in comments


def test_the_report_refers_to_the_segments_beside_it(judged: Screening, tmp_path: Path) -> None:
    assert isinstance(judged.image, CTVolume)
    assert judged.lungs is not None
    found = marked(judged.image, judged.lungs)
    with_lesion = replace(
        judged, lesion_instances=found.lesion_instances, lesion_totals=found.lesion_totals
    )
    paths = write(with_lesion, tmp_path, ["dicom-sr"])
    assert [p.name for p in paths] == [dicom_seg.FILE, dicom_sr.FILE]
    segmentation, report = (pydicom.dcmread(p) for p in paths)
    referenced = [i.ReferencedSOPSequence[0] for i in items(report, "Referenced Segment")]
    assert {r.ReferencedSOPInstanceUID for r in referenced} == {segmentation.SOPInstanceUID}
    assert [r.ReferencedSegmentNumber for r in referenced] == [1, 2]
    tracked = {s.SegmentLabel: s.TrackingUID for s in segmentation.SegmentSequence}
    for label, uid in tracked.items():
        assert uid == items(group_of(report, label), "Tracking Unique Identifier")[0].UID
    ggo, dense = found.lesion_totals
    outlined = group_of(report, "Ground-glass opacity (GGO)")
    assert number(outlined, "Volume") == pytest.approx(ggo.ml, abs=0.05)
    assert number(outlined, "Number of lesions of this kind") == ggo.count
    assert number(outlined, "Share of the lungs in lesions of this kind") == pytest.approx(
        ggo.percent_of_lungs, abs=0.005
    )
    absent = group_of(report, "Consolidation")
    assert number(absent, "Number of lesions of this kind") == dense.count == 0
    assert code(absent, "Lung consolidation") == "272519000"
    assert not items(absent, "Referenced Segment")


def test_an_abstention_is_said_with_its_reason(tmp_path: Path) -> None:
    screening = screened("abstained", tmp_path / "study")
    ds = report_of(screening, tmp_path / "out")
    covid = group_of(ds, "COVID-19")
    assert code(covid, "Call of the program") == "no-call"
    assert [i.TextValue for i in items(covid, "Comment")] == [screening.prediction.abstained]


def test_what_is_not_calibrated_is_no_probability(tmp_path: Path) -> None:
    ds = report_of(screened("three-labels", tmp_path / "study"), tmp_path / "out")
    group = group_of(ds, "other pneumonia")
    assert number(group, "Score, not calibrated") == pytest.approx(0.82)
    assert not items(group, "Probability")


def test_a_rejected_series_is_said_to_be_unfit(tmp_path: Path) -> None:
    screening = screened("rejected", tmp_path / "study")
    ds = report_of(screening, tmp_path / "out")
    group = group_of(ds, "Screening")
    assert code(group, "Imaging Series Quality") == "111235"
    codes = [i.ConceptCodeSequence[0].CodeValue for i in items(group, "Quality Finding")]
    assert codes == ["contrast", "not-chest"]
    assert len(items(ds, "Measurement Group")) == 1
    assert not dicom_seg.write(screening, tmp_path)
    assert not dicom_pm.write(screening, tmp_path)
