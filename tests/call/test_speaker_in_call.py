"""The sound from a call is played on the selected speaker and nowhere else."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import programs
import pytest
from call.event_log import EventLog, join, microphone
from call.janus import Janus
from call.tone_checks import await_tone_on, endless
from servers import SoundServer, one_server

import vmic
from vmic import Daily, _selected_speaker

NewClient = Callable[..., vmic.CallClient]
RATE = 48000
# The loudest sample that a decoder makes of silence.
SILENT = 2


def loudness(frames: bytes) -> int:
    return int(np.abs(np.frombuffer(frames, np.int16).astype(int)).max())


def usual_amplitude(frames: bytes) -> float:
    """Return a sine's amplitude from its median: a click at a gap on a busy machine was 2 dB louder."""
    return float(np.median(np.abs(np.frombuffer(frames, np.int16).astype(int))) * np.sqrt(2))


@pytest.mark.guarantee("nothing else")
def test_a_program_hears_another_and_not_itself(
    server: SoundServer, janus: Janus, new_client: NewClient
) -> None:
    with (
        vmic.create_headset("anna", 16000) as anna,
        vmic.create_microphone_device("bert", RATE, 1, True) as bert,
    ):
        hers, his = EventLog(), EventLog()
        Daily.select_speaker_device("anna")
        join(new_client(hers), hers, janus.address(), inputs=microphone("anna"))
        join(new_client(his), his, janus.address(), inputs=microphone("bert"))
        programs.await_that(lambda: anna.microphone.listeners, "the call records her microphone")
        bert.write_frames(endless(1000))
        await_tone_on(anna.speaker, 1000)
        # Both channels of a call carry the same sound; on her mono speaker it is not louder.
        sent = pytest.approx(np.abs(endless(1000)).max(), rel=0.2)
        programs.await_that(
            lambda: usual_amplitude(anna.speaker.read_frames(4000)) == sent,
            "she hears it as loud as it was sent",
        )
        bert.flush()
        # The sound that was played to her speaker has not got into her microphone.
        assert anna.microphone.stats.foreign_streams == 0


@one_server
def test_another_speaker_is_selected_in_the_call(
    server: SoundServer, janus: Janus, new_client: NewClient
) -> None:
    with (
        vmic.create_speaker_device("one", RATE) as one,
        vmic.create_speaker_device("two", RATE) as two,
        vmic.create_microphone_device("mic", RATE, 1, True) as mic,
    ):
        talks, hears = EventLog(), EventLog()
        Daily.select_speaker_device("one")
        Daily.select_speaker_device("one")
        join(new_client(talks), talks, janus.address(), inputs=microphone("mic"))
        listening = new_client(hears)
        join(listening, hears, janus.address())
        mic.write_frames(endless(1000))
        await_tone_on(one, 1000)
        Daily.select_speaker_device("two")
        await_tone_on(two, 1000)
        one.flush()
        assert not any(one.read_frames(RATE // 2))
        listening.update_subscription_profiles({"base": {"microphone": "unsubscribed"}})
        programs.await_that(lambda: loudness(two.read_frames(RATE // 5)) <= SILENT, "nobody is heard")
        mic.flush()


def test_a_speaker_that_is_not_there(server: SoundServer) -> None:
    with vmic.create_microphone_device("mic"), vmic.create_speaker_device("loud"):
        with pytest.raises(RuntimeError) as refused:
            Daily.select_speaker_device("mic")
        said = str(refused.value)
        assert said.startswith("unable to select virtual speaker device: speaker 'mic' not found")
        assert "'loud'" in said
        assert "fed by vmic" not in said


def test_a_closed_speaker_is_selected_no_more(server: SoundServer) -> None:
    with vmic.create_speaker_device("one"), vmic.create_speaker_device("other") as other:
        Daily.select_speaker_device("other")
        other.close()
        assert _selected_speaker.sink_name() is None
        Daily.select_speaker_device("one")
        vmic.create_speaker_device("third").close()
        assert _selected_speaker.sink_name() is not None
    assert _selected_speaker.sink_name() is None
