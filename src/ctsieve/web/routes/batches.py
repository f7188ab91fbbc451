"""Pictures that came together."""

import csv
import io

from fastapi import APIRouter, Response
from pydantic import BaseModel

from ctsieve.types.results import NOTICE
from ctsieve.web.access import Serving, Viewer
from ctsieve.web.records import StudyShown, shown

router = APIRouter(prefix="/batches", tags=["batches"])

COLUMNS = ("id", "received", "status", "verdict", "probability", "threshold", "abstained", "reason")


class Batch(BaseModel):
    """The studies of a batch."""

    id: str
    studies: list[StudyShown]


@router.get("/{batch}.csv", response_class=Response)
def as_csv(batch: str, service: Serving, by: Viewer) -> Response:
    """A batch as a table for spreadsheets."""
    rows = [shown(row).model_dump(mode="json") for row in service.studies.batch(batch, by)]
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
    return Batch(id=batch, studies=[shown(row) for row in service.studies.batch(batch, by)])


def _safe(value: object) -> object:
    """Spreadsheets run what begins with one of these signs."""
    text = str(value) if value is not None else ""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t")) else text
