"""How large a request may be: counted as it comes, before anybody knows who sends it.

The framework reads the whole of a JSON body into memory before a route is asked who may.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ctsieve.web.problems import problem

MOST: Final = 32 << 20
"""Bytes of the largest request that the API takes: the announcement of very many files."""
MOST_OF_A_STRANGER: Final = 1 << 16
"""Of one that is for signing in, or that shows neither cookie nor key."""
_SENTENCE: Final = "the request is larger than any that is understood here"
_STREAMED: Final = re.compile(r"/api/v1/(uploads/[^/]+/files/\d+|candidates)/?")
"""Addresses that count what comes themselves, and keep none of it in memory."""
_CREDENTIALS: Final = frozenset({b"cookie", b"authorization"})


class BoundedBodies:
    """A layer in front of the app that refuses what is too large, with 413."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and count its bytes while they are read."""
        if scope["type"] != "http" or _STREAMED.fullmatch(scope["path"]):
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        left = _limit(scope["path"], headers)
        announced = headers.get(b"content-length", b"0")
        if not announced.isdigit() or int(announced) > left:
            await problem(413, _SENTENCE, code="too-large")(scope, receive, send)
            return

        async def counted() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise HTTPException(413, _SENTENCE)
            return message

        await self._app(scope, counted, send)


def _limit(path: str, headers: Mapping[bytes, Any]) -> int:
    is_known = bool(_CREDENTIALS & headers.keys()) and "/session" not in path
    return MOST if is_known else MOST_OF_A_STRANGER
