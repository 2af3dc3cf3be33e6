"""Waiting threads sleep while sound is written, and `close` does not wait for a sound that is over."""

from __future__ import annotations

import functools
import threading
import time
from pathlib import Path

import programs
import pytest
from audio_signals import numbered
from servers import SoundServer

import vmic
from vmic._stream.playback import PlaybackStream

SECOND_OF_CHUNKS = 100
# The thread wakes once a second to check.
FEW = 15


def wakeups(thread: str) -> int:
    """Return how often the only thread of that name has gone to sleep so far."""
    (found,) = (one for one in threading.enumerate() if one.name == thread)
    status = Path(f"/proc/self/task/{found.native_id}/status").read_text()
    (count,) = (line.split()[1] for line in status.splitlines() if line.startswith("voluntary_ctxt_switches"))
    return int(count)


def test_a_write_does_not_wake_the_reconnect_thread(server: SoundServer) -> None:
    with vmic.create_microphone_device("mic", 48000) as microphone:
        before = wakeups("vmic-reconnection")
        for i in range(SECOND_OF_CHUNKS):
            microphone.write_frames(numbered(480, first=480 * i))
        assert wakeups("vmic-reconnection") - before < FEW


def test_what_is_played_to_a_speaker_does_not_wake_it_either(server: SoundServer) -> None:
    with vmic.create_speaker_device("speaker", 48000) as speaker:
        speaker.read_frames(480)
        before = wakeups("vmic-reconnection")
        speaker.read_frames(48000)
        assert wakeups("vmic-reconnection") - before < FEW


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return a list that receives the duration of each `time.sleep` of this thread."""
    sleeps: list[float] = []
    here, sleep = threading.current_thread(), time.sleep

    def note(seconds: float) -> None:
        if threading.current_thread() is here:
            sleeps.append(seconds)
        sleep(seconds)

    monkeypatch.setattr(time, "sleep", note)
    return sleeps


def test_close_waits_only_for_applications_that_may_not_have_the_end(
    server: SoundServer, slept: list[float]
) -> None:
    quiet = vmic.create_microphone_device("quiet", 48000)
    microphone = vmic.create_microphone_device("mic", 48000)
    microphone.write_frames(numbered(480))
    microphone.drain()
    slept.clear()
    quiet.close()
    assert sum(slept) == 0
    microphone.write_frames(numbered(480))
    microphone.close()
    assert 0 < sum(slept) <= 0.1


def test_close_does_not_wait_for_a_sound_that_was_over_before(
    server: SoundServer, slept: list[float]
) -> None:
    microphone = vmic.create_microphone_device("mic", 48000)
    microphone.write_frames(numbered(480))
    microphone.drain()
    programs.await_that(lambda: was_heard_before(0.1, microphone), "it was heard 0.1 s ago")
    slept.clear()
    microphone.close()
    assert sum(slept) == 0


def was_heard_before(seconds: float, microphone: vmic.VirtualMicrophoneDevice) -> bool:
    return microphone._stream.state().silent > seconds


@pytest.mark.timing
def test_an_idle_stream_is_closed_at_once(server: SoundServer, monkeypatch: pytest.MonkeyPatch) -> None:
    took = []
    close = PlaybackStream.close

    def timed(stream: PlaybackStream, *, lingers: bool) -> None:
        begin = time.monotonic()
        close(stream, lingers=lingers)
        took.append(time.monotonic() - begin)

    monkeypatch.setattr(PlaybackStream, "close", timed)
    for _ in range(5):
        microphone = vmic.create_microphone_device("mic", 48000)
        microphone.write_frames(numbered(480))
        microphone.drain()
        programs.await_that(functools.partial(was_heard_before, 1.2, microphone), "no silence follows it")
        microphone.close()
        if took[-1] < 0.03:
            return
    # A stream that has just received silence, as it does twice a second, takes 60 ms to close.
    pytest.fail(f"each close took longer than 30 ms: {took}")
