"""A program uses its own audio source as the microphone of its call."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable

import numpy as np
import programs
import pytest
from audio_signals import numbered, tone
from call.endpoint import RATE, Endpoint
from call.event_log import EventLog, join
from call.tone_checks import await_tone, endless
from recording import Recorder
from servers import SoundServer

import vmic


def chosen(track: vmic.CustomAudioTrack) -> dict[str, object]:
    """Return the inputs that choose a track."""
    return {"microphone": {"isEnabled": True, "settings": {"customTrack": {"id": track.id}}}}


def test_a_track_is_heard_and_a_device_in_its_place(
    server: SoundServer, endpoint: Endpoint, client: vmic.CallClient, event_log: EventLog
) -> None:
    source = vmic.CustomAudioSource(RATE, 1)
    track = vmic.CustomAudioTrack(source)
    join(client, event_log, endpoint.url, inputs=chosen(track))
    assert client.inputs()["microphone"]["settings"] == {"customTrack": {"id": track.id}}
    assert client.participants()["local"]["media"]["microphone"]["state"] == "playable"
    source.write_frames(endless(1000), lambda _: None)
    await_tone(endpoint.last, 1000)
    with vmic.create_microphone_device("mic", RATE, non_blocking=True) as mic:
        mic.write_frames(endless(500))
        client.update_inputs({"microphone": {"settings": {"deviceId": "mic"}}})
        await_tone(endpoint.last, 500)
        mic.flush()
    source._microphone.flush()
    source.close()


def test_a_track_that_is_not_there_is_silence(
    server: SoundServer, endpoint: Endpoint, client: vmic.CallClient, event_log: EventLog
) -> None:
    join(client, event_log, endpoint.url)
    inputs = {"microphone": {"isEnabled": True, "settings": {"customTrack": {"id": "nobody's"}}}}
    client.update_inputs(inputs, event_log.note("updated"))
    assert event_log.wait("updated") is None
    assert client.participants()["local"]["media"]["microphone"]["state"] == "off"


def test_writes_wait_without_a_completion_and_not_with_one(
    server: SoundServer, record: Callable[..., Recorder]
) -> None:
    source = vmic.CustomAudioSource(RATE, 1, auto_silence=False)
    recorder = record(source._microphone)
    begin = time.monotonic()
    assert source.write_frames(numbered(RATE // 2)) == RATE // 2
    assert 0.4 < time.monotonic() - begin < 2
    done = threading.Event()
    counts: list[int] = []
    begin = time.monotonic()

    def note(count: int) -> None:
        counts.append(count)
        done.set()

    assert source.write_frames(numbered(RATE // 2, first=RATE // 2), note) == RATE // 2
    assert time.monotonic() - begin < 0.3
    assert done.wait(20)
    assert counts == [RATE // 2]
    recorder.await_frames(RATE)
    heard = recorder.heard()
    assert (heard.frames, heard.lost, heard.repeated, heard.foreign) == (RATE, 0, 0, 0)
    source.close()
    with pytest.raises(vmic.ClosedError):
        source.write_frames(b"")


def test_a_source_goes_when_nobody_has_it(server: SoundServer) -> None:
    source = vmic.CustomAudioSource(16000, 2)
    assert (source.sample_rate, source.channels) == (16000, 2)
    track = vmic.CustomAudioTrack(source)
    source.write_frames(np.repeat(tone(440, 0.1, 16000), 2, axis=1), lambda _: None)
    del source
    gc.collect()
    assert len(vmic.list_microphone_devices()) == 1
    del track
    gc.collect()
    programs.await_that(lambda: not vmic.list_microphone_devices(), "it has gone")


def test_wrong_arguments(server: SoundServer) -> None:
    with pytest.raises(ValueError, match="sample_rate must be an integer between 8000 and 192000"):
        vmic.CustomAudioSource(1, 1)
    with pytest.raises(TypeError, match="auto_silence"):
        vmic.CustomAudioSource(16000, 1, 1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="audio_source must be a CustomAudioSource"):
        vmic.CustomAudioTrack(object())  # type: ignore[arg-type]
