"""The delay that a gap adds is taken back in the silence of the sound, and no sound is left out."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
from audio_signals import HeardSignal, Samples, numbered
from recording import Recorder
from servers import SoundServer

import vmic

Record = Callable[..., Recorder]
RATE = 48000
CHUNK = RATE // 100
# Each half second of the signal ends in this much silence.
PAUSE = RATE // 5


def signal(seconds: float) -> Samples:
    """Return numbered frames with pauses between them."""
    sound = RATE // 2 - PAUSE
    parts = int(2 * seconds)
    frames = np.zeros((parts, RATE // 2, 1), np.int16)
    frames[:, :sound] = numbered(parts * sound).reshape(parts, sound, 1)
    return frames.reshape(-1, 1)


def write_paced(
    microphone: vmic.VirtualMicrophoneDevice, frames: Samples, late_at: float, late: float
) -> None:
    """Write 10 ms at a time, at the pace of the sound; nothing for `late` seconds from `late_at` on."""
    begin = time.monotonic()
    for number in range(0, len(frames), CHUNK):
        at = number / RATE
        if late_at < at < late_at + late:
            at = late_at + late
        time.sleep(max(0.0, begin + at - time.monotonic()))
        microphone.write_frames(frames[number : number + CHUNK])


def sounding_of(frames: Samples) -> Samples:
    return frames[frames.any(axis=1)]


@pytest.mark.timing
@pytest.mark.parametrize("trim", [True, False])
def test_a_late_write_delays_only_for_some_seconds(server: SoundServer, record: Record, trim: bool) -> None:
    frames = signal(8)
    # A fixed prebuffer, so that a longer one does not explain the delay.
    with vmic.create_microphone_device("mic", RATE, non_blocking=True, latency=0.02, trim=trim) as microphone:
        recorder = record(microphone)
        write_paced(microphone, frames, late_at=1.02, late=0.15)
        stats = microphone.stats
        microphone.drain()
    heard = HeardSignal.in_recording(recorder.await_end())
    assert stats.underruns >= 1
    assert (heard.lost, heard.repeated) == (0, 0)
    delay = stats.latency - stats.prebuffer
    if trim:
        assert stats.trimmed > 0.05 * RATE
        assert delay < 0.04
    else:
        assert stats.trimmed == 0
        assert delay > 0.08


def test_sound_that_is_queued_ahead_is_kept(server: SoundServer, record: Record) -> None:
    frames = signal(4)
    with vmic.create_microphone_device("mic", RATE, non_blocking=True) as microphone:
        recorder = record(microphone)
        microphone.write_frames(frames[:CHUNK])
        time.sleep(0.1)  # the next write is late: there is a gap
        for begin in range(CHUNK, len(frames), CHUNK):
            microphone.write_frames(frames[begin : begin + CHUNK])
        microphone.drain()
        assert microphone.stats.trimmed == 0
    recorded = recorder.await_end()
    first, last = np.flatnonzero(recorded.any(axis=1))[[0, -1]]
    assert len(recorded[first : last + 1]) >= len(frames) - PAUSE


def test_a_blocking_loop_is_kept(server: SoundServer, record: Record) -> None:
    frames = signal(4)
    with vmic.create_microphone_device("mic", RATE) as microphone:
        recorder = record(microphone)
        for begin in range(0, len(frames), 2 * CHUNK):
            microphone.write_frames(frames[begin : begin + 2 * CHUNK])
            if begin == RATE // 2 * 3:
                time.sleep(0.1)
        microphone.drain()
        assert microphone.stats.underruns >= 1
        assert microphone.stats.trimmed == 0
    assert len(sounding_of(recorder.await_end())) >= len(sounding_of(frames))
