"""JSON: the whole answer but the arrays, for programs; docs/reference/json.md explains it.

Bytes depend on the screening alone: no clock, no host, fields in a fixed order, labels in the
bundle's order.  UIDs appear because they are what links a result to its images; file names, folder
names and header texts that could name a person do not.
"""

import json
import math
import re
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ctsieve.types.cards import FormatCard
from ctsieve.types.promise import promise
from ctsieve.types.provenance import Provenance, hashed
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
    LesionRecord,
    PredictionRecord,
    ProvenanceRecord,
    ScreeningRecord,
    SeriesRecord,
    SliceRecord,
    SourceRecord,
    WindowRecord,
)
from ctsieve.writers._places import slice_z_mm
from ctsieve.writers._words import call_of, lesion_name

FILE_NAME = "screening.json"

UID = re.compile(r"[0-9.]{1,64}")
"""What a UID is made of (PS3.5 section 9); anything else in its place may be a person's name."""

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
        s, r, c = (_number(v, 6) for v in image.geometry.spacing)
        a, b, d, e = ((_number(w, 6), _number(x, 6), _number(y, 6), _number(z, 6))
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
        FindingRecord(code=f.code, severity=f.severity, sentence=_text(f.sentence))
        for f in gate.findings
    ]
    return GateRecord(
        verdict=gate.verdict,
        reasons=gate.reasons,
        findings=tuple(findings),
        measurements={k: _significant(v) for k, v in gate.measurements.items()},
    )


def _prediction(screening: Screening) -> PredictionRecord:
    prediction = screening.prediction
    return PredictionRecord(
        level=prediction.level,
        call=call_of(prediction),
        positive=prediction.positive,
        abstained=None if prediction.abstained is None else _text(prediction.abstained),
        probability={k: _number(p, 6) for k, p in prediction.probability.items()},
        threshold={k: _number(t, 6) for k, t in prediction.threshold.items()},
        logit={k: _number(v, 6) for k, v in prediction.logit.items()},
        multi_label=prediction.multi_label,
        calibrated=prediction.calibrated,
    )


def _slices(screening: Screening) -> tuple[SliceRecord, ...]:
    scores = screening.slices
    if scores is None:
        return ()
    sources = screening.image.provenance.slices
    recipe = screening.recipe
    records = []
    for position, index in enumerate(int(i) for i in scores.index):
        source = sources[index] if index < len(sources) else None
        records.append(
            SliceRecord(
                index=index,
                z_mm=_number_or_none(slice_z_mm(screening.image, index), 3),
                sop_instance_uid=_uid(source.sop_instance_uid) if source else None,
                instance_number=source.instance_number if source else None,
                logit=_by_name(recipe.labels, scores.logit[position]),
                probability=_by_name(recipe.labels, scores.probability[position]),
                lesion_probability=_by_name(recipe.lesions, scores.lesion[position]),
                weight=_number(scores.weight[position], 6),
            )
        )
    return tuple(records)


def _lesions(screening: Screening) -> tuple[LesionRecord, ...]:
    return tuple(
        LesionRecord(
            kind=flag.kind,
            name=lesion_name(flag.kind),
            probability=_number(flag.probability, 6),
            threshold=_number(flag.threshold, 6),
            present=flag.present,
        )
        for flag in screening.lesions
    )


def _involvement(screening: Screening) -> InvolvementRecord | None:
    found = screening.involvement
    if found is None:
        return None
    return InvolvementRecord(
        percent=_number(found.percent, 2),
        lung_ml=_number(found.lung_ml, 1),
        dense_ml=_number(found.dense_ml, 1),
        method=found.method,
    )


def _explanation(screening: Screening) -> ExplanationRecord | None:
    shown = screening.explanation
    if shown is None:
        return None
    return ExplanationRecord(method=shown.method, label=shown.label, peak=_number(shown.peak, 6))


def _provenance(provenance: Provenance) -> ProvenanceRecord:
    made = provenance.acquisition
    acquisition = {name: getattr(made, name) for name in AcquisitionRecord.model_fields}
    return ProvenanceRecord(
        reader=provenance.reader,
        reader_version=provenance.reader_version,
        digest=provenance.digest,
        study_uid=_uid(provenance.study_uid),
        series_uid=_uid(provenance.series_uid),
        frame_of_reference_uid=_uid(provenance.frame_of_reference_uid),
        acquisition=AcquisitionRecord(**{k: _cleaned(v) for k, v in acquisition.items()}),
        steps=tuple(_text(step) for step in provenance.steps),
        choices=tuple(
            SeriesRecord(
                series_uid=_uid(choice.series) or "",
                summary=_text(choice.summary),
                num_images=choice.num_images,
                chosen=choice.chosen,
                reasons=tuple(_text(reason) for reason in choice.reasons),
            )
            for choice in provenance.choices
        ),
        sources=tuple(
            SourceRecord(
                index=index,
                sop_instance_uid=_uid(source.sop_instance_uid),
                frame=source.frame,
                instance_number=source.instance_number,
                sha256=source.sha256,
            )
            for index, source in enumerate(provenance.slices)
            if source is not None
        ),
    )


def _uid(value: str) -> str | None:
    """A UID as it stands, a one-way name for what is none, None for nothing."""
    if not value:
        return None
    return value if UID.fullmatch(value) else f"hashed:{hashed(value)}"


def _text(value: str) -> str:
    """Text that UTF-8 can hold: a header in a wrong character set may carry lone surrogates."""
    return value.encode("utf-8", "replace").decode()


def _cleaned(value: object) -> object:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, tuple):
        return tuple(_cleaned(v) for v in value)
    if isinstance(value, float):
        return _significant(value)
    return value


def _by_name(names: tuple[str, ...], values: Floats) -> dict[str, float]:
    return {name: _number(v, 6) for name, v in zip(names, values, strict=True)}


def _number(value: float | np.floating, digits: int) -> float:
    promise(math.isfinite(value), f"a result is a finite number, got {value}")
    return round(float(value), digits) + 0.0  # adding zero turns -0.0 into 0.0


def _number_or_none(value: float | None, digits: int) -> float | None:
    return None if value is None else _number(value, digits)


def _significant(value: float) -> float | None:
    """Six significant digits; None for what is not finite."""
    return float(f"{value:.6g}") + 0.0 if math.isfinite(value) else None


CARD = FormatCard(title="JSON, for programs", write=write)
