"""The states of the other participants' microphones are reported as daily-python (0.36) reports them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import programs
import pytest
from call.event_log import identity, join, microphone
from call.room_client import RoomClient
from programs import VMIC
from servers import SoundServer, one_server

import vmic

pytestmark = one_server

NewRoomClient = Callable[[], RoomClient]
OFF = {"state": "off", "offReasons": ["user"], "subscribed": "subscribed"}


@pytest.fixture(params=["vmic room", pytest.param("Janus", marks=pytest.mark.needs("janus"))])
def address(request: pytest.FixtureRequest, start: Callable[..., subprocess.Popen[str]]) -> str:
    """Return the address at which a room is joined."""
    if request.param == "Janus":
        return str(request.getfixturevalue("janus").address())
    return f"{programs.answer(start(VMIC, 'room', '--port', '0'))}whip"


def states(room_client: RoomClient, of: str) -> list[str]:
    """Return the reported states of a participant's microphone, in order, each with its event."""
    return [
        f"{event.removeprefix('participant_')} {what['media']['microphone']['state']}"
        for event, what in list(room_client.event_log.events)
        if event in ("participant_joined", "participant_updated") and what["id"] == of
    ]


def shown(room_client: RoomClient, of: str) -> dict[str, Any]:
    """Return the present state of a participant's microphone."""
    microphone: dict[str, Any] = room_client.client.participants()[of]["media"]["microphone"]
    return microphone


def await_state(room_client: RoomClient, of: str, state: str) -> None:
    """Wait until a participant's microphone has this state."""
    programs.await_that(lambda: shown(room_client, of)["state"] == state, f"it is {state}")


def speaking_and_listening(
    address: str, new_room_client: NewRoomClient, mic: vmic.VirtualMicrophoneDevice
) -> tuple[RoomClient, RoomClient, str]:
    """Return a program that speaks, another that hears it, and the id of the first."""
    speaker, listener = new_room_client(), new_room_client()
    loud = identity(join(speaker.client, speaker.event_log, address, inputs=microphone(mic.name)))
    join(listener.client, listener.event_log, address)
    await_state(listener, loud, "playable")
    return speaker, listener, loud


def test_one_that_was_there_before_and_one_that_comes_are_playable_once_heard(
    server: SoundServer, address: str, new_room_client: NewRoomClient, mic: vmic.VirtualMicrophoneDevice
) -> None:
    first, second = new_room_client(), new_room_client()
    inputs = microphone(mic.name)
    one = identity(join(first.client, first.event_log, address, inputs=inputs))
    data = join(second.client, second.event_log, address, inputs=inputs)
    other = identity(data)
    # The sound may come before the answer does.
    assert data["participants"][one]["media"]["microphone"]["state"] in ("loading", "playable")
    for watching, watched in ((first, other), (second, one)):
        await_state(watching, watched, "playable")
        assert set(states(watching, watched)[:-1]) <= {"joined off", "joined loading", "updated loading"}
        assert states(watching, watched)[0].startswith("joined ")
        assert states(watching, watched)[-1] == "updated playable"
        assert shown(watching, watched)["track"]["id"]
        assert watching.client.participants()[watched]["info"]["userId"] == watched


def test_a_listener_is_never_playable(
    server: SoundServer, address: str, new_room_client: NewRoomClient, mic: vmic.VirtualMicrophoneDevice
) -> None:
    speaker, listener = new_room_client(), new_room_client()
    silent = identity(join(listener.client, listener.event_log, address))
    loud = identity(join(speaker.client, speaker.event_log, address, inputs=microphone(mic.name)))
    await_state(listener, loud, "playable")
    assert shown(speaker, silent)["state"] in ("off", "loading")
    assert "updated playable" not in states(speaker, silent)
    listener.client.update_inputs(microphone(mic.name))
    await_state(speaker, silent, "playable")


@pytest.mark.parametrize("address", ["vmic room"], indirect=True)
def test_a_microphone_that_is_switched_off_is_off(
    server: SoundServer, address: str, new_room_client: NewRoomClient, mic: vmic.VirtualMicrophoneDevice
) -> None:
    speaker, listener, loud = speaking_and_listening(address, new_room_client, mic)
    speaker.client.update_inputs({"microphone": False})
    programs.await_that(lambda: shown(listener, loud) == OFF, "it is off")
    speaker.client.update_inputs({"microphone": True})
    await_state(listener, loud, "playable")
    assert states(listener, loud)[-3:] == ["updated playable", "updated off", "updated playable"]
    local = speaker.client.participants()["local"]["media"]["microphone"]
    assert (local["state"], local["subscribed"]) == ("playable", "unsubscribed")


def test_who_is_not_subscribed_to_is_receivable(
    server: SoundServer, address: str, new_room_client: NewRoomClient, mic: vmic.VirtualMicrophoneDevice
) -> None:
    _speaker, listener, loud = speaking_and_listening(address, new_room_client, mic)
    for state, expected in (
        ("unsubscribed", {"state": "receivable", "subscribed": "unsubscribed"}),
        ("staged", {"state": "receivable", "subscribed": "unsubscribed"}),
    ):
        listener.client.update_subscription_profiles({"base": {"microphone": state}})
        programs.await_that(lambda: shown(listener, loud) == expected, "it is as expected")  # noqa: B023
    listener.client.update_subscription_profiles({"base": {"microphone": "subscribed"}})
    await_state(listener, loud, "playable")


def test_nothing_is_told_of_the_others_when_the_call_is_left(
    server: SoundServer, address: str, new_room_client: NewRoomClient, mic: vmic.VirtualMicrophoneDevice
) -> None:
    _speaker, listener, loud = speaking_and_listening(address, new_room_client, mic)
    told = states(listener, loud)
    listener.client.leave(listener.event_log.note("leave"))
    assert listener.event_log.wait("leave") is None
    assert states(listener, loud) == told


def test_one_alone_is_not_subscribed_to(
    server: SoundServer, address: str, new_room_client: NewRoomClient, mic: vmic.VirtualMicrophoneDevice
) -> None:
    one, other, listener = new_room_client(), new_room_client(), new_room_client()
    inputs = microphone(mic.name)
    first, second = (identity(join(p.client, p.event_log, address, inputs=inputs)) for p in (one, other))
    join(listener.client, listener.event_log, address)

    def are(*expected: str) -> bool:
        return [shown(listener, of)["state"] for of in (first, second)] == list(expected)

    programs.await_that(lambda: are("playable", "playable"), "both are playable")
    off = {first: {"media": {"microphone": "unsubscribed"}}}
    listener.client.update_subscriptions(off, completion=listener.event_log.note("subscribed"))
    assert listener.event_log.wait("subscribed") is None
    assert are("receivable", "playable")
    (told,) = listener.event_log.all("subscriptions_updated")
    assert told == listener.client.subscriptions()
    assert told[first]["profile"] == "base"
    assert told[first]["media"]["microphone"]["subscriptionState"] == "unsubscribed"
    listener.client.update_subscriptions(profile_settings={"base": off[first]})
    listener.client.update_subscriptions({second: {"media": {"microphone": "subscribed"}}})
    programs.await_that(lambda: are("receivable", "playable"), "the other is playable")
    listener.client.update_subscriptions({first: "fromDefaults"}, {"base": {"media": "fromDefaults"}})
    listener.client.update_subscriptions(
        {first: {"microphone": 1}}, completion=listener.event_log.note("refused")
    )
    assert 'Allowed keys: ["profile", "media"]' in listener.event_log.wait("refused")


def test_all_in_a_room_are_in_the_same_meeting(
    server: SoundServer, address: str, new_room_client: NewRoomClient
) -> None:
    first, second = new_room_client(), new_room_client()
    meetings = {join(one.client, one.event_log, address)["meetingSession"]["id"] for one in (first, second)}
    assert len(meetings) == 1


def test_nothing_is_told_of_what_changes_nothing(
    server: SoundServer, new_room_client: NewRoomClient, mic: vmic.VirtualMicrophoneDevice
) -> None:
    one = new_room_client()
    for _ in range(2):
        one.client.update_inputs(microphone(mic.name), one.event_log.note("done"))
        one.client.update_publishing({"microphone": {"isPublishing": True}}, one.event_log.note("done"))
        one.client.update_subscription_profiles({"base": "fromDefaults"}, one.event_log.note("done"))
    one.event_log.wait("done", 6)
    assert one.event_log.names() == ["inputs_updated", "participant_updated", *6 * ["done"]]


def test_a_call_that_was_not_joined_is_left_as_in_daily(
    server: SoundServer, new_room_client: NewRoomClient, mic: vmic.VirtualMicrophoneDevice
) -> None:
    one = new_room_client()
    one.client.update_inputs(microphone(mic.name), one.event_log.note("chosen"))
    one.event_log.wait("chosen")
    one.event_log.events.clear()
    one.client.leave(one.event_log.note("leave"))
    assert one.event_log.wait("leave") is None
    assert one.event_log.names() == ["state", "inputs_updated", "participant_updated", "state", "leave"]
    assert one.event_log.all("state") == ["leaving", "left"]
    assert not one.client.inputs()["microphone"]["isEnabled"]


def test_a_renderer_is_unset(
    server: SoundServer, address: str, new_room_client: NewRoomClient, mic: vmic.VirtualMicrophoneDevice
) -> None:
    speaker, listener = new_room_client(), new_room_client()
    join(listener.client, listener.event_log, address)
    listener.client.set_audio_renderer("nobody", listener.take)
    loud = identity(join(speaker.client, speaker.event_log, address, inputs=microphone(mic.name)))
    programs.await_that(lambda: loud in listener.client.participants(), "the speaker is there")
    listener.client.set_audio_renderer(loud, listener.take, "screenAudio")
    listener.client.set_audio_renderer(loud, listener.take, sample_rate=192_000)
    programs.await_that(lambda: len(listener.rendered) > 10, "it is heard")
    assert {(audio.sample_rate, source) for _, audio, source in listener.rendered} == {
        (192_000, "microphone")
    }
    listener.client.set_audio_renderer(loud, None)
    listener.client.update_inputs({}, listener.event_log.note("done"))
    listener.event_log.wait("done")
    count = len(listener.rendered)
    listener.client.set_audio_renderer("nobody", None)
    other = []
    listener.client.set_audio_renderer(loud, lambda *given: other.append(given))
    programs.await_that(lambda: len(other) > 10, "it is heard again")
    assert len(listener.rendered) <= count + 1  # one call may have been running
