"""An audit as JSON, for programs and CI; docs/reference/audit.md describes it.

A change that takes a field away or changes its meaning raises the first number of
`SCHEMA_VERSION`, one that adds a field the second.  Bytes depend on the report alone.
"""

import json
from dataclasses import asdict
from pathlib import Path

from ctsieve.types.audit import GRAVITIES, AuditReport
from ctsieve.writers._atomic import write_whole

SCHEMA_VERSION = "1.0"
FILE_NAME = "audit.json"


def write_audit_json(report: AuditReport, folder: Path) -> list[Path]:
    """Write `audit.json` into `folder`."""
    return write_whole(folder, {FILE_NAME: f"{audit_to_json(report)}\n".encode()})


def audit_to_json(report: AuditReport) -> str:
    """The report as JSON text; no NaN, no infinity."""
    plain = asdict(report)
    sides = {
        side: {"cases": cases, "patients": patients}
        for side, (cases, patients) in report.sides.items()
    }
    totals = {gravity: len(report.of(gravity)) for gravity in GRAVITIES}
    document = {"schema_version": SCHEMA_VERSION, "totals": totals, **plain, "sides": sides}
    return json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1)
