"""Is this image fit to be judged, and if not, why not: findings with codes, never an exception.

The codes and rules stand in `ctsieve.ops.gate_rules` and docs/reference/gate.md.
"""

import numpy as np
import numpy.typing as npt

from ctsieve.ops.gate_header import header_findings
from ctsieve.ops.gate_picture import picture_findings, picture_measurements
from ctsieve.ops.gate_rules import in_order
from ctsieve.ops.gate_volume import (
    intensities,
    not_hounsfield,
    volume_findings,
    volume_measurements,
)
from ctsieve.ops.lungs import segment_lungs
from ctsieve.ops.picture_lungs import picture_lungs
from ctsieve.types.results import GateReport
from ctsieve.types.volume import CTPicture, CTVolume

BoolArray = npt.NDArray[np.bool_]


def gate(image: CTVolume | CTPicture) -> GateReport:
    """Whether `image` is fit to be judged, with every reason and what was measured."""
    report, _ = gate_and_lungs(image)
    return report


def gate_and_lungs(image: CTVolume | CTPicture) -> tuple[GateReport, BoolArray]:
    """The report, and the lungs (S, R, C) it was made from: empty where the image is rejected."""
    if isinstance(image, CTVolume):
        report, lungs = _gate_volume(image)
    else:
        report, lungs = _gate_picture(image)
    if report.verdict == "rejected":
        lungs = np.zeros_like(lungs)
    return report, lungs


def _gate_volume(volume: CTVolume) -> tuple[GateReport, BoolArray]:
    findings = list(header_findings(volume))
    seen = intensities(volume)
    measured = {
        "lowest_hu": seen.lowest,
        "body_share": seen.body_share,
        "tissue_share": seen.tissue_share,
    }
    wrong_numbers = list(not_hounsfield(seen))
    if wrong_numbers:
        lungs = np.zeros(volume.hu.shape, np.bool_)
        findings += wrong_numbers
    else:
        lungs = segment_lungs(volume)
        measured |= volume_measurements(volume, lungs)
        findings += volume_findings(volume, lungs, measured)
    return GateReport(findings=in_order(findings), measurements=measured), lungs


def _gate_picture(picture: CTPicture) -> tuple[GateReport, BoolArray]:
    lungs = picture_lungs(picture.values)
    measured = picture_measurements(picture, lungs)
    findings = [*header_findings(picture), *picture_findings(picture, lungs, measured)]
    return GateReport(findings=in_order(findings), measurements=measured), lungs
