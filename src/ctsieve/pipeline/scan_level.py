"""Whole scans of the tune side: their slices scored, their calibration and cut.

There are very few of them, so only the intercept is fitted and, below `ENOUGH_SCANS`, the cut is
not chosen at all: it stays at one half.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ctsieve.datasets import coronacases, covid_ct_md
from ctsieve.learning.calibrate import (
    OperatingPoint,
    Platt,
    balanced_weights,
    fit_intercept,
    operating_point,
    youden_point,
)
from ctsieve.learning.feed import covid_target
from ctsieve.learning.split import TUNE
from ctsieve.ops.gate import gate_and_lungs
from ctsieve.ops.judge import prepare_judged
from ctsieve.ops.slices import scan_logit
from ctsieve.ops.upright import upright
from ctsieve.pipeline.fit_config import FitConfig
from ctsieve.readers import read_study
from ctsieve.runtime import Runtime
from ctsieve.types.cases import Case, Split
from ctsieve.types.promise import promise
from ctsieve.types.recipe import InputSpec
from ctsieve.types.volume import CTPicture, CTVolume

SCANS = {"coronacases": coronacases.scans, "covid-ct-md": covid_ct_md.scans}
"""Data sets that know which slices make up a scan."""
ENOUGH_SCANS = 40
CRITERION = (
    "slope of single pictures; 0.5 midway between the labels' mean scan logits, "
    "every site counting alike within a label"
)
FIXED_CUT = "not chosen, for lack of scans: one half"
CHOSEN_CUT = "largest sensitivity + specificity"
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScanRow:
    """One tune scan."""

    case: Case
    logits: npt.NDArray[np.float32]
    """(S, L) of the slices that production would judge."""
    logit: float
    """Of the scan, by the slice rule."""

    @property
    def num_slices(self) -> int:
        """How many slices were judged."""
        return len(self.logits)

    @property
    def slice_percentiles(self) -> tuple[float, ...]:
        """10th, 50th, 90th of its slice logits."""
        return tuple(float(v) for v in np.percentile(self.logits[:, 0], (10, 50, 90)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanLevel:
    """What the scan level of a recipe needs, and the scans it came from."""

    platt: Platt
    point: OperatingPoint
    criterion: str
    cut_criterion: str
    rows: tuple[ScanRow, ...]

    @property
    def cases(self) -> tuple[Case, ...]:
        """The scans."""
        return tuple(row.case for row in self.rows)

    def probability(self, row: ScanRow) -> float:
        """The calibrated probability of one of the scans."""
        return float(self.platt(np.array([row.logit]))[0])


def scored_scans(engine: Runtime, config: FitConfig, split: Split, data: Path) -> Iterator[ScanRow]:
    """The scans of a tune side, each with its logits by a network that never saw it."""
    for case in tune_scans(config, split, data):
        logits = slice_logits(engine, case, config.input)
        values, _ = scan_logit(logits, config.bundle.slice_rule)
        yield ScanRow(case=case, logits=logits, logit=float(values[0]))


def scan_level(rows: Sequence[ScanRow], slope: float) -> ScanLevel | None:
    """Fit the scan level to scored scans; None unless both labels are there."""
    cases = [row.case for row in rows]
    positive = np.array([covid_target(case) > 0.5 for case in cases], dtype=np.bool_)
    if not positive.any() or positive.all():
        return None
    logit = np.array([row.logit for row in rows])
    alike = balanced_weights(positive, [case.site for case in cases])
    platt = fit_intercept(logit, positive, alike, slope)
    if len(cases) >= ENOUGH_SCANS:
        point, cut = youden_point(platt(logit), positive, alike), CHOSEN_CUT
    else:
        point, cut = operating_point(platt(logit), positive, alike, 0.5), FIXED_CUT
    return ScanLevel(
        platt=platt, point=point, criterion=CRITERION, cut_criterion=cut, rows=tuple(rows)
    )


def tune_scans(config: FitConfig, split: Split, data: Path) -> Iterator[Case]:
    """Scans of the configured sets whose patients are on the tune side."""
    patients = {case.patient for case in split.sides[TUNE]}
    for name in config.data.sets:
        if name in SCANS:
            yield from (case for case in SCANS[name](data) if case.patient in patients)


def slice_logits(engine: Runtime, case: Case, spec: InputSpec) -> npt.NDArray[np.float32]:
    """Logits (S, L) of the slices of a scan that production would judge."""
    inputs = []
    for image in _images(case):
        report, lungs = gate_and_lungs(image)
        if report.verdict != "rejected":
            inputs.append(prepare_judged(image, lungs, spec).x)
    promise(bool(inputs), f"the gate lets some of scan {case.id} pass")
    return engine.run(np.concatenate(inputs))["logits"]


def _images(case: Case) -> Iterator[CTVolume | CTPicture]:
    """A scan as one volume, or picture by picture: their sizes may differ from slice to slice."""
    if case.files[0].suffix == ".dcm":
        yield read_study(case.files[0].parent)
        return
    for path in case.files:
        yield upright(read_study(path), case.quarter_turns)
