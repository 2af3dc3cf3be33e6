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
from call.janus import Janus
from call.party import Party
from call.told import identity, join, microphone
from servers import SoundServer, one_server

import vmic

pytestmark = one_server


def refusal(party: Party, url: str, token: str | None = None) -> str:
    """Return why the call cannot be joined."""
    before = len(party.told.all("join"))
    party.client.join(url, token, completion=party.told.note("join"))
    data, error = party.told.wait("join", before + 1)
    assert data is None
    return str(error)


@pytest.mark.parametrize(
    ("request_", "said"), [("kick", "has removed this participant: kicked"), ("destroy", "has been closed")]
)
def test_who_is_put_out_stays_out(
    server: SoundServer, janus: Janus, party: Callable[[], Party], request_: str, said: str
) -> None:
    one = party()
    with vmic.create_microphone_device("mic", RATE, 1, True) as mic:
        mine = identity(join(one.client, one.told, janus.address(), inputs=microphone("mic")))
        programs.await_that(lambda: mic.listeners, "the call records")
        janus.ask(request_, **({"id": int(mine)} if request_ == "kick" else {}))
        one.told.wait_state("left")
        programs.await_that(lambda: not mic.listeners, "nobody records")
    room = f"room 1234 of Janus at {janus.url}"
    assert one.told.all("error") == [f"the call has ended: {room} {said}"]
    assert one.told.all("state") == ["joining", "joined", "leaving", "left"]
    assert not one.told.all("network_connection_status_updated")
    if request_ == "destroy":
        janus.ask("create")
    assert janus.participants() == []
    # The participant can join again if the room admits it.
    join(one.client, one.told, janus.address())


def test_the_others_see_who_is_put_out(server: SoundServer, janus: Janus, party: Callable[[], Party]) -> None:
    stays, goes = party(), party()
    join(stays.client, stays.told, janus.address())
    theirs = identity(join(goes.client, goes.told, janus.address()))
    assert stays.other() == theirs
    janus.ask("kick", id=int(theirs))
    participant, reason = stays.told.wait("participant_left")
    assert (participant["id"], reason) == (theirs, "leftCall")
    assert stays.client.participant_counts() == {"hidden": 0, "present": 1}
    assert stays.told.all("state") == ["joining", "joined"]


def test_refusals(server: SoundServer, janus: Janus, party: Callable[[], Party]) -> None:
    first, second = party(), party()
    full, closed = janus.address(room=5678), janus.address(room=9999)
    join(first.client, first.told, full)
    assert "Maximum number of publishers (1) already reached (432)" in refusal(second, full)
    assert "No such room (77) (426)" in refusal(second, janus.address(room=77))
    assert "Missing mandatory element (pin)" in refusal(second, closed)
    assert "(433)" in refusal(second, f"{closed}&pin=wrong")
    assert second.told.all("state") == ["joining", "left"] * 4
    first.client.leave(first.told.note("leave"))
    assert first.told.wait("leave") is None
    join(second.client, second.told, full)
    join(first.client, first.told, f"{closed}&pin=secret")


def test_a_room_that_knows_its_guests(server: SoundServer, janus: Janus, party: Callable[[], Party]) -> None:
    janus.ask("allowed", action="add", allowed=["guest"])
    janus.ask("allowed", action="enable")
    one = party()
    assert "(not in the allowed list) (433)" in refusal(one, janus.address())
    assert "(not in the allowed list) (433)" in refusal(one, janus.address(), "unknown")
    one.client.join(janus.address(), "guest", completion=one.told.note("joined"))
    assert one.told.wait("joined")[1] is None


def signed(secret: str) -> str:
    """Return a token for a Janus with that secret, made as its documentation says."""
    said = f"{int(time.time()) + 600},janus,janus.plugin.videoroom"
    mac = hmac.new(secret.encode(), said.encode(), hashlib.sha1).digest()
    return f"{said}:{base64.b64encode(mac).decode()}"


@pytest.mark.needs("janus")
def test_a_janus_that_asks_for_a_token(server: SoundServer, party: Callable[[], Party]) -> None:
    one = party()
    with Janus(token_secret="secret") as janus:  # noqa: S106
        reason = "Unauthorized request (wrong or missing secret/token) (403)"
        refused = f"Janus at {janus.url} refused the request: {reason}"
        assert refusal(one, janus.address()) == refused
        assert refusal(one, janus.address(), signed("another")) == refused
        one.client.join(janus.address(), signed("secret"), completion=one.told.note("joined"))
        assert one.told.wait("joined")[1] is None
        one.client.leave(one.told.note("leave"))
        assert one.told.wait("leave") is None
