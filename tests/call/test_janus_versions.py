"""Other versions and settings of Janus: 1.4, 0.x, rooms with string ids; and events that are not expected."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from call.endpoint import silent
from call.event_log import identity, join, microphone
from call.janus import Janus
from call.room_client import RoomClient
from servers import SoundServer, one_server

import vmic
from vmic.call._signalling import janus_http
from vmic.call._signalling.base import RemoteParticipant, SessionError, SessionListener
from vmic.call._signalling.janus import VideoRoomSession
from vmic.call._signalling.meeting_url import VideoRoomAddress

PLUGIN = "janus.plugin.videoroom"


class ParticipantCollector(SessionListener):
    """A `SessionListener` that keeps the present participants."""

    def __init__(self) -> None:
        self.there: dict[str, RemoteParticipant] = {}

    def note(self, participant: RemoteParticipant) -> None:
        self.there[participant.identity] = participant

    def leave(self, identity: str) -> None:
        del self.there[identity]

    def say(self, message: Any, sender: str) -> None:
        raise AssertionError(message, sender)

    def hear(self, identity: str, track: object) -> None:
        raise AssertionError(identity, track)

    def lose(self, why: str) -> None:
        raise AssertionError(why)

    def finish(self, why: str) -> None:
        raise AssertionError(why)


class Refusing:
    """A handle that keeps each request and refuses it."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.come = asyncio.Event()

    async def ask(self, body: dict[str, Any], _jsep: object = None) -> Any:
        self.asked.append(body)
        self.come.set()
        raise SessionError("no")

    async def detach(self) -> None:
        pass


def test_who_leaves_a_room_of_janus_1_4_has_left_it_for_all() -> None:
    listener = ParticipantCollector()

    async def take() -> None:
        session = VideoRoomSession(VideoRoomAddress("http://h/janus", 1), listener, silent())
        for one in 7, 8:
            session._take({"videoroom": "event", "room": 1, "joining": {"id": one, "display": f"{one}"}})
        # The event also has the name of the participant who leaves.
        session._take({"videoroom": "event", "room": 1, "leaving": 7, "display": "7"})
        session._take({"videoroom": "event", "room": 1, "id": 8, "display": "Eight"})
        await session._janus.end()

    asyncio.run(take())
    assert {one: person.name for one, person in listener.there.items()} == {"8": "Eight"}


def test_a_publisher_of_janus_0_x_is_heard() -> None:
    listener, handle = ParticipantCollector(), Refusing()

    async def take() -> None:
        session = VideoRoomSession(VideoRoomAddress("http://h/janus", 1, "pin"), listener, silent())

        async def attach(*_: object) -> Refusing:
            return handle

        session._janus.attach = attach  # type: ignore[assignment, method-assign]
        publisher = {"id": 7, "display": "Seven", "audio_codec": "opus", "talking": False}
        watcher = {"id": 8, "display": "Eight", "video_codec": "vp8"}
        session._take({"videoroom": "event", "room": 1, "publishers": [publisher, watcher]})
        await handle.come.wait()
        await session.hang_up()
        await session._janus.end()

    asyncio.run(take())
    assert {one: person.sends for one, person in listener.there.items()} == {"7": True, "8": False}
    assert handle.asked == [
        {
            "request": "join",
            "ptype": "subscriber",
            "room": 1,
            "private_id": None,
            "feed": 7,
            "offer_video": False,
            "pin": "pin",
        }
    ]


@pytest.mark.parametrize("janus", [{"string_ids": True}], indirect=True)
@one_server
def test_two_hear_each_other_where_rooms_are_texts(
    server: SoundServer,
    janus: Janus,
    new_room_client: Callable[[], RoomClient],
    mic: vmic.VirtualMicrophoneDevice,
) -> None:
    speaker, listener = new_room_client(), new_room_client()
    loud = identity(join(speaker.client, speaker.event_log, janus.address(), inputs=microphone(mic.name)))
    join(listener.client, listener.event_log, janus.address())
    listener.event_log.wait("participant_joined")
    listener.event_log.wait("participant_updated")
    shown = listener.client.participants()[loud]["media"]["microphone"]
    assert shown["state"] == "playable"


def test_an_event_that_is_not_understood_is_logged_and_the_next_ones_come(
    janus: Janus, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[dict[str, Any]] = []

    async def listen() -> None:
        session, other = (janus_http.JanusClient(janus.url, None, print) for _ in range(2))
        both = asyncio.Event()

        def take(event: dict[str, Any]) -> None:
            told.append(event)
            if len(told) == 2:
                both.set()
            raise KeyError("id")

        for one, name in ((session, "one"), (other, "other")):
            await one.begin()
            handle = await one.attach(PLUGIN, take if one is session else lambda _: None)
            await handle.ask({"request": "join", "ptype": "publisher", "room": 1234, "display": name})
        await other.end()
        await asyncio.wait_for(both.wait(), 20)
        await session.end()

    asyncio.run(listen())
    assert "joining" in told[0]
    assert {"unpublished", "leaving"} & told[1].keys()
    assert caplog.text.count("cannot handle an event") == len(told)
