"""Who may come in: with a token, nobody gets beyond the page without it."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Middleware

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def admitting(token: str | None) -> Middleware:
    """What refuses who has not the token; nobody, where it is None."""

    @web.middleware
    async def admit(request: web.Request, handler: Handler) -> web.StreamResponse:
        if token is not None and not _is_open(request) and not _has(request, token):
            raise web.HTTPUnauthorized(
                text="this room wants its token: Authorization: Bearer TOKEN, or ?token=TOKEN",
                headers={"WWW-Authenticate": "Bearer"},
            )
        return await handler(request)

    return admit


def _is_open(request: web.Request) -> bool:
    # The page asks for the token, and a browser sends none with a preflight.
    return request.path == "/" or request.path.startswith("/page/") or request.method == "OPTIONS"


def _has(request: web.Request, token: str) -> bool:
    """Whether it has the token: in the header, or in the query for a browser's WebSocket has no headers."""
    header, query = request.headers.get("Authorization", ""), request.query.get("token", "")
    # A header may be of any bytes.
    has_header = hmac.compare_digest(header.encode(errors="surrogateescape"), f"Bearer {token}".encode())
    return has_header or hmac.compare_digest(query.encode(errors="surrogateescape"), token.encode())
