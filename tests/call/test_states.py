"""The states of the other participants' microphones are reported as daily-python (0.36) reports them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import programs
import pytest
from call.party import Party
from call.told import identity, join, microphone
from programs import VMIC
from servers import SoundServer, one_server

import vmic

pytestmark = one_server

Parties = Callable[[], Party]
OFF = {"state": "off", "offReasons": ["user"], "subscribed": "subscribed"}


@pytest.fixture(params=["vmic room", pytest.param("Janus", marks=pytest.mark.needs("janus"))])
def address(request: pytest.FixtureRequest, start: Callable[..., subprocess.Popen[str]]) -> str:
    """Return the address at which a room is joined."""
    if request.param == "Janus":
        return str(request.getfixturevalue("janus").address())
    return f"{programs.answer(start(VMIC, 'room', '--port', '0'))}whip"


def states(party: Party, of: str) -> list[str]:
    """Return the reported states of a participant's microphone, in order, each with its event."""
    return [
        f"{event.removeprefix('participant_')} {what['media']['microphone']['state']}"
        for event, what in list(party.told.events)
        if event in ("participant_joined", "participant_updated") and what["id"] == of
    ]


def shown(party: Party, of: str) -> dict[str, Any]:
    """Return the present state of a participant's microphone."""
    microphone: dict[str, Any] = party.client.participants()[of]["media"]["microphone"]
    return microphone


def await_state(party: Party, of: str, state: str) -> None:
    """Wait until a participant's microphone has this state."""
    programs.await_that(lambda: shown(party, of)["state"] == state, f"it is {state}")


def speaking_and_listening(
    address: str, party: Parties, mic: vmic.VirtualMicrophoneDevice
) -> tuple[Party, Party, str]:
    """Return a program that speaks, another that hears it, and the id of the first."""
    speaker, listener = party(), party()
    loud = identity(join(speaker.client, speaker.told, address, inputs=microphone(mic.name)))
    join(listener.client, listener.told, address)
    await_state(listener, loud, "playable")
    return speaker, listener, loud


def test_one_that_was_there_before_and_one_that_comes_are_playable_once_heard(
    server: SoundServer, address: str, party: Parties, mic: vmic.VirtualMicrophoneDevice
) -> None:
    first, second = party(), party()
    inputs = microphone(mic.name)
    one = identity(join(first.client, first.told, address, inputs=inputs))
    data = join(second.client, second.told, address, inputs=inputs)
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
    server: SoundServer, address: str, party: Parties, mic: vmic.VirtualMicrophoneDevice
) -> None:
    speaker, listener = party(), party()
    silent = identity(join(listener.client, listener.told, address))
    loud = identity(join(speaker.client, speaker.told, address, inputs=microphone(mic.name)))
    await_state(listener, loud, "playable")
    assert shown(speaker, silent)["state"] in ("off", "loading")
    assert "updated playable" not in states(speaker, silent)
    listener.client.update_inputs(microphone(mic.name))
    await_state(speaker, silent, "playable")


@pytest.mark.parametrize("address", ["vmic room"], indirect=True)
def test_a_microphone_that_is_switched_off_is_off(
    server: SoundServer, address: str, party: Parties, mic: vmic.VirtualMicrophoneDevice
) -> None:
    speaker, listener, loud = speaking_and_listening(address, party, mic)
    speaker.client.update_inputs({"microphone": False})
    programs.await_that(lambda: shown(listener, loud) == OFF, "it is off")
    speaker.client.update_inputs({"microphone": True})
    await_state(listener, loud, "playable")
    assert states(listener, loud)[-3:] == ["updated playable", "updated off", "updated playable"]
    local = speaker.client.participants()["local"]["media"]["microphone"]
    assert (local["state"], local["subscribed"]) == ("playable", "unsubscribed")


def test_who_is_not_subscribed_to_is_receivable(
    server: SoundServer, address: str, party: Parties, mic: vmic.VirtualMicrophoneDevice
) -> None:
    _speaker, listener, loud = speaking_and_listening(address, party, mic)
    for state, expected in (
        ("unsubscribed", {"state": "receivable", "subscribed": "unsubscribed"}),
        ("staged", {"state": "receivable", "subscribed": "unsubscribed"}),
    ):
        listener.client.update_subscription_profiles({"base": {"microphone": state}})
        programs.await_that(lambda: shown(listener, loud) == expected, "it is as expected")  # noqa: B023
    listener.client.update_subscription_profiles({"base": {"microphone": "subscribed"}})
    await_state(listener, loud, "playable")


def test_nothing_is_told_of_the_others_when_the_call_is_left(
    server: SoundServer, address: str, party: Parties, mic: vmic.VirtualMicrophoneDevice
) -> None:
    _speaker, listener, loud = speaking_and_listening(address, party, mic)
    told = states(listener, loud)
    listener.client.leave(listener.told.note("leave"))
    assert listener.told.wait("leave") is None
    assert states(listener, loud) == told


def test_one_alone_is_not_subscribed_to(
    server: SoundServer, address: str, party: Parties, mic: vmic.VirtualMicrophoneDevice
) -> None:
    one, other, listener = party(), party(), party()
    inputs = microphone(mic.name)
    first, second = (identity(join(p.client, p.told, address, inputs=inputs)) for p in (one, other))
    join(listener.client, listener.told, address)

    def are(*expected: str) -> bool:
        return [shown(listener, of)["state"] for of in (first, second)] == list(expected)

    programs.await_that(lambda: are("playable", "playable"), "both are playable")
    off = {first: {"media": {"microphone": "unsubscribed"}}}
    listener.client.update_subscriptions(off, completion=listener.told.note("subscribed"))
    assert listener.told.wait("subscribed") is None
    assert are("receivable", "playable")
    (told,) = listener.told.all("subscriptions_updated")
    assert told == listener.client.subscriptions()
    assert told[first]["profile"] == "base"
    assert told[first]["media"]["microphone"]["subscriptionState"] == "unsubscribed"
    listener.client.update_subscriptions(profile_settings={"base": off[first]})
    listener.client.update_subscriptions({second: {"media": {"microphone": "subscribed"}}})
    programs.await_that(lambda: are("receivable", "playable"), "the other is playable")
    listener.client.update_subscriptions({first: "fromDefaults"}, {"base": {"media": "fromDefaults"}})
    listener.client.update_subscriptions({first: {"microphone": 1}}, completion=listener.told.note("refused"))
    assert 'Allowed keys: ["profile", "media"]' in listener.told.wait("refused")


def test_all_in_a_room_are_in_the_same_meeting(server: SoundServer, address: str, party: Parties) -> None:
    first, second = party(), party()
    meetings = {join(one.client, one.told, address)["meetingSession"]["id"] for one in (first, second)}
    assert len(meetings) == 1


def test_nothing_is_told_of_what_changes_nothing(
    server: SoundServer, party: Parties, mic: vmic.VirtualMicrophoneDevice
) -> None:
    one = party()
    for _ in range(2):
        one.client.update_inputs(microphone(mic.name), one.told.note("done"))
        one.client.update_publishing({"microphone": {"isPublishing": True}}, one.told.note("done"))
        one.client.update_subscription_profiles({"base": "fromDefaults"}, one.told.note("done"))
    one.told.wait("done", 6)
    assert one.told.names() == ["inputs_updated", "participant_updated", *6 * ["done"]]


def test_a_call_that_was_not_joined_is_left_as_in_daily(
    server: SoundServer, party: Parties, mic: vmic.VirtualMicrophoneDevice
) -> None:
    one = party()
    one.client.update_inputs(microphone(mic.name), one.told.note("chosen"))
    one.told.wait("chosen")
    one.told.events.clear()
    one.client.leave(one.told.note("leave"))
    assert one.told.wait("leave") is None
    assert one.told.names() == ["state", "inputs_updated", "participant_updated", "state", "leave"]
    assert one.told.all("state") == ["leaving", "left"]
    assert not one.client.inputs()["microphone"]["isEnabled"]


def test_a_renderer_is_unset(
    server: SoundServer, address: str, party: Parties, mic: vmic.VirtualMicrophoneDevice
) -> None:
    speaker, listener = party(), party()
    join(listener.client, listener.told, address)
    listener.client.set_audio_renderer("nobody", listener.take)
    loud = identity(join(speaker.client, speaker.told, address, inputs=microphone(mic.name)))
    programs.await_that(lambda: loud in listener.client.participants(), "the speaker is there")
    listener.client.set_audio_renderer(loud, listener.take, "screenAudio")
    listener.client.set_audio_renderer(loud, listener.take, sample_rate=192_000)
    programs.await_that(lambda: len(listener.rendered) > 10, "it is heard")
    assert {(audio.sample_rate, source) for _, audio, source in listener.rendered} == {
        (192_000, "microphone")
    }
    listener.client.set_audio_renderer(loud, None)
    listener.client.update_inputs({}, listener.told.note("done"))
    listener.told.wait("done")
    count = len(listener.rendered)
    listener.client.set_audio_renderer("nobody", None)
    other = []
    listener.client.set_audio_renderer(loud, lambda *given: other.append(given))
    programs.await_that(lambda: len(other) > 10, "it is heard again")
    assert len(listener.rendered) <= count + 1  # one call may have been running
