"""Another program records exactly what was written: every frame, once, in order."""

from __future__ import annotations

import time
from collections.abc import Callable

import audio_signals
import numpy as np
import programs
import pytest
from audio_signals import numbered, sounding, tone, tone_quality, usual_quality
from recording import Recorder
from servers import SoundServer

import vmic

Record = Callable[..., Recorder]

# PipeWire resamples all sound that does not have the rate of its graph.
RATES = [(16000, 1), (48000, 1), (48000, 2), (44100, 2), (8000, 1)]


def is_exact(server: SoundServer, sample_rate: int) -> bool:
    return server.kind == "pulseaudio" or sample_rate == 48000


@pytest.mark.parametrize(("sample_rate", "channels"), RATES)
def test_sound_comes_out_as_it_went_in(
    server: SoundServer, record: Record, sample_rate: int, channels: int, pytestconfig: pytest.Config
) -> None:
    quality = tone_quality if pytestconfig.getoption("--long") else usual_quality
    with vmic.create_microphone_device("mic", sample_rate, channels) as microphone:
        recorder = record(microphone)
        if is_exact(server, sample_rate):
            frames = numbered(2 * sample_rate, channels)
            microphone.write_frames(frames)
            recorder.await_frames(len(frames))
            assert np.array_equal(sounding(recorder.frames(), sample_rate), frames)
        else:
            microphone.write_frames(tone(1000, 2, sample_rate, channels))
    recording = recorder.await_end()
    if not is_exact(server, sample_rate):
        for channel in range(channels):
            frequency, decibels = quality(recording[:, channel], sample_rate)
            assert frequency == pytest.approx(1000, rel=0.01)
            assert decibels > 60


def test_ten_seconds_come_out_once_and_in_order(server: SoundServer, record: Record) -> None:
    with vmic.create_microphone_device("mic", 48000) as microphone:
        recorder = record(microphone)
        for first in range(0, 480_000, 960):
            assert microphone.write_frames(numbered(960, first=first)) == 960
    heard = recorder.await_end()
    recorder.heard().assert_exact(480_000)
    assert len(heard)


@pytest.mark.timing
def test_blocking_writes_keep_the_servers_pace(server: SoundServer, pytestconfig: pytest.Config) -> None:
    """The pace is the median over half of the time: a machine that stands still delays some writes."""
    half = 250 if pytestconfig.getoption("--long") else 75
    with vmic.create_microphone_device("mic", 48000) as microphone:
        frames = numbered(960)
        returned = []
        for _ in range(2 * half + 1):
            microphone.write_frames(frames)
            returned.append(time.monotonic())
    took = np.subtract(returned[half:], returned[:-half])
    assert np.median(took) == pytest.approx(half * 960 / 48000, rel=0.01)


@pytest.mark.parametrize("sample_rate", [8000, 16000, 48000])
def test_a_tail_of_three_milliseconds_is_heard(server: SoundServer, record: Record, sample_rate: int) -> None:
    count = sample_rate * 3 // 1000
    # The tail begins and ends softly, so no ramp is added.
    tail = np.rint(20000 * np.sin(np.pi * np.arange(count) / count)).astype(np.int16)
    expected = float((tail.astype(float) ** 2).sum())
    with vmic.create_microphone_device("mic", sample_rate) as microphone:
        recorder = record(microphone)
        microphone.write_frames(tail)
        # The test drains without `close`, which would end the stream.
        microphone.drain(timeout=5)
        # The recorder may get the tail in two parts, and a resampled tail has ripples before it.
        programs.await_that(lambda: energy(recorder) > 0.75 * expected, "the tail is heard", 10)
    recorder.await_end()
    assert energy(recorder) == pytest.approx(expected, rel=0.25)


def energy(recorder: Recorder) -> float:
    return float((recorder.frames().astype(float) ** 2).sum())


def test_a_clean_exit_loses_no_frame(server: SoundServer, record: Record) -> None:
    for length in (1, 100, 4801):
        with vmic.create_microphone_device("mic", 48000) as microphone:
            recorder = record(microphone)
            microphone.write_frames(numbered(length))
        recorder.await_end()
        recorder.heard().assert_exact(length, gaps=max(audio_signals.default_gaps, server.steps_missed))
        assert microphone.stats.heard == length


def test_two_microphones_keep_to_themselves(server: SoundServer, record: Record) -> None:
    with (
        vmic.create_microphone_device("one", 48000) as one,
        vmic.create_microphone_device("two", 48000, non_blocking=True) as two,
    ):
        recorders = record(one), record(two)
        two.write_frames(numbered(48000, first=30000))
        one.write_frames(numbered(48000))
    for recorder, first in zip(recorders, (0, 30000), strict=True):
        recorder.await_end()
        recorder.heard().assert_exact(48000, first)


def test_two_writers_on_one_microphone_are_mixed(server: SoundServer, record: Record) -> None:
    with vmic.create_microphone_device("mic", 48000, non_blocking=True) as microphone:
        recorder = record(microphone)
        with vmic.open_microphone_device("mic", non_blocking=True) as second:
            assert second.source_name == microphone.source_name
            second.write_frames(np.full(48000, 5000, np.int16))
            microphone.write_frames(np.full(48000, 300, np.int16))
        # The `close` of the second writer does not remove the device.
        microphone.write_frames(np.full(480, 30000, np.int16))
    recording = recorder.await_end()[:, 0]
    assert np.count_nonzero(recording == 5300) > 40000
    written = np.count_nonzero(np.isin(recording, (300, 5000, 5300, 30000)))
    # The other frames are ramps of 72 frames: each of the three utterances has two.
    assert np.count_nonzero(recording) - written <= 6 * 72
    assert np.count_nonzero(recording == 30000) == 480


def test_silence_is_heard_when_nothing_is_written(server: SoundServer, record: Record) -> None:
    with vmic.create_microphone_device("mic", 48000) as microphone:
        recorder = record(microphone)
        microphone.write_frames(numbered(480))
        begin = len(recorder.frames())
        while len(recorder.frames()) < begin + 48000:
            recorder.await_first_frame()
        assert not recorder.frames()[begin + 9600 :].any()
