"""Janus admits participants to its rooms, refuses them, and removes them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Callable

import programs
import pytest
from call.endpoint import RATE
from call.event_log import identity, join, microphone
from call.janus import Janus
from call.room_client import RoomClient
from servers import SoundServer, one_server

import vmic

pytestmark = one_server


def refusal(room_client: RoomClient, url: str, token: str | None = None) -> str:
    """Return why the call cannot be joined."""
    before = len(room_client.event_log.all("join"))
    room_client.client.join(url, token, completion=room_client.event_log.note("join"))
    data, error = room_client.event_log.wait("join", before + 1)
    assert data is None
    return str(error)


@pytest.mark.parametrize(
    ("request_", "said"), [("kick", "has removed this participant: kicked"), ("destroy", "was closed")]
)
def test_who_is_put_out_stays_out(
    server: SoundServer, janus: Janus, new_room_client: Callable[[], RoomClient], request_: str, said: str
) -> None:
    one = new_room_client()
    with vmic.create_microphone_device("mic", RATE, 1, True) as mic:
        mine = identity(join(one.client, one.event_log, janus.address(), inputs=microphone("mic")))
        programs.await_that(lambda: mic.listeners, "the call records")
        janus.ask(request_, **({"id": int(mine)} if request_ == "kick" else {}))
        one.event_log.wait_state("left")
        programs.await_that(lambda: not mic.listeners, "nobody records")
    room = f"room 1234 of Janus at {janus.url}"
    assert one.event_log.all("error") == [f"the call has ended: {room} {said}"]
    assert one.event_log.all("state") == ["joining", "joined", "leaving", "left"]
    assert not one.event_log.all("network_connection_status_updated")
    if request_ == "destroy":
        janus.ask("create")
    assert janus.participants() == []
    # The participant can join again if the room admits it.
    join(one.client, one.event_log, janus.address())


def test_the_others_see_who_is_put_out(
    server: SoundServer, janus: Janus, new_room_client: Callable[[], RoomClient]
) -> None:
    stays, goes = new_room_client(), new_room_client()
    join(stays.client, stays.event_log, janus.address())
    theirs = identity(join(goes.client, goes.event_log, janus.address()))
    assert stays.other() == theirs
    janus.ask("kick", id=int(theirs))
    participant, reason = stays.event_log.wait("participant_left")
    assert (participant["id"], reason) == (theirs, "leftCall")
    assert stays.client.participant_counts() == {"hidden": 0, "present": 1}
    assert stays.event_log.all("state") == ["joining", "joined"]


def test_refusals(server: SoundServer, janus: Janus, new_room_client: Callable[[], RoomClient]) -> None:
    first, second = new_room_client(), new_room_client()
    full, closed = janus.address(room=5678), janus.address(room=9999)
    join(first.client, first.event_log, full)
    assert "Maximum number of publishers (1) already reached (432)" in refusal(second, full)
    assert "No such room (77) (426)" in refusal(second, janus.address(room=77))
    assert "Missing mandatory element (pin)" in refusal(second, closed)
    assert "(433)" in refusal(second, f"{closed}&pin=wrong")
    assert second.event_log.all("state") == ["joining", "left"] * 4
    first.client.leave(first.event_log.note("leave"))
    assert first.event_log.wait("leave") is None
    join(second.client, second.event_log, full)
    join(first.client, first.event_log, f"{closed}&pin=secret")


def test_a_room_that_knows_its_guests(
    server: SoundServer, janus: Janus, new_room_client: Callable[[], RoomClient]
) -> None:
    janus.ask("allowed", action="add", allowed=["guest"])
    janus.ask("allowed", action="enable")
    one = new_room_client()
    assert "(not in the allowed list) (433)" in refusal(one, janus.address())
    assert "(not in the allowed list) (433)" in refusal(one, janus.address(), "unknown")
    one.client.join(janus.address(), "guest", completion=one.event_log.note("joined"))
    assert one.event_log.wait("joined")[1] is None


def signed(secret: str) -> str:
    """Return a token for a Janus with that secret, made as its documentation says."""
    said = f"{int(time.time()) + 600},janus,janus.plugin.videoroom"
    mac = hmac.new(secret.encode(), said.encode(), hashlib.sha1).digest()
    return f"{said}:{base64.b64encode(mac).decode()}"


@pytest.mark.needs("janus")
def test_a_janus_that_asks_for_a_token(
    server: SoundServer, new_room_client: Callable[[], RoomClient]
) -> None:
    one = new_room_client()
    with Janus(token_secret="secret") as janus:  # noqa: S106
        reason = "Unauthorized request (wrong or missing secret/token) (403)"
        refused = f"Janus at {janus.url} refused the request: {reason}"
        assert refusal(one, janus.address()) == refused
        assert refusal(one, janus.address(), signed("another")) == refused
        one.client.join(janus.address(), signed("secret"), completion=one.event_log.note("joined"))
        assert one.event_log.wait("joined")[1] is None
        one.client.leave(one.event_log.note("leave"))
        assert one.event_log.wait("leave") is None
