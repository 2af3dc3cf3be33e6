"""The fixtures of the calls' tests."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest
from call.endpoint import Endpoint
from call.janus import Janus
from call.party import Party
from call.told import Told
from servers import SoundServer

import vmic
from vmic import _selection


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """A WHIP endpoint."""
    with Endpoint() as running:
        yield running


@pytest.fixture
def mic(server: SoundServer) -> Iterator[vmic.VirtualMicrophoneDevice]:
    with vmic.create_microphone_device("My Mic", 48000, 1, True) as device:
        yield device
        device.flush()


@pytest.fixture
def told() -> Told:
    """An event handler that keeps what it is told."""
    return Told()


@pytest.fixture
def new_client() -> Iterator[Callable[..., vmic.CallClient]]:
    """Makes clients; whatever happens, they do not outlive the test."""
    clients: list[vmic.CallClient] = []

    def make(handler: vmic.EventHandler | None = None) -> vmic.CallClient:
        clients.append(vmic.CallClient(handler))
        return clients[-1]

    yield make
    for client in clients:
        with contextlib.suppress(RuntimeError):  # released by the test
            client.release()


@pytest.fixture
def client(new_client: Callable[..., vmic.CallClient], told: Told) -> vmic.CallClient:
    """One client, which tells `told`."""
    return new_client(told)


@pytest.fixture
def janus(request: pytest.FixtureRequest) -> Iterator[Janus]:
    """A Janus; its parameter has settings."""
    with Janus(**getattr(request, "param", {})) as running:
        yield running


@pytest.fixture
def party(new_client: Callable[..., vmic.CallClient]) -> Callable[[], Party]:
    """Makes programs for a room."""

    def make() -> Party:
        told = Told()
        return Party(new_client(told), told)

    return make


@pytest.fixture(autouse=True)
def nothing_selected(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test selects is not the next one's."""
    monkeypatch.setattr(_selection, "_selected", None)
