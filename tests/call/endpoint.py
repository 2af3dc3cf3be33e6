"""A WHIP endpoint for tests, as RFC 9725 defines it, and the far end of its calls."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import programs
from aiohttp import web
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError, MediaStreamTrack
from audio_signals import Samples

from vmic.call._signalling.base import LocalParticipant
from vmic.call._signalling.subscriptions import Subscriptions

T = TypeVar("T")

RATE = 48000


def silent(token: str | None = None) -> LocalParticipant:
    """Return a participant without a name and a microphone."""
    return LocalParticipant(
        "", token, hears=Subscriptions(), sends=False, new_track=lambda _waits: AudioStreamTrack()
    )


@dataclass
class Request:
    """A request that the endpoint has received."""

    method: str
    path: str
    token: str | None
    offer: str


@dataclass
class EndpointCall:
    """A session, and the sound that its far end hears.

    Attributes:
        connection: The connection of the far end.
        sound: The sound that it has heard, in arrays of shape (n, 2).
    """

    connection: RTCPeerConnection
    sound: list[Samples] = field(default_factory=list)

    def heard(self) -> Samples:
        """Return the left channel of all that the far end has heard."""
        pieces = list(self.sound)
        return np.concatenate(pieces)[:, 0] if pieces else np.zeros(0, np.int16)


class Endpoint:
    """The server, on its own event loop and thread; a context manager.

    Attributes:
        operations: All requests, in order.
        calls: The sessions that have begun, by their paths.
        answers: The answers to the next POSTs, instead of the usual ones.
        servers: The Link headers of the answers to OPTIONS.
        late_servers: The Link headers of the answers to POST.
        asked: Set when a POST has been received.
    """

    def __init__(self, host: str = "127.0.0.1") -> None:
        self._host = host
        self.operations: list[Request] = []
        self.calls: dict[str, EndpointCall] = {}
        self.answers: deque[Callable[[], web.Response]] = deque()
        self.servers: list[str] = []
        self.late_servers: list[str] = []
        self.asked = threading.Event()
        self.port = 0
        self._numbers = itertools.count(1)
        self._listeners: list[asyncio.Task[None]] = []
        self._answering = asyncio.Lock()
        self._stalled = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="endpoint", daemon=True)

    @property
    def url(self) -> str:
        return f"http://{self._host}:{self.port}/whip"

    @property
    def last(self) -> EndpointCall:
        """Return the session that began last."""
        return list(self.calls.values())[-1]

    def __enter__(self) -> Endpoint:
        self._thread.start()
        self.run(self._begin())
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the endpoint's loop, and return the result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    @contextlib.contextmanager
    def silent(self) -> Iterator[None]:
        """Answer no POST until the context ends."""
        self.run(self._hold())
        try:
            yield
        finally:
            self._loop.call_soon_threadsafe(self._answering.release)

    @contextlib.contextmanager
    def stalling(self) -> Iterator[None]:
        """Answer no request at all until the context ends; the calls go on."""
        self._stalled = True
        try:
            yield
        finally:
            self._stalled = False

    def await_call(self, count: int = 1) -> EndpointCall:
        """Wait until `count` sessions have begun, and return the last one."""
        programs.await_that(lambda: len(self.calls) >= count, f"{count} calls have begun")
        return self.last

    def methods(self) -> list[str]:
        return [request.method for request in self.operations]

    async def _hold(self) -> None:
        await self._answering.acquire()

    async def _begin(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, 0)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def _end(self) -> None:
        for call in self.calls.values():
            await call.connection.close()
        for listener in self._listeners:
            listener.cancel()
        await asyncio.gather(*self._listeners, return_exceptions=True)
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        token = request.headers.get("Authorization")
        while self._stalled:
            await asyncio.sleep(0.05)
        offer = await request.text()
        self.operations.append(Request(request.method, request.path, token, offer))
        if request.method == "OPTIONS":
            response = web.Response(status=204)
            for server in self.servers:
                response.headers.add("Link", server)
            return response
        if request.method == "DELETE":
            call = self.calls.get(request.path)
            if call is None:
                return web.Response(status=404)
            await call.connection.close()
            return web.Response()
        self.asked.set()
        async with self._answering:
            return self.answers.popleft()() if self.answers else await self._accept(offer)

    async def _accept(self, offer: str) -> web.Response:
        call = EndpointCall(RTCPeerConnection())
        listeners = self._listeners
        call.connection.on("track", lambda track: listeners.append(asyncio.create_task(_listen(track, call))))
        await call.connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        await call.connection.setLocalDescription(await call.connection.createAnswer())
        path = f"/whip/{next(self._numbers)}"
        self.calls[path] = call
        headers = {"Location": path, "Content-Type": "application/sdp"}
        response = web.Response(status=201, text=call.connection.localDescription.sdp, headers=headers)
        for server in self.late_servers:
            response.headers.add("Link", server)
        return response


async def _listen(track: MediaStreamTrack, call: EndpointCall) -> None:
    try:
        while True:
            frame: Any = await track.recv()
            call.sound.append(frame.to_ndarray().reshape(-1, 2))
    except MediaStreamError:
        return
