"""An audit by name: walk, audit, draw the pairs, write the page and the JSON, judge for CI."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ctsieve.learning.views import Bytes, case_images
from ctsieve.ops.prepare import slice_values
from ctsieve.ops.resample import resample
from ctsieve.ops.window import LUNG
from ctsieve.pipeline.audit import AuditPlan, audit
from ctsieve.pipeline.data import copy_findings, open_data, sides_of, tables_of
from ctsieve.pipeline.looks import Progress, middle_of
from ctsieve.types.audit import GRAVITIES, AuditReport, Twins
from ctsieve.types.cases import Case
from ctsieve.types.errors import InputRejected, UsageError
from ctsieve.types.geometry import Geometry
from ctsieve.writers._audit_html import write_audit_html
from ctsieve.writers._audit_json import audit_to_json, write_audit_json

NEVER = "never"
DRAWN_PAIRS = 24
"""Pairs of copies whose pictures the page shows."""
DRAWN_SIZE = 160
"""Pixels of the longer side of such a picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRequest:
    """What to audit, and when it counts as failed."""

    names: tuple[str, ...]
    root: Path
    split: Path | None = None
    published: str = ""
    lesions: tuple[str, ...] = ()
    """Names a model expects; none: those of the data sets' cards."""
    fail_on: str = "leak"
    workers: int | None = None

    def __post_init__(self) -> None:
        if self.fail_on not in (*GRAVITIES, NEVER):
            raise UsageError(
                f"{self.fail_on!r} is no gravity", hint=f"{', '.join(GRAVITIES)} or {NEVER}"
            )


class AuditFailed(InputRejected):
    """An audit found what it was asked to fail on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditDone:
    """A finished audit with its files."""

    report: AuditReport
    files: tuple[Path, ...]
    fail_on: str

    @property
    def as_json(self) -> str:
        """The report as JSON text."""
        return audit_to_json(self.report)

    def check(self) -> None:
        """Judge.

        Raises:
            AuditFailed: there is a finding as grave as `fail_on`, or graver.
        """
        if self.fail_on == NEVER:
            return
        limit = [str(gravity) for gravity in GRAVITIES].index(self.fail_on)
        grave = [f for f in self.report.findings if GRAVITIES.index(f.gravity) <= limit]
        if grave:
            codes = ", ".join(dict.fromkeys(finding.code for finding in grave))
            number = "a reason" if len(grave) == 1 else f"{len(grave)} reasons"
            raise AuditFailed(
                f"the audit found {number} not to train on this: {codes}",
                hint=f"read {self.files[0]}; --fail-on says what counts",
            )


def run_audit(
    request: AuditRequest, out: Path, *, progress: Progress = lambda _done, _total: None
) -> AuditDone:
    """Audit data sets by name and write audit.html and audit.json into `out`.

    Raises:
        UnknownName: no such data set, variant or published split.
        UsageError: nothing is named, or `out` cannot be written.
        InputRejected: a copy is incomplete, or a case of the split is not in it.
        OutOfResources: the disk is full.
    """
    data = open_data(request.names, request.root)
    divided = sides_of(data, published=request.published, split=request.split)
    cards = data.cards.values()
    plan = AuditPlan(
        data=data.names,
        split=divided.words,
        others=divided.others,
        labels=tuple(dict.fromkeys(label for card in cards for label in card.labels)),
        lesions=request.lesions
        or tuple(dict.fromkeys(lesion for card in cards for lesion in card.lesions)),
        tables=tables_of(data),
        known_traps=tuple(dict.fromkeys(trap for card in cards for trap in card.traps)),
        findings=copy_findings(data),
        workers=request.workers,
    )
    report = audit(divided.sides, plan, progress=progress)
    pictures = drawn(report.twins[:DRAWN_PAIRS], data.all_cases)
    files = (
        *write_audit_html(report, out, pictures=pictures),
        *write_audit_json(report, out),
    )
    return AuditDone(report=report, files=files, fail_on=request.fail_on)


def drawn(twins: Sequence[Twins], cases: Sequence[Case]) -> dict[str, Bytes]:
    """Small pictures of the cases of some pairs, by id."""
    wanted = {name for pair in twins for name in (pair.one, pair.other)}
    return {case.id: _small(case) for case in cases if case.id in wanted}


def _small(case: Case) -> Bytes:
    image = next(case_images(middle_of(case)))
    values = slice_values(image, image.geometry.shape[0] // 2, LUNG)
    step = max(values.shape) / DRAWN_SIZE
    rows, columns = (max(1, round(n / step)) for n in values.shape)
    flat = Geometry.of_picture((1, *values.shape), "drawn")
    target = flat.window_of((0, 0, 0), (1, *values.shape), (1, rows, columns))
    small = resample(values[None], source=flat, target=target)[0]
    drawn_bytes: Bytes = np.rint(np.clip(small, 0.0, 1.0) * 255.0).astype(np.uint8)
    return drawn_bytes
