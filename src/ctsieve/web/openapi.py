"""The description of the API: what FastAPI makes of it, with the one form that errors have."""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

PROBLEM: Final = "application/problem+json"
_METHODS: Final = ("get", "post", "put", "patch", "delete")
_OPEN: Final = ("/health", "/metrics", "/session/ways", "/session/oidc", "/session/oidc/callback")
"""Ends of addresses that anybody may ask; and who signs in is not signed in."""


class Problem(BaseModel):
    """What every error says (RFC 9457)."""

    title: str
    status: int
    detail: str
    """What is wrong, in a sentence."""
    hint: str
    """What to do about it; may be empty."""
    code: str
    """The kind of error, for programs."""


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of an app; made once."""
    if app.openapi_schema is None:
        found = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        parts = found.setdefault("components", {})
        parts.setdefault("schemas", {})["Problem"] = Problem.model_json_schema()
        for unused in ("HTTPValidationError", "ValidationError"):
            parts["schemas"].pop(unused, None)
        parts["securitySchemes"] = {
            "key": {"type": "http", "scheme": "bearer"},
            "session": {"type": "apiKey", "in": "cookie", "name": "ctsieve_session"},
        }
        for path, operations in found["paths"].items():
            for method in _METHODS:
                if method in operations:
                    _finish(path, method, operations[method])
        app.openapi_schema = found
    return app.openapi_schema


def _finish(path: str, method: str, operation: dict[str, Any]) -> None:
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    said = {"description": "What is wrong, and what to do about it", "content": {PROBLEM: schema}}
    responses = operation["responses"]
    responses.pop("422", None)
    responses |= {"4XX": said, "5XX": said}
    signs_in = path.endswith("/session") and method == "post"
    is_open = signs_in or path.endswith(_OPEN)
    operation["security"] = [] if is_open else [{"key": []}, {"session": []}]
