"""PipeWire's quantum is found, whatever it is, and quanta that its graph skips are noticed."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable

import numpy as np
import programs
import pytest
from machine_stalls import watch
from servers import SoundServer
from timed_recording import TimedRecorder
from timed_speech import CHUNK, RATE, TimedSpeech

import vmic

pytestmark = [
    pytest.mark.timing,
    pytest.mark.own_quantum,
    pytest.mark.parametrize("server", ["pipewire"], indirect=True),
]

# How far the median of `latency` may be off. The recorder adds half a quantum: it gets whole ones.
RIGHT_WITHIN = 0.006
FIXED = (
    "default.clock.min-quantum = {0} default.clock.max-quantum = {0} default.clock.quantum = {0} "
    "clock.power-of-two-quantum = false"
)
# How often to flush: 19 ms without a core have made one of three results wrong by 1280 frames.
ROUNDS = 5


def of_graph(frames: int, rate: int, *marks: pytest.MarkDecorator) -> object:
    """Return the parameters of a test with such a graph: the server's settings, and the quantum in s."""
    settings = f"{FIXED.format(frames)} default.clock.rate = {rate}"
    return pytest.param(frames / rate, marks=(pytest.mark.clock(settings), *marks), id=f"{frames} at {rate}")


GRAPHS = [
    of_graph(128, 48000, pytest.mark.long),
    of_graph(480, 48000, pytest.mark.long),
    of_graph(512, 48000, pytest.mark.long),
    of_graph(1024, 48000, pytest.mark.long),
    of_graph(2048, 48000),
    of_graph(128, 44100),
]


@pytest.mark.parametrize("quantum", GRAPHS)
def test_latency_is_right_with_any_quantum(
    server: SoundServer, quantum: float, record_property: Callable[[str, object], None]
) -> None:
    with (
        vmic.create_microphone_device("mic", RATE, non_blocking=True) as microphone,
        TimedRecorder(microphone) as listener,
    ):
        speech = TimedSpeech(microphone, listener)
        # A quantum that the graph skips delays the rest of one utterance only.
        for _ in range(4):
            speech.speak(0.5)
            microphone.drain(5)
            time.sleep(0.3)  # a pause of the sound
        listener.await_silence(RATE // 10)
        error = float(np.nanmedian(speech.errors()))
    record_property("latency is wrong by, ms", round(1000 * error, 1))
    assert error == pytest.approx(quantum / 2, abs=max(RIGHT_WITHIN, quantum / 4))


@pytest.mark.parametrize("rate", [16000, 44100, 48000])
def test_the_quantum_is_found_at_any_rate(server: SoundServer, rate: int) -> None:
    """At the first two rates a quantum of 256 is no whole number of frames: most requests follow two quanta.

    With "low" the prebuffer is 8 ms for a quantum of 256 frames, and more for a longer one.
    """
    with vmic.create_microphone_device("mic", rate, non_blocking=True, latency="low") as microphone:
        assert microphone.stats.prebuffer == pytest.approx(0.008, abs=0.0001)


@pytest.mark.clock(FIXED.format(480))
def test_a_quantum_that_is_no_power_of_two_is_found(server: SoundServer) -> None:
    with vmic.create_microphone_device("mic", RATE, non_blocking=True, latency="low") as microphone:
        assert microphone.stats.prebuffer == pytest.approx(0.008 + 480 / 48000 - 256 / 48000, abs=0.0001)


def test_a_quantum_that_changes_is_found_in_the_next_pause(server: SoundServer) -> None:
    with (
        vmic.create_microphone_device("mic", RATE, non_blocking=True, latency="low") as microphone,
        TimedRecorder(microphone) as listener,
    ):
        speech = TimedSpeech(microphone, listener)
        speech.speak(0.2)
        before = microphone.stats.prebuffer
        force(server, 1024)
        programs.await_that(
            lambda: microphone.stats.prebuffer > 2 * before, "the longer quantum is found", 10
        )
        begin = speech.writes
        speech.speak(2)
        force(server, 256)
        programs.await_that(lambda: microphone.stats.prebuffer == before, "the shorter quantum is found", 10)
        listener.await_silence(RATE // 10)
        error = float(np.nanmedian(speech.errors()[begin:]))
    assert error == pytest.approx(1024 / RATE / 2, abs=RIGHT_WITHIN)


def force(server: SoundServer, quantum: int) -> None:
    """Let the graph use this quantum from now on."""
    argv = ["pw-metadata", "-n", "settings", "0", "clock.force-quantum", str(quantum)]
    subprocess.run(argv, env=server.env, check=True, capture_output=True, timeout=10)


@pytest.mark.long
def test_skipped_quanta_are_noticed(
    server: SoundServer, record_property: Callable[[str, object], None]
) -> None:
    """The graph stands still for 12 ms, twenty times during 4 s of continuous sound."""
    graph = server.processes["pipewire"].pid
    with (
        vmic.create_microphone_device("mic", RATE, non_blocking=True, trim=False) as microphone,
        TimedRecorder(microphone) as listener,
    ):
        speech = TimedSpeech(microphone, listener)

        def stop(write: int) -> None:
            if write % 10 == 5:
                os.kill(graph, signal.SIGSTOP)
                time.sleep(0.012)
                os.kill(graph, signal.SIGCONT)

        server.was_frozen = True
        speech.speak(4, stop)
        stopped = speech.writes
        speech.speak(8)
        continuous = speech.writes
        microphone.drain(5)
        time.sleep(0.3)  # a pause of the sound: silence of 0.2 s makes the level exact
        speech.speak(1)
        microphone.drain(5)
        listener.await_silence(RATE // 10)
        errors = speech.errors()
    wrong = [
        round(1000 * float(np.nanmedian(part)), 1)
        for part in (
            errors[stopped - 25 : stopped],
            errors[continuous - 25 : continuous],
            errors[continuous:],
        )
    ]
    record_property("latency is wrong by, ms, in the end, 8 s later, after a pause", wrong)
    assert abs(wrong[1]) < 10
    assert abs(wrong[2] - 1000 * 128 / RATE) < 1000 * RIGHT_WITHIN


def test_flush_knows_what_was_heard_after_skipped_quanta(
    server: SoundServer, record_property: Callable[[str, object], None]
) -> None:
    errors: list[int] = []
    graph = server.processes["pipewire"].pid
    with (
        vmic.create_microphone_device("mic", RATE, non_blocking=True, trim=False) as microphone,
        TimedRecorder(microphone) as listener,
    ):
        speech = TimedSpeech(microphone, listener)
        server.was_frozen = True
        for _ in range(ROUNDS):
            speech.speak(0.5)
            for _ in range(4):
                os.kill(graph, signal.SIGSTOP)
                time.sleep(0.012)
                os.kill(graph, signal.SIGCONT)
                speech.speak(0.06)
            microphone.drain(5)
            time.sleep(0.3)  # a pause of the sound
            before, heard, begin = speech.writes, microphone.stats.heard, time.monotonic()
            speech.speak(0.3)
            microphone.flush(fade_ms=0)
            listener.await_silence(RATE // 10)
            captured = speech.last() + 1 - before * CHUNK
            # A quantum that the graph skips after the pause is not what this tests.
            if watch().longest(begin) == 0:
                errors.append(microphone.stats.heard - heard - captured)
    record_property("frames that count as heard, beyond those captured", errors)
    assert errors, "the machine stood still in each round"
    assert max(map(abs, errors)) <= 256
