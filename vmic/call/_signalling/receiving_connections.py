"""The connections that receive other participants, for servers that need one for each participant."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable

import aiohttp

from vmic._base import tasks
from vmic._base.backoff import Backoff
from vmic.call._signalling.base import SessionError, SessionListener
from vmic.call._signalling.peer_connection import Peer
from vmic.call._signalling.subscriptions import Subscriptions

_HEARS_AGAIN = 1.0

_log = logging.getLogger("vmic")

# Connects a peer to the participant with this id; what it began on the server is ended with the stack.
Connect = Callable[[str, Peer, contextlib.AsyncExitStack], Awaitable[None]]


class ReceivingConnections:
    """One connection for each participant that is heard; a lost connection is opened again."""

    def __init__(self, listener: SessionListener, wanted: Subscriptions, connect: Connect) -> None:
        self._listener = listener
        self._wanted = wanted
        self._connect = connect
        self._speakers: set[str] = set()
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def subscribe(self, wanted: Subscriptions) -> None:
        """Hear the wanted speakers, and no others."""
        self._wanted = wanted
        self._update()

    def set_speakers(self, speakers: Iterable[str]) -> None:
        """Set the ids of the participants that can be heard."""
        self._speakers = set(speakers)
        self._update()

    async def end(self) -> None:
        await tasks.end(self._tasks.values())

    def _update(self) -> None:
        heard = {identity for identity in self._speakers if self._wanted.include(identity)}
        for identity in self._tasks.keys() - heard:
            self._tasks.pop(identity).cancel()
        for identity in heard - self._tasks.keys():
            self._tasks[identity] = asyncio.create_task(self._hear(identity))

    async def _hear(self, identity: str) -> None:
        backoff = Backoff(_HEARS_AGAIN, _HEARS_AGAIN)
        while True:
            try:
                await self._hear_once(identity)
            except (SessionError, aiohttp.ClientError, asyncio.TimeoutError) as error:
                _log.warning("cannot receive the sound of participant %s: %s", identity, error)
            await asyncio.sleep(backoff.next())

    async def _hear_once(self, identity: str) -> None:
        """Hear a participant until the connection is lost."""
        gone = asyncio.Event()
        peer = Peer(lost=lambda _: gone.set(), heard=lambda track: self._listener.hear(identity, track))
        async with contextlib.AsyncExitStack() as ending:
            try:
                await self._connect(identity, peer, ending)
                await gone.wait()
            finally:
                await peer.close()
