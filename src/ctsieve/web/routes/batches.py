"""Pictures that came together."""

import csv
import io

from fastapi import APIRouter, Response
from pydantic import BaseModel

from ctsieve.types.results import NOTICE
from ctsieve.web.access import Serving, Viewer
from ctsieve.web.audit import Act, record
from ctsieve.web.blinding import withheld
from ctsieve.web.identity import Identity
from ctsieve.web.records import StudyShown, shown
from ctsieve.web.service import Service

router = APIRouter(prefix="/batches", tags=["batches"])

COLUMNS = ("id", "received", "status", "verdict", "probability", "threshold", "abstained", "reason")


class Batch(BaseModel):
    """The studies of a batch."""

    id: str
    studies: list[StudyShown]


@router.get("/{batch}.csv", response_class=Response)
def as_csv(batch: str, service: Serving, by: Viewer) -> Response:
    """A batch as a table for spreadsheets."""
    rows = [study.model_dump(mode="json") for study in _studies(batch, service, by)]
    _note("batch-taken", batch, service, by)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([*COLUMNS, "gate", "bundle", "notice"])
    for row in rows:
        gate = (row["gate"] or {}).get("verdict", "")
        bundle = row["bundle"] or {}
        named = f"{bundle.get('name', '')} {bundle.get('version', '')}".strip()
        writer.writerow([*(_safe(row[name]) for name in COLUMNS), gate, named, NOTICE])
    headers = {"Content-Disposition": f'attachment; filename="batch-{batch[:8]}.csv"'}
    return Response(text.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/{batch}")
def look(batch: str, service: Serving, by: Viewer) -> Batch:
    """A batch."""
    studies = _studies(batch, service, by)
    _note("batch-seen", batch, service, by)
    return Batch(id=batch, studies=studies)


def _studies(batch: str, service: Service, by: Identity) -> list[StudyShown]:
    rows = service.studies.batch(batch, by)
    hidden = withheld(service.database, by, [row.id for row in rows])
    return [shown(row, withheld=row.id in hidden) for row in rows]


def _note(action: str, batch: str, service: Service, by: Identity) -> None:
    act = Act(action=action, user=by.name, workspace_id=by.workspace_id, subject=batch)
    with service.database.writing() as session:
        record(service.database, session, act)


def _safe(value: object) -> object:
    """Spreadsheets run what begins with one of these signs."""
    text = str(value) if value is not None else ""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t")) else text
