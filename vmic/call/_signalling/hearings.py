"""The connections through which other participants are heard, where each has one of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection

import aiohttp

from vmic._base import tasks
from vmic._base.backoff import Backoff
from vmic.call._signalling.base import SessionError
from vmic.call._signalling.peer_connection import PeerError

_HEARS_AGAIN = 1.0

_log = logging.getLogger("vmic")


class Hearings:
    """One task for each participant that is heard."""

    def __init__(self, hear: Callable[[str], Awaitable[None]]) -> None:
        """Take the function that hears one participant until the connection is lost."""
        self._hear_once = hear
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def keep(self, wanted: Collection[str]) -> None:
        """Hear the participants with these ids, and no others."""
        for identity in self._tasks.keys() - wanted:
            self._tasks.pop(identity).cancel()
        for identity in wanted - self._tasks.keys():
            self._tasks[identity] = asyncio.create_task(self._hear(identity))

    async def end(self) -> None:
        """Hear no participant any more."""
        await tasks.end(self._tasks.values())

    async def _hear(self, identity: str) -> None:
        backoff = Backoff(_HEARS_AGAIN, _HEARS_AGAIN)
        while True:
            try:
                await self._hear_once(identity)
            except (SessionError, PeerError, aiohttp.ClientError, asyncio.TimeoutError) as error:
                _log.warning("cannot receive the sound of participant %s: %s", identity, error)
            await asyncio.sleep(backoff.next())
