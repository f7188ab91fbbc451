"""The one place that turns errors into answers: RFC 9457, with a hint and a code of ours."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DataError, DBAPIError
from starlette.exceptions import HTTPException

from ctsieve.jobs.durable import FULL
from ctsieve.types.errors import CtsieveError
from ctsieve.web.openapi import PROBLEM, Problem

logger = logging.getLogger(__name__)

Handler = Callable[[Request, Exception], Awaitable[JSONResponse]]


def problem(status: int, detail: str, *, hint: str = "", code: str) -> JSONResponse:
    """An error as RFC 9457 says, with our `hint` and `code`."""
    title = code.replace("-", " ").capitalize()
    content = Problem(title=title, status=status, detail=detail, hint=hint, code=code)
    return JSONResponse(content.model_dump(), status, media_type=PROBLEM)


async def _refused(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, CtsieveError):
        raise error
    name = type(error).__name__
    code = "".join(f"-{c.lower()}" if c.isupper() else c for c in name).strip("-")
    return problem(error.http_status, str(error), hint=error.hint, code=code)


async def _not_understood(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return problem(422, f"{where}: {first['msg']}", code="not-understood")


async def _not_found(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    answer = problem(error.status_code, str(error.detail), code=f"http-{error.status_code}")
    answer.headers.update(error.headers or {})
    return answer


async def _unexpected(_request: Request, error: Exception) -> JSONResponse:
    # Its text may quote what somebody sent: only its kind is told.
    logger.error("unexpected %s", type(error).__name__)
    return problem(500, "this is a defect of the program", hint="tell an admin", code="defect")


async def _disk(request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, OSError) and error.errno in FULL:
        return problem(
            507, "the disk of the service is full", hint="ask an admin to make room", code="no-room"
        )
    return await _unexpected(request, error)


async def _database(request: Request, error: Exception) -> JSONResponse:
    """The database restarts, is full, or cannot keep what was sent."""
    if isinstance(error, DataError):
        return problem(422, "a text holds a sign that cannot be kept", code="not-understood")
    if isinstance(error, DBAPIError) and "full" in str(error.orig):
        return problem(
            507,
            "the disk of the database is full",
            hint="ask an admin to make room",
            code="no-room",
        )
    if isinstance(error, DBAPIError) and (error.connection_invalidated or _is_away(error)):
        logger.warning("the database does not answer")
        return problem(
            503, "the database does not answer", hint="try again soon", code="database-away"
        )
    return await _unexpected(request, error)


def _is_away(error: DBAPIError) -> bool:
    return type(error).__name__ in ("OperationalError", "InterfaceError")


HANDLERS: Final[Mapping[type[Exception], Handler]] = {
    CtsieveError: _refused,
    RequestValidationError: _not_understood,
    HTTPException: _not_found,
    OSError: _disk,
    DBAPIError: _database,
    Exception: _unexpected,
}
