"""Measurement groups of the structured report, one idea each (PS3.16 TID 1501 and TID 1411)."""

from collections.abc import Iterable, Sequence
from typing import Final

from highdicom.sr import (
    FindingSite,
    Measurement,
    MeasurementsAndQualitativeEvaluations,
    QualitativeEvaluation,
    ReferencedSegment,
    RelationshipTypeValues,
    SourceImageForMeasurementGroup,
    SourceSeriesForSegmentation,
    TextContentItem,
    TrackingIdentifier,
    VolumetricROIMeasurementsAndQualitativeEvaluations,
)
from pydicom.uid import SegmentationStorage

from ctsieve.types.results import LesionFlag, LesionTotal, Screening
from ctsieve.writers._dicom.codes import (
    ABSENT,
    BILATERAL,
    CALL,
    COMMENT,
    DENSE_SHARE,
    DENSE_VOLUME,
    LESION_COUNT,
    LUNG,
    LUNG_SHARE,
    MILLILITRE,
    NO_UNITS,
    PERCENT,
    QUALITY,
    QUALITY_FINDING,
    SERIES_QUALITY,
    THRESHOLD,
    VOLUME,
    Concept,
    call_concept,
    label_concept,
    lesion_concept,
    presence,
    private,
    score_concept,
)
from ctsieve.writers._dicom.objects import coded
from ctsieve.writers._dicom.observer import algorithm, algorithm_in_full
from ctsieve.writers._dicom.segments import Segment
from ctsieve.writers._dicom.study import Source
from ctsieve.writers._dicom.uids import uid
from ctsieve.writers._phrases import MINUS, THIN_SPACE
from ctsieve.writers._words import headline, label_name, lesion_name

Group = MeasurementsAndQualitativeEvaluations | VolumetricROIMeasurementsAndQualitativeEvaluations

DIGITS: Final = {NO_UNITS: 4, PERCENT: 2, MILLILITRE: 1}
"""Decimals that are read: a reader takes more for knowledge.  The JSON has them all."""

_PLAIN: Final = str.maketrans({MINUS: "-", THIN_SPACE: " "})


def quality_group(screening: Screening) -> Group:
    """Whether the series is fit to be judged, the gate's findings, and the answer in words."""
    gate, words = screening.gate, headline(screening)
    group = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=_tracking(screening, "Screening"),
        algorithm_id=algorithm_in_full(screening),
        finding_sites=[_lung()],
        qualitative_evaluations=[
            _evaluation(SERIES_QUALITY, QUALITY[gate.verdict]),
            *(_evaluation(QUALITY_FINDING, private(f.code, f.code)) for f in gate.findings),
        ],
    )
    sentences = [screening.notice, words.title, words.detail]
    return commented(group, [*sentences, *(f.sentence for f in gate.findings)])


def label_group(screening: Screening, source: Source, label: str) -> Group:
    """One label: probability, threshold, what the program calls, the slices that decided."""
    prediction = screening.prediction
    score = score_concept(calibrated=prediction.calibrated)
    group = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=_tracking(screening, label_name(label)),
        finding_type=coded(label_concept(label)),
        algorithm_id=algorithm(screening),
        finding_sites=[_lung()],
        measurements=[
            _measurement(score, prediction.probability[label], NO_UNITS),
            _measurement(THRESHOLD, prediction.threshold[label], NO_UNITS),
        ],
        qualitative_evaluations=[_evaluation(CALL, call_concept(prediction, label))],
        source_images=[
            SourceImageForMeasurementGroup(
                r.image.SOPClassUID, r.image.SOPInstanceUID, list(r.frames) or None
            )
            for r in source.references(screening.top_slices)
        ]
        or None,
    )
    return commented(group, [prediction.abstained] if prediction.abstained else [])


def flag_group(screening: Screening, flag: LesionFlag) -> Group:
    """A kind of lesion the network was asked about: present or absent, without a place."""
    concept = lesion_concept(flag.kind)
    return MeasurementsAndQualitativeEvaluations(
        tracking_identifier=_tracking(screening, f"{lesion_name(flag.kind)}, flag"),
        finding_type=coded(concept),
        algorithm_id=algorithm(screening),
        finding_sites=[_lung()],
        measurements=[
            # Lesion outputs are never calibrated: they are learnt from weak labels.
            _measurement(score_concept(calibrated=False), flag.probability, NO_UNITS),
            _measurement(THRESHOLD, flag.threshold, NO_UNITS),
        ],
        qualitative_evaluations=[_evaluation(concept, presence(flag))],
    )


def lungs_group(screening: Screening, source: Source, segment: Segment) -> Group:
    """The lungs: their volume, and how much of them is dense."""
    found = screening.involvement
    measurements = [_volume(source, segment)]
    if found is not None:
        measurements += [
            _measurement(DENSE_SHARE, found.percent, PERCENT),
            _measurement(DENSE_VOLUME, found.dense_ml, MILLILITRE),
        ]
    site = FindingSite(coded(LUNG), laterality=coded(BILATERAL))
    group = _segment_group(screening, source, segment, site=site, measurements=measurements)
    return commented(group, [] if found is None else [found.method])


def lesions_group(screening: Screening, source: Source, segment: Segment) -> Group:
    """All lesions of a kind: their volume, their number, their share of the lungs."""
    totals = [total for total in screening.lesion_totals if total.kind == segment.kind]
    measurements = [_volume(source, segment), *(m for t in totals for m in _counted(t))]
    return _segment_group(screening, source, segment, site=_lung(), measurements=measurements)


def absent_group(screening: Screening, total: LesionTotal) -> Group:
    """A kind of lesion that was looked for and not found: there is no segment of it."""
    concept = lesion_concept(total.kind)
    return MeasurementsAndQualitativeEvaluations(
        tracking_identifier=_tracking(screening, lesion_name(total.kind)),
        finding_type=coded(concept),
        algorithm_id=algorithm(screening),
        finding_sites=[_lung()],
        measurements=_counted(total),
        qualitative_evaluations=[_evaluation(concept, ABSENT)],
    )


def _counted(total: LesionTotal) -> list[Measurement]:
    measurements = [_measurement(LESION_COUNT, total.count, NO_UNITS)]
    if total.percent_of_lungs is not None:
        measurements.append(_measurement(LUNG_SHARE, total.percent_of_lungs, PERCENT))
    return measurements


def _volume(source: Source, segment: Segment) -> Measurement:
    ml = segment.num_voxels * source.volume.geometry.voxel_ml
    return _measurement(VOLUME, ml, MILLILITRE)


def _segment_group(
    screening: Screening,
    source: Source,
    segment: Segment,
    *,
    site: FindingSite,
    measurements: Sequence[Measurement],
) -> Group:
    """What was measured of a segment of the SEG (TID 1411)."""
    return VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(
            uid=uid(screening, "segment", segment.label), identifier=segment.label
        ),
        referenced_segment=ReferencedSegment(
            sop_class_uid=SegmentationStorage,
            sop_instance_uid=uid(screening, "seg", "1"),
            segment_number=segment.number,
            source_series=SourceSeriesForSegmentation(source.volume.provenance.series_uid),
        ),
        finding_type=coded(segment.concept),
        finding_category=coded(segment.category),
        finding_sites=[site],
        measurements=measurements,
    )


def commented(group: Group, texts: Iterable[str]) -> Group:
    """The group with comments in plain letters at its end."""
    for text in texts:
        item = TextContentItem(
            name=coded(COMMENT),
            value=text.translate(_PLAIN),
            relationship_type=RelationshipTypeValues.CONTAINS,
        )
        group[0].ContentSequence.append(item)
    return group


def _tracking(screening: Screening, name: str) -> TrackingIdentifier:
    return TrackingIdentifier(uid=uid(screening, "group", name), identifier=name)


def _measurement(name: Concept, value: float, unit: Concept) -> Measurement:
    return Measurement(name=coded(name), value=round(float(value), DIGITS[unit]), unit=coded(unit))


def _evaluation(name: Concept, value: Concept) -> QualitativeEvaluation:
    return QualitativeEvaluation(name=coded(name), value=coded(value))


def _lung() -> FindingSite:
    """Somewhere in the lungs: of a lesion's side nothing is said."""
    return FindingSite(coded(LUNG))
