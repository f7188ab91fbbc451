"""Whether it runs, and how it does: for probes and Prometheus."""

import shutil
from typing import Literal

import sqlalchemy as sa
from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from pydantic import BaseModel

from ctsieve.types.results import NOTICE
from ctsieve.version import __version__
from ctsieve.web.access import Serving
from ctsieve.web.tables import Study, Upload

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """That the service answers and its database does."""

    status: Literal["ok"]
    version: str
    notice: str


@router.get("/health")
def health(service: Serving) -> Health:
    """Whether the service and its database answer."""
    with service.database.reading() as session:
        session.execute(sa.select(1))
    return Health(status="ok", version=__version__, notice=NOTICE)


@router.get("/metrics", response_class=Response)
def metrics(service: Serving) -> Response:
    """Numbers for Prometheus: of studies by status, uploads under way, the disk; of nobody."""
    registry = CollectorRegistry()
    studies = Gauge("ctsieve_studies", "Studies by status", ["status"], registry=registry)
    uploads = Gauge("ctsieve_uploads", "Uploads under way", registry=registry)
    free = Gauge("ctsieve_disk_free_bytes", "Free bytes of the disk", registry=registry)
    counted = sa.select(Study.status, sa.func.count()).group_by(Study.status)
    with service.database.reading() as session:
        for status, number in session.execute(counted):
            studies.labels(status).set(number)
        open_ones = sa.select(sa.func.count()).where(Upload.answer.is_(None))
        uploads.set(session.scalar(open_ones) or 0)
    free.set(shutil.disk_usage(service.settings.home).free)
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
