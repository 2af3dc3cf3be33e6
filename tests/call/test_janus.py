"""Two programs in a room of Janus's VideoRoom, from Debian's package."""

from __future__ import annotations

from collections.abc import Callable

import programs
import pytest
from call.endpoint import RATE
from call.event_log import join, microphone
from call.janus import Janus
from call.room_client import RoomClient
from call.tone_checks import endless
from servers import SoundServer, one_server

import vmic

NewClient = Callable[..., vmic.CallClient]


def test_two_programs_hear_see_and_write_to_each_other(
    server: SoundServer, janus: Janus, new_room_client: Callable[[], RoomClient]
) -> None:
    anna, bert = new_room_client(), new_room_client()
    anna.client.set_user_name("Anna")
    with vmic.create_microphone_device("Anna's", RATE, 1, True) as mic:
        data = join(anna.client, anna.event_log, janus.address(), inputs=microphone("Anna's"))
        mine = data["participants"]["local"]["id"]
        everybody = join(bert.client, bert.event_log, janus.address())["participants"]
        # Earlier participants are known when the join completes, and their events follow it.
        assert everybody[mine]["info"]["userName"] == "Anna"
        assert bert.event_log.wait("participant_joined")["id"] == mine
        assert bert.event_log.names().index("join") < bert.event_log.names().index("participant_joined")
        (theirs,) = everybody.keys() - {mine, "local"} | {everybody["local"]["id"]}
        programs.await_that(lambda: theirs in anna.client.participants(), "Anna sees Bert")
        assert anna.client.participant_counts() == {"hidden": 0, "present": 2}

        bert.listen(mine)
        mic.write_frames(endless(1000))
        bert.await_tone(1000)
        mic.flush()
    for participant, audio, source in bert.rendered:
        assert (participant, source) == (mine, "microphone")
        assert (audio.bits_per_sample, audio.sample_rate, audio.num_channels) == (16, RATE, 1)
        assert audio.num_audio_frames * 2 == len(audio.audio_frames) == RATE // 10 * 2

    bert.client.set_user_name("Bert")
    programs.await_that(
        lambda: anna.client.participants()[theirs]["info"].get("userName") == "Bert", "his name is seen"
    )
    anna.client.send_app_message({"text": "hallo, Welt"}, completion=anna.event_log.note("sent"))
    assert anna.event_log.wait("sent") is None
    assert bert.event_log.wait("app_message") == ({"text": "hallo, Welt"}, mine)
    bert.client.send_app_message("to you", mine, completion=bert.event_log.note("sent"))
    assert "sends messages only to everyone" in bert.event_log.wait("sent")

    anna.client.leave()
    participant, reason = bert.event_log.wait("participant_left")
    assert (participant["id"], reason) == (mine, "leftCall")
    assert bert.client.participant_counts() == {"hidden": 0, "present": 1}


def await_second(mic: vmic.VirtualMicrophoneDevice) -> None:
    """Wait until the listeners have heard one more second of what was written to the microphone."""
    begin = mic.stats.heard
    programs.await_that(lambda: mic.stats.heard > begin + RATE, "a second has passed")


@one_server
def test_who_is_not_subscribed_to_is_not_heard(
    server: SoundServer, janus: Janus, new_room_client: Callable[[], RoomClient]
) -> None:
    anna, bert = new_room_client(), new_room_client()
    with vmic.create_microphone_device("Anna's", RATE, 1, True) as mic:
        mic.write_frames(endless(1000))
        mine = join(anna.client, anna.event_log, janus.address(), inputs=microphone("Anna's"))[
            "participants"
        ]["local"]
        bert.client.update_subscription_profiles({"base": {"microphone": "unsubscribed"}})
        join(bert.client, bert.event_log, janus.address())
        bert.listen(mine["id"])
        bert.event_log.wait("participant_joined")
        await_second(mic)
        assert not bert.rendered
        bert.client.update_subscription_profiles({"base": {"microphone": "subscribed"}})
        bert.await_tone(1000)
        unsubscribed = {"base": {"microphone": "unsubscribed"}}
        bert.client.update_subscription_profiles(unsubscribed, bert.event_log.note("unsubscribed"))
        assert bert.event_log.wait("unsubscribed") is None
        before = len(bert.rendered)
        await_second(mic)
        # A second has ten pieces, and some of them were on their way.
        assert len(bert.rendered) < before + 5
        mic.flush()


@one_server
@pytest.mark.needs("janus")
def test_janus_restarts_in_the_call(server: SoundServer, new_room_client: Callable[[], RoomClient]) -> None:
    with Janus() as janus, vmic.create_microphone_device("mic", RATE, 1, True) as mic:
        anna, bert = new_room_client(), new_room_client()
        mic.write_frames(endless(1000))
        join(anna.client, anna.event_log, janus.address(), inputs=microphone("mic"))
        join(bert.client, bert.event_log, janus.address())
        janus.kill()
        for one in (anna, bert):
            assert one.event_log.wait("network_connection_status_updated")["event"] == "interrupted"
        janus.start()
        for one in (anna, bert):
            assert one.event_log.wait("network_connection_status_updated", 2) == {"event": "connected"}
        programs.await_that(lambda: bert.client.participant_counts()["present"] == 2, "both are there")
        (hers,) = bert.client.participants().keys() - {"local"}
        bert.listen(hers)
        bert.await_tone(1000)
        mic.flush()
