"""Each channel belongs to the loudspeaker of its position, as other programs see and record it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pulsectl
import pytest
from audio_signals import Samples
from player_programs import play_all
from recording import Recorded, Recorder
from servers import SoundServer

import vmic
from vmic._pulse.bindings import STREAM_NAME

RATE = 48000
MAPS = {
    1: "mono",
    2: "front-left,front-right",
    3: "front-left,front-right,front-center",
    4: "front-left,front-right,rear-left,rear-right",
    5: "front-left,front-right,front-center,rear-left,rear-right",
    6: "front-left,front-right,front-center,lfe,rear-left,rear-right",
    7: "front-left,front-right,front-center,lfe,rear-center,side-left,side-right",
    8: "front-left,front-right,front-center,lfe,rear-left,rear-right,side-left,side-right",
}
SURROUND = range(3, 9)
# Every sample of channel n, counted from 1, is n times this.
TELLING = 1000


def reversed_map(channels: int) -> list[str]:
    """Return the loudspeakers in an order that no program uses by default."""
    return MAPS[channels].split(",")[::-1]


def frames(channels: int) -> Samples:
    """Return a fifth of a second in which every sample of channel n is n thousand."""
    return np.tile(TELLING * np.arange(1, channels + 1, dtype=np.int16), (RATE // 5, 1))


def telling(recording: Samples) -> list[int]:
    """Return which channel each channel of the recording carries; gaps are ignored."""
    sound = recording[np.flatnonzero(recording.any(axis=1))]
    assert len(sound) > RATE // 10
    return [int(sample) // TELLING for sample in np.median(sound, axis=0)]


@pytest.mark.either_value("channels")
@pytest.mark.parametrize("channels", SURROUND)
def test_a_microphone_is_recorded_by_loudspeaker(
    channels: int, server: SoundServer, record: Callable[..., Recorder]
) -> None:
    def parec(microphone: Recorded, latency_ms: float) -> list[str]:
        return [
            *("parec", "--raw", "--format=s16le", f"--rate={RATE}", f"--latency-msec={latency_ms}"),
            *(f"--device={microphone.source_name}", f"--channels={channels}"),
            f"--channel-map={','.join(reversed_map(channels))}",
        ]

    with vmic.create_microphone_device("mic", RATE, channels) as microphone:
        recorder = record(microphone, command=parec)
        microphone.write_frames(frames(channels))
        microphone.drain()
        recorder.await_sound(RATE // 5)
        assert telling(recorder.stop()) == list(range(channels, 0, -1))


@pytest.mark.either_value("channels")
@pytest.mark.parametrize("channels", SURROUND)
def test_a_speaker_is_played_to_by_loudspeaker(channels: int, server: SoundServer) -> None:
    def pacat(path: Path, speaker: vmic.VirtualSpeakerDevice) -> list[str]:
        return [
            *("pacat", "--raw", "--format=s16le", f"--rate={RATE}", f"--device={speaker.sink_name}"),
            *(f"--channels={channels}", f"--channel-map={','.join(reversed_map(channels))}", str(path)),
        ]

    with vmic.create_speaker_device("speaker", RATE, channels, backlog=True) as speaker:
        play_all(server, speaker, frames(channels), pacat)
        heard = speaker.read_frames(speaker.stats.buffered + RATE // 10)
    assert telling(np.frombuffer(heard, np.int16).reshape(-1, channels)) == list(range(channels, 0, -1))


@pytest.mark.either_value("channels")
@pytest.mark.parametrize("channels", MAPS)
def test_all_that_is_of_a_device_has_its_map(
    channels: int, server: SoundServer, pulse: pulsectl.Pulse
) -> None:
    with vmic.create_headset("set", RATE, channels) as headset:
        headset.microphone.write_frames(frames(channels))
        names = (headset.microphone.source_name, headset.speaker.sink_name)
        devices = [d for d in (*pulse.sink_list(), *pulse.source_list()) if d.name.startswith(names)]
        streams = [
            s
            for s in (*pulse.sink_input_list(), *pulse.source_output_list())
            if s.proplist.get("application.name") == STREAM_NAME
        ]
        seen = {(type(one).__name__, one.name): ",".join(one.channel_list) for one in devices + streams}
    assert set(seen.values()) == {MAPS[channels]}, seen
