"""How large the prebuffer for late writes is, what a gap sounds like, and how fast the sound stops."""

from __future__ import annotations

import itertools
import statistics
import threading
import time
from collections.abc import Callable

import numpy as np
import programs
import pytest
from audio_signals import HeardSignal, is_written, numbered
from recording import Recorder
from servers import SoundServer
from timed_recording import TimedRecorder

import vmic
from vmic._stream.latency import Latency

pytestmark = pytest.mark.own_quantum
Record = Callable[..., Recorder]


def come_late(microphone: vmic.VirtualMicrophoneDevice, seconds: float) -> None:
    """Write twice, and wait `seconds` seconds after each write is heard."""
    for _ in range(2):
        microphone.write_frames(numbered(480))
        programs.await_that(lambda: microphone.stats.queued == 0, "it is heard")
        threading.Event().wait(seconds)


def test_an_utterance_begins_as_soon_as_latency_says(server: SoundServer) -> None:
    for latency, prebuffer in (("low", 0.0), ("auto", 0.0), ("safe", 0.1), (0.3, 0.3), (0, 0.0)):
        with vmic.create_microphone_device(
            "mic",
            48000,
            non_blocking=True,
            latency=latency,  # type: ignore[arg-type]
        ) as microphone:
            least = microphone.stats.prebuffer
            assert least == pytest.approx(prebuffer, abs=0.01)
            microphone.write_frames(numbered(480))
            microphone.drain()
            begin = time.monotonic()
            threading.Event().wait(0.6)
            assert time.monotonic() - begin > 0.6
            microphone.write_frames(numbered(480))
            while microphone.stats.queued == 480 and microphone.latency < prebuffer:
                threading.Event().wait(0.001)
            microphone.drain()


def test_a_late_write_makes_the_prebuffer_grow(server: SoundServer) -> None:
    with vmic.create_microphone_device("mic", 48000, non_blocking=True) as microphone:
        least = microphone.stats.prebuffer
        come_late(microphone, 0.03)
        assert microphone.stats.underruns == 1
        assert least < microphone.stats.prebuffer <= 0.15


def test_a_write_after_a_drain_is_not_late(server: SoundServer) -> None:
    with vmic.create_microphone_device("mic", 48000, non_blocking=True) as microphone:
        least = microphone.stats.prebuffer
        for _ in range(5):
            microphone.write_frames(numbered(480))
            microphone.drain()
        assert microphone.stats.underruns == 0
        assert microphone.stats.prebuffer == least


@pytest.mark.parametrize("latency", ["low", 0.05])
def test_a_fixed_prebuffer_stays(server: SoundServer, latency: Latency) -> None:
    with vmic.create_microphone_device("mic", 48000, non_blocking=True, latency=latency) as microphone:
        least = microphone.stats.prebuffer
        come_late(microphone, 0.1)
        assert microphone.stats.underruns == 1
        assert microphone.stats.prebuffer == least


def test_a_blocking_write_leaves_as_much_queued(server: SoundServer) -> None:
    with vmic.create_microphone_device("mic", 48000, latency=0.5) as microphone:
        begin = time.monotonic()
        for first in range(0, 48000, 4800):
            assert microphone.write_frames(numbered(4800, first=first)) == 4800
        # Not `queued`: on a busy machine PulseAudio confirms later what was heard (355 frames were measured).
        assert microphone.latency <= 0.5 + 0.005
        # One second less the half that is queued, plus the time until the first frame is heard.
        assert 0.3 < time.monotonic() - begin < 5
        microphone.drain()


def test_a_loop_that_is_too_slow_has_few_gaps(server: SoundServer) -> None:
    """The loop writes 20 ms and then sleeps for 22 ms."""
    gaps = {}
    for latency in ("low", "auto"):
        with vmic.create_microphone_device(
            "mic",
            48000,
            non_blocking=True,
            latency=latency,
        ) as microphone:
            for first in range(0, 100 * 960, 960):
                microphone.write_frames(numbered(960, first=first))
                threading.Event().wait(0.022)
            microphone.drain()
            gaps[latency] = microphone.stats.underruns
    assert 0 < gaps["auto"] <= gaps["low"] / 2


def test_latency_does_not_grow_by_being_late_once(server: SoundServer) -> None:
    """Blocking writes make up for all delays."""
    with vmic.create_microphone_device("mic", 48000) as microphone:
        for first in range(0, 20 * 960, 960):
            microphone.write_frames(numbered(960, first=first))
            if first == 9600:
                threading.Event().wait(0.1)
        assert microphone.latency <= max(0.05, microphone.stats.prebuffer + 0.05)


@pytest.mark.parametrize(
    ("latency", "error", "message"),
    [
        ("fast", ValueError, '"low", "auto", "safe" or a number of seconds, got \'fast\''),
        (-0.1, ValueError, "latency must be between 0 and 2 seconds, got -0.1"),
        (2.1, ValueError, "latency must be between 0 and 2 seconds, got 2.1"),
        (float("nan"), ValueError, "latency must be between 0 and 2 seconds, got nan"),
        (None, TypeError, "or a number of seconds, got None"),
        (True, TypeError, "or a number of seconds, got True"),
    ],
)
def test_latency_is_a_word_or_a_time(
    server: SoundServer, latency: object, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        vmic.create_microphone_device("mic", latency=latency)  # type: ignore[arg-type]
    assert vmic.list_microphone_devices() == []
    with vmic.create_microphone_device("mic"), pytest.raises(error, match=message):
        vmic.open_microphone_device("mic", latency=latency)  # type: ignore[arg-type]


def test_a_gap_does_not_click(server: SoundServer, record: Record) -> None:
    utterances = 8
    with vmic.create_microphone_device("mic", 48000, 2, non_blocking=True) as microphone:
        recorder = record(microphone)
        for _ in range(utterances):
            microphone.write_frames(np.full((960, 2), (20000, -10000), np.int16))
            microphone.drain()
            threading.Event().wait(0.05)
    samples = recorder.await_end().astype(int)
    written = is_written(samples.astype(np.int16), 48000)
    assert written.sum() == utterances * 960
    assert set(map(tuple, samples[written])) == {(20000, -10000)}
    # The steepest part of a ramp of 72 frames is 1.5 times its mean. A machine that stops makes clicks.
    clicks = (np.abs(np.diff(samples, axis=0)) > 20000 * 1.5 / 72 + 1).any(axis=1).sum()
    assert clicks <= utterances


def test_flush_fades_and_tells_exactly_what_was_heard(server: SoundServer) -> None:
    """The test uses medians: when the machine stops for a step, a result is wrong by that step."""
    errors, stops, begins, lasts = [], [], [], []
    with (
        vmic.create_microphone_device("mic", 48000, non_blocking=True) as microphone,
        TimedRecorder(microphone) as listener,
    ):
        for trial in range(7):
            begin = len(listener.frames())
            microphone.write_frames(numbered(96000))
            listener.await_frames(begin + 14400 + 131 * trial)
            at_call = len(listener.frames())
            heard, dropped = microphone.flush(fade_ms=5)
            assert heard + dropped == 96000
            listener.await_silence(4800)
            captured = listener.frames()[begin:]
            numbers = captured.view(np.uint16)[:, 0].astype(int)
            places = np.flatnonzero(numbers)
            # The sound is untouched as long as each number follows the previous one. Then come the 239 frames
            # of the fade. Two ramps of 72 frames, at a gap that a stopped machine has made, are not a fade.
            follows = np.diff(numbers[places]) == 1
            run = next(i for i in itertools.count() if not follows[i : i + 200].any())
            errors.append(abs(numbers[places[run]] - heard))
            fade = captured[places[run] + 1 : places[run] + 241, 0].astype(int)
            begins.append(abs(int(fade[0]) - int(captured[places[run], 0])))
            lasts.append(places[-1] - places[run])
            stops.append((begin + places[-1] - at_call) / 48)
    # `heard` is within 10 ms of what was captured. The sound stops within ten times 10 ms (PulseAudio) and
    # ten times 30 ms (PipeWire).
    assert statistics.median(errors) <= 480
    assert statistics.median(stops) < (100 if server.kind == "pulseaudio" else 300)
    # The fade begins without an edge: 240 frames lead from at most 14000 + 960 to 0.
    assert statistics.median(begins) < 1000
    assert statistics.median(lasts) < 480


@pytest.mark.long
@pytest.mark.timing
def test_the_fade_follows_the_sound_at_once(server: SoundServer) -> None:
    late = 0
    with (
        vmic.create_microphone_device("mic", 48000, non_blocking=True) as microphone,
        TimedRecorder(microphone) as listener,
    ):
        for trial in range(60):
            begin = len(listener.frames())
            microphone.write_frames(np.full(48000, 20000, np.int16))
            listener.await_frames(begin + 9600 + 37 * trial)
            microphone.flush(fade_ms=5)
            listener.await_silence(4800)
            captured = listener.frames()[begin:, 0]
            fade = np.trim_zeros(captured[np.flatnonzero(captured == 20000)[-1] + 1 :], "b")
            late += int((fade == 0).any())
    # Without the wait for the server's period 2 to 5 of 60 were late on an idle machine.
    assert late <= 1


def test_flush_without_a_fade_cuts_the_sound_off(server: SoundServer) -> None:
    with (
        vmic.create_microphone_device("mic", 48000, non_blocking=True) as microphone,
        TimedRecorder(microphone) as listener,
    ):
        microphone.write_frames(numbered(96000))
        listener.await_frames(len(listener.frames()) + 4800)
        heard, _ = microphone.flush(fade_ms=0)
        listener.await_silence(4800)
        captured = HeardSignal.in_recording(listener.frames())
        assert (captured.lost, captured.repeated, captured.first) == (0, 0, 0)
        assert captured.frames == pytest.approx(heard, abs=4800)


def test_a_fade_is_a_time(server: SoundServer) -> None:
    with vmic.create_microphone_device("mic", 48000, non_blocking=True) as microphone:
        microphone.write_frames(numbered(48000))
        for fade_ms in (-1, 101, float("nan")):
            with pytest.raises(ValueError, match="fade_ms must be between 0 and 100 milliseconds"):
                microphone.flush(fade_ms)
        with pytest.raises(TypeError, match="fade_ms must be a number of milliseconds, got '5'"):
            microphone.flush("5")  # type: ignore[arg-type]
        assert microphone.stats.dropped == 0
        microphone.flush(100)
