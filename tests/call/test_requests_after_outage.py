"""Requests that could not reach a server while the network was down are sent afterwards."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from call.endpoint import silent
from call.janus import Janus

from vmic.call._signalling import janus_http, meeting_url
from vmic.call._signalling.base import LocalParticipant, Session, SessionError, SessionListener
from vmic.call._worker import call as _call
from vmic.call._worker.call import Call


class Flaky(Session):
    """A session whose first attempts to leave the server fail.

    Attributes:
        refuses: The number of attempts that fail.
        did: The requests to all sessions, in order.
        left: Set when an attempt to leave succeeds.
        listener: The `SessionListener` of the last session.
    """

    refuses: int
    did: list[str]
    left: asyncio.Event
    listener: SessionListener

    def __init__(self, _address: object, listener: SessionListener, _local: LocalParticipant) -> None:
        type(self).listener = listener

    async def join(self) -> str:
        self.did.append("join")
        self.meeting = "meeting"
        return f"id {self.did.count('join')}"

    async def hang_up(self) -> None:
        self.did.append("hang up")

    async def leave(self) -> None:
        self.did.append("leave")
        if self.did.count("leave") <= self.refuses:
            raise SessionError("the network is down")
        self.left.set()

    async def rename(self, name: str) -> None:
        raise AssertionError(name)

    async def mute(self, *, sends: bool) -> None:
        raise AssertionError(sends)

    async def send(self, message: Any, recipient: str | None) -> None:
        raise AssertionError(message, recipient)

    async def subscribe(self, wanted: object) -> None:
        raise AssertionError(wanted)


@pytest.mark.parametrize(
    ("refuses", "then"), [(0, ["join"]), (1, ["leave", "join"]), (2, ["leave", "join", "leave"])]
)
def test_the_server_is_told_of_the_end_when_it_is_joined_again(
    monkeypatch: pytest.MonkeyPatch, refuses: int, then: list[str]
) -> None:
    monkeypatch.setattr(_call, "VideoRoomSession", Flaky)
    monkeypatch.setattr(_call, "_FIRST_PAUSE", 0.01)
    Flaky.refuses, Flaky.did = refuses, []

    async def be_cut_off() -> list[str]:
        Flaky.left, back = asyncio.Event(), asyncio.Event()

        def tell(message: dict[str, Any]) -> None:
            if message["event"] == "back":
                back.set()

        address = meeting_url.parse("janus+http://host/janus?room=1")
        call = Call(address, silent(), tell, None)  # type: ignore[arg-type]
        await call.joined
        Flaky.listener.lose("the cable is out")
        await back.wait()
        await asyncio.wait_for(Flaky.left.wait(), 10)
        did = list(Flaky.did)
        assert await call.end() is None
        return did

    assert asyncio.run(be_cut_off()) == ["join", "hang up", "leave", *then]


def test_a_session_of_janus_may_be_ended_again(janus: Janus) -> None:
    async def end_twice() -> None:
        session = janus_http.JanusClient(janus.url, None, print)
        await session.begin()
        with janus.frozen(), pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(session.end(), 0.5)
        await session.end()

    asyncio.run(end_twice())


def test_a_session_that_janus_has_ended_is_ended(janus: Janus) -> None:
    async def end_late() -> None:
        session = janus_http.JanusClient(janus.url, None, print)
        await session.begin()
        await session.post({"janus": "destroy"})
        await session.end()

    asyncio.run(end_late())


def test_a_handle_is_let_go_of_when_janus_can_be_reached_again(janus: Janus) -> None:
    async def detach_late() -> int | None:
        session = janus_http.JanusClient(janus.url, None, print)
        await session.begin()
        handle = await session.attach("janus.plugin.videoroom", print)
        session._url = "http://127.0.0.1:1/janus"
        await handle.detach()
        session._url = janus.url
        await session.attach("janus.plugin.videoroom", print)
        with pytest.raises(janus_http.RefusalError) as refused:
            await handle.ask({"request": "list"})
        await session.end()
        return refused.value.code

    assert asyncio.run(detach_late()) == 459  # no such handle
