"""JSON: the whole answer but the arrays, for programs; docs/reference/json.md explains it.

Bytes depend on the screening alone: no clock, no host, fields in a fixed order, labels in the
bundle's order.  UIDs appear because they are what links a result to its images; file names, folder
names and header texts that could name a person do not.
"""

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ctsieve.types.cards import FormatCard
from ctsieve.types.provenance import Provenance
from ctsieve.types.results import Screening
from ctsieve.types.volume import CTPicture, CTVolume
from ctsieve.writers._atomic import write_whole
from ctsieve.writers._json_model import (
    SCHEMA_VERSION,
    AcquisitionRecord,
    BundleRecord,
    ExplanationRecord,
    FindingRecord,
    GateRecord,
    ImageRecord,
    InvolvementRecord,
    LesionInstanceRecord,
    LesionRecord,
    LesionTotalRecord,
    PredictionRecord,
    ProvenanceRecord,
    ScreeningRecord,
    SeriesRecord,
    SliceRecord,
    SourceRecord,
    WindowRecord,
)
from ctsieve.writers._json_values import (
    cleaned,
    number,
    number_or_none,
    significant,
    text,
    uid,
)
from ctsieve.writers._places import slice_z_mm
from ctsieve.writers._words import call_of, lesion_name

FILE_NAME = "screening.json"

Floats = npt.NDArray[np.float32]


def write(screening: Screening, folder: Path) -> list[Path]:
    """Write `screening.json` into `folder`."""
    return write_whole(folder, {FILE_NAME: f"{to_json(screening)}\n".encode()})


def to_json(screening: Screening) -> str:
    """The screening as JSON text; no NaN, no infinity."""
    plain = screening_to_dict(screening)
    return json.dumps(plain, ensure_ascii=False, allow_nan=False, indent=2)


def screening_to_dict(screening: Screening) -> dict[str, object]:
    """The screening as dicts, lists, strings, numbers, Booleans and None: what JSON knows."""
    return _record(screening).model_dump(mode="json", by_alias=True)


def _record(screening: Screening) -> ScreeningRecord:
    return ScreeningRecord(
        schema_name="ctsieve.screening",
        schema_version=SCHEMA_VERSION,
        id=screening.id,
        notice=screening.notice,
        software=screening.software,
        image=_image(screening.image),
        gate=_gate(screening),
        prediction=_prediction(screening),
        slices=_slices(screening),
        top_slices=screening.top_slices,
        lesions=_lesions(screening),
        lesion_totals=_lesion_totals(screening),
        lesion_instances=_lesion_instances(screening),
        involvement=_involvement(screening),
        explanation=_explanation(screening),
        bundle=BundleRecord(
            name=screening.bundle.name,
            version=screening.bundle.version,
            digest=screening.bundle.digest,
            recipe_digest=screening.recipe.digest,
        ),
        recipe=screening.recipe,
        provenance=_provenance(screening.image.provenance),
    )


def _image(image: CTVolume | CTPicture) -> ImageRecord:
    if isinstance(image, CTVolume):
        s, r, c = (number(v, 6) for v in image.geometry.spacing)
        a, b, d, e = ((number(w, 6), number(x, 6), number(y, 6), number(z, 6))
                      for w, x, y, z in image.geometry.affine)  # fmt: skip
        return ImageRecord(
            kind="volume",
            shape=image.geometry.shape,
            spacing_mm=(s, r, c),
            affine_lps=(a, b, d, e),
            window=None,
        )
    window = image.window
    return ImageRecord(
        kind="picture",
        shape=image.geometry.shape,
        spacing_mm=None,
        affine_lps=None,
        window=window and WindowRecord(centre=window.centre, width=window.width),
    )


def _gate(screening: Screening) -> GateRecord:
    gate = screening.gate
    findings = [
        FindingRecord(code=f.code, severity=f.severity, sentence=text(f.sentence))
        for f in gate.findings
    ]
    return GateRecord(
        verdict=gate.verdict,
        reasons=gate.reasons,
        findings=tuple(findings),
        measurements={k: significant(v) for k, v in gate.measurements.items()},
    )


def _prediction(screening: Screening) -> PredictionRecord:
    prediction = screening.prediction
    return PredictionRecord(
        level=prediction.level,
        call=call_of(prediction),
        positive=prediction.positive,
        abstained=None if prediction.abstained is None else text(prediction.abstained),
        probability={k: number(p, 6) for k, p in prediction.probability.items()},
        threshold={k: number(t, 6) for k, t in prediction.threshold.items()},
        logit={k: number(v, 6) for k, v in prediction.logit.items()},
        multi_label=prediction.multi_label,
        calibrated=prediction.calibrated,
    )


def _slices(screening: Screening) -> tuple[SliceRecord, ...]:
    scores = screening.slices
    if scores is None:
        return ()
    sources = screening.image.provenance.slices
    recipe = screening.recipe
    labels = recipe.labels if scores.has_scores else ()
    records = []
    for position, index in enumerate(int(i) for i in scores.index):
        source = sources[index] if index < len(sources) else None
        records.append(
            SliceRecord(
                index=index,
                z_mm=number_or_none(slice_z_mm(screening.image, index), 3),
                sop_instance_uid=uid(source.sop_instance_uid) if source else None,
                instance_number=source.instance_number if source else None,
                logit=_by_name(labels, scores.logit[position]),
                probability=_by_name(labels, scores.probability[position]),
                lesion_probability=_by_name(recipe.lesions, scores.lesion[position]),
                weight=number(scores.weight[position], 6),
            )
        )
    return tuple(records)


def _lesions(screening: Screening) -> tuple[LesionRecord, ...]:
    return tuple(
        LesionRecord(
            kind=flag.kind,
            name=lesion_name(flag.kind),
            probability=number(flag.probability, 6),
            threshold=number(flag.threshold, 6),
            present=flag.present,
        )
        for flag in screening.lesions
    )


def _lesion_totals(screening: Screening) -> tuple[LesionTotalRecord, ...]:
    return tuple(
        LesionTotalRecord(
            kind=total.kind,
            name=lesion_name(total.kind),
            count=total.count,
            ml=number_or_none(total.ml, 1),
            percent_of_lungs=number_or_none(total.percent_of_lungs, 2),
        )
        for total in screening.lesion_totals
    )


def _lesion_instances(screening: Screening) -> tuple[LesionInstanceRecord, ...]:
    measured = isinstance(screening.image, CTVolume)
    return tuple(
        LesionInstanceRecord(
            kind=lesion.kind,
            score=number(lesion.score, 6),
            start=lesion.start,
            stop=lesion.stop,
            ml=number(lesion.volume_ml, 2) if measured else None,
        )
        for lesion in screening.lesion_instances
    )


def _involvement(screening: Screening) -> InvolvementRecord | None:
    found = screening.involvement
    if found is None:
        return None
    return InvolvementRecord(
        percent=number(found.percent, 2),
        lung_ml=number(found.lung_ml, 1),
        dense_ml=number(found.dense_ml, 1),
        method=found.method,
    )


def _explanation(screening: Screening) -> ExplanationRecord | None:
    shown = screening.explanation
    if shown is None:
        return None
    return ExplanationRecord(method=shown.method, label=shown.label, peak=number(shown.peak, 6))


def _provenance(provenance: Provenance) -> ProvenanceRecord:
    made = provenance.acquisition
    acquisition = {name: getattr(made, name) for name in AcquisitionRecord.model_fields}
    return ProvenanceRecord(
        reader=provenance.reader,
        reader_version=provenance.reader_version,
        digest=provenance.digest,
        study_uid=uid(provenance.study_uid),
        series_uid=uid(provenance.series_uid),
        frame_of_reference_uid=uid(provenance.frame_of_reference_uid),
        acquisition=AcquisitionRecord(**{k: cleaned(v) for k, v in acquisition.items()}),
        steps=tuple(text(step) for step in provenance.steps),
        choices=tuple(
            SeriesRecord(
                series_uid=uid(choice.series) or "",
                summary=text(choice.summary),
                num_images=choice.num_images,
                chosen=choice.chosen,
                reasons=tuple(text(reason) for reason in choice.reasons),
            )
            for choice in provenance.choices
        ),
        sources=tuple(
            SourceRecord(
                index=index,
                sop_instance_uid=uid(source.sop_instance_uid),
                frame=source.frame,
                instance_number=source.instance_number,
                sha256=source.sha256,
            )
            for index, source in enumerate(provenance.slices)
            if source is not None
        ),
    )


def _by_name(names: tuple[str, ...], values: Floats) -> dict[str, float]:
    return {name: number(v, 6) for name, v in zip(names, values, strict=True)}


CARD = FormatCard(title="JSON, for programs", write=write)
