"""The fixtures of the tests of calls."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest
from call.endpoint import Endpoint
from call.event_log import EventLog
from call.janus import Janus
from call.room_client import RoomClient
from servers import SoundServer

import vmic
from vmic import _selected_speaker


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """Yield a running WHIP endpoint."""
    with Endpoint() as running:
        yield running


@pytest.fixture
def mic(server: SoundServer) -> Iterator[vmic.VirtualMicrophoneDevice]:
    with vmic.create_microphone_device("My Mic", 48000, 1, True) as device:
        yield device
        device.flush()


@pytest.fixture
def event_log() -> EventLog:
    """Return an event handler that keeps all events."""
    return EventLog()


@pytest.fixture
def new_client() -> Iterator[Callable[..., vmic.CallClient]]:
    """Yield a function that creates clients; they are always released after the test."""
    clients: list[vmic.CallClient] = []

    def make(handler: vmic.EventHandler | None = None) -> vmic.CallClient:
        clients.append(vmic.CallClient(handler))
        return clients[-1]

    yield make
    for client in clients:
        with contextlib.suppress(RuntimeError):  # released by the test
            client.release()


@pytest.fixture
def client(new_client: Callable[..., vmic.CallClient], event_log: EventLog) -> vmic.CallClient:
    """Return a client whose event handler is `event_log`."""
    return new_client(event_log)


@pytest.fixture
def janus(request: pytest.FixtureRequest) -> Iterator[Janus]:
    """Yield a running Janus; the fixture's parameter holds its settings."""
    with Janus(**getattr(request, "param", {})) as running:
        yield running


@pytest.fixture
def new_room_client(new_client: Callable[..., vmic.CallClient]) -> Callable[[], RoomClient]:
    """Return a function that creates programs for a room."""

    def make() -> RoomClient:
        event_log = EventLog()
        return RoomClient(new_client(event_log), event_log)

    return make


@pytest.fixture(autouse=True)
def nothing_selected(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reset the selected speaker, so that no test affects the next one."""
    monkeypatch.setattr(_selected_speaker, "_selected", None)
