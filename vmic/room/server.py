"""The server of a room, which runs until a signal ends it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

from aiohttp import web

import vmic
from vmic.room import listener_routes, whip_routes
from vmic.room.auth import admitting
from vmic.room.connections import RoomConnections
from vmic.room.peer_connections import HOST, stay_on_loopback
from vmic.room.sdp_http import CONNECTIONS, address_of

_MAX_OFFER = 1 << 16  # bytes
_CLOSING = 2.0  # seconds
_PAGE = Path(__file__).with_name("page")
_HEADERS = {"Cache-Control": "no-cache", "Content-Security-Policy": "default-src 'self'"}


async def serve(port: int, token: str | None, limit: int | None, tell: Callable[[str], None]) -> int:
    """Serve a room on this machine's loopback until a signal ends it, and return the signal's number.

    Call `tell` with the room's address. Raise VmicError if the port cannot be opened. At the end, close the
    connections within some seconds.
    """
    stay_on_loopback()
    ended = _signalled()
    app = application(RoomConnections(limit), token)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_CLOSING)
    await runner.setup()
    try:
        await _listen(runner, port)
        tell(f"http://{HOST}:{runner.addresses[0][1]}")
        return await ended
    finally:
        await runner.cleanup()


def application(connections: RoomConnections, token: str | None) -> web.Application:
    """Return the application that serves the page and the room."""

    async def show_page(_request: web.Request) -> web.FileResponse:
        return web.FileResponse(_PAGE / "index.html")

    async def refuse_post(request: web.Request) -> web.Response:
        raise web.HTTPMethodNotAllowed(
            "POST", ["GET"], text=f"this is the page of the room; programs join at {address_of(request)}/whip"
        )

    app = web.Application(client_max_size=_MAX_OFFER, middlewares=[admitting(token)])
    app.router.add_get("/", show_page)
    app.router.add_post("/", refuse_post)
    app.router.add_static("/page", _PAGE)
    app.add_routes([*whip_routes.routes, *listener_routes.routes])
    app[CONNECTIONS] = connections
    app.on_response_prepare.extend((whip_routes.let_any_page_read, _keep_the_page_to_itself))
    app.on_shutdown.append(lambda _app: connections.end())
    return app


async def _keep_the_page_to_itself(request: web.Request, response: web.StreamResponse) -> None:
    # The page uses no files of another version, and none of another site.
    if request.path == "/" or request.path.startswith("/page/"):
        response.headers.update(_HEADERS)


async def _listen(runner: web.AppRunner, port: int) -> None:
    try:
        await web.TCPSite(runner, HOST, port).start()
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise vmic.VmicError(
            f"cannot open a room at {HOST}:{port} ({why}): choose another --port, or 0 for any free port"
        ) from error


def _signalled() -> asyncio.Future[int]:
    """Return a future for the number of the signal that ends this process."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[int] = loop.create_future()

    def end(number: int) -> None:
        if not ended.done():
            ended.set_result(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # set by nohup
            loop.add_signal_handler(number, end, number)
    return ended
