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


class Described(FastAPI):
    """An app whose description has the one form of errors, and who may ask."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document; made once."""
        if self.openapi_schema is None:
            self.openapi_schema = _finished(
                get_openapi(
                    title=self.title,
                    version=self.version,
                    description=self.description,
                    routes=self.routes,
                )
            )
        return self.openapi_schema


def _finished(found: dict[str, Any]) -> dict[str, Any]:
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
    return found


def _finish(path: str, method: str, operation: dict[str, Any]) -> None:
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    said = {"description": "What is wrong, and what to do about it", "content": {PROBLEM: schema}}
    responses = operation["responses"]
    responses.pop("422", None)
    responses |= {"4XX": said, "5XX": said}
    signs_in = path.endswith("/session") and method == "post"
    is_open = signs_in or path.endswith(_OPEN)
    operation["security"] = [] if is_open else [{"key": []}, {"session": []}]
