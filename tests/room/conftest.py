"""A room in the test's own event loop, and peers on loopback, so that no network is needed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import aioice.ice
import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from vmic.room import peer_connections
from vmic.room.connections import RoomConnections
from vmic.room.server import application

Scenario = Callable[[ClientSession], Coroutine[Any, Any, None]]


@pytest.fixture(autouse=True)
def loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    # `stay_on_loopback` sets it for the whole process, and monkeypatch restores it.
    monkeypatch.setattr(aioice.ice, "get_host_addresses", aioice.ice.get_host_addresses)
    peer_connections.stay_on_loopback()


@contextlib.asynccontextmanager
async def opened(token: str | None, limit: int | None) -> AsyncIterator[ClientSession]:
    async with (
        TestServer(application(RoomConnections(limit), token), host="127.0.0.1") as server,
        ClientSession(server.make_url("/")) as session,
    ):
        yield session


@pytest.fixture
def in_room() -> Callable[..., None]:
    """Return a function that runs a scenario in a new room; paths are relative to the session's base URL."""

    def run(scenario: Scenario, *, token: str | None = None, limit: int | None = None) -> None:
        async def main() -> None:
            async with opened(token, limit) as session:
                await scenario(session)

        asyncio.run(main())

    return run
