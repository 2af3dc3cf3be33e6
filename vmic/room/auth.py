"""Access to the room: if it has a token, clients without the token can only open the page."""

from __future__ import annotations

import hmac

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware


def admitting(token: str | None) -> Middleware:
    """Return middleware that refuses requests without the token; if it is None, none is refused."""

    @web.middleware
    async def admit(request: web.Request, handler: Handler) -> web.StreamResponse:
        if token is not None and not _is_open(request) and not _has(request, token):
            raise web.HTTPUnauthorized(
                text="this room requires a token: send Authorization: Bearer TOKEN, or ?token=TOKEN",
                headers={"WWW-Authenticate": "Bearer"},
            )
        return await handler(request)

    return admit


def _is_open(request: web.Request) -> bool:
    # The page asks for the token, and a browser sends no token with a preflight request.
    return request.path == "/" or request.path.startswith("/page/") or request.method == "OPTIONS"


def _has(request: web.Request, token: str) -> bool:
    """Return whether a request has the token, in the header or (a browser's WebSocket has none) the query."""
    header, query = request.headers.get("Authorization", ""), request.query.get("token", "")
    # A header may contain any bytes.
    has_header = hmac.compare_digest(header.encode(errors="surrogateescape"), f"Bearer {token}".encode())
    return has_header or hmac.compare_digest(query.encode(errors="surrogateescape"), token.encode())
