"""write_frames, completion, drain, flush and stats: the counts are right, whatever happens in between."""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import audio_signals
import numpy as np
import programs
import pytest
from audio_signals import numbered
from recording import Recorder
from servers import SoundServer

import vmic

Record = Callable[..., Recorder]


class Calls:
    """The counts of the completions, in the order of the calls."""

    def __init__(self) -> None:
        self.counts: list[int] = []
        self._changed = threading.Condition()

    def __call__(self, count: int) -> None:
        with self._changed:
            self.counts.append(count)
            self._changed.notify_all()

    def wait_for(self, calls: int, timeout: float = 10) -> list[int]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.counts) >= calls, timeout), self.counts
            return list(self.counts)


def test_thirty_seconds_are_queued_at_once(server: SoundServer) -> None:
    with vmic.create_microphone_device("mic", 48000, non_blocking=True) as microphone:
        calls = Calls()
        begin = time.monotonic()
        assert microphone.write_frames(numbered(30 * 48000), calls) == 30 * 48000
        assert time.monotonic() - begin < 1
        assert microphone.stats.queued > 29 * 48000
        microphone.flush()
        assert calls.wait_for(1)[0] < 48000 * 5


def test_a_full_queue_accepts_less_and_says_so(server: SoundServer) -> None:
    with vmic.create_microphone_device("mic", 8000, non_blocking=True) as microphone:
        assert microphone.write_frames(bytes(2 * 8000 * 90)) == pytest.approx(8000 * 60, abs=800)
        assert microphone.write_frames(bytes(2 * 8000)) < 800
        microphone.flush()


@pytest.mark.parametrize("non_blocking", [False, True])
def test_frames_pass_at_most_five_files_before_c(server: SoundServer, non_blocking: bool) -> None:
    package = str(Path(vmic.__file__).parent)
    paths: list[set[str]] = []

    def note(frame: FrameType, event: str, function: Any) -> None:
        if event == "c_call" and function.__name__ == "vmic_write":
            stack = (one.f_code.co_filename for one, _ in traceback.walk_stack(frame))
            paths.append({file.removeprefix(package) for file in stack if file.startswith(package)})

    with vmic.create_microphone_device("mic", 48000, non_blocking=non_blocking) as microphone:
        sys.setprofile(note)
        try:
            microphone.write_frames(numbered(480))
        finally:
            sys.setprofile(None)
    (path,) = paths
    # The samples were converted before.
    assert len(path | {"/_stream/pcm.py"}) <= 5, path


@pytest.mark.parametrize("non_blocking", [False, True])
def test_completions_come_once_in_order_with_their_counts(server: SoundServer, non_blocking: bool) -> None:
    calls = Calls()
    with vmic.create_microphone_device("mic", 48000, non_blocking=non_blocking) as microphone:
        counts = [480, 1, 960, 0, 4800, 77]
        for count in counts:
            assert microphone.write_frames(numbered(count), calls) == count
        assert calls.wait_for(len(counts)) == counts
    assert calls.counts == counts


def test_a_completion_may_be_slow_or_raise_or_write(
    server: SoundServer, record: Record, caplog: pytest.LogCaptureFixture
) -> None:
    done = Calls()
    release = threading.Event()
    with vmic.create_microphone_device("mic", 48000, non_blocking=True) as microphone:
        recorder = record(microphone)

        def slow(_: int) -> None:
            assert release.wait(10)

        def bad(_: int) -> None:
            raise RuntimeError("a user's mistake")

        def again(count: int) -> None:
            microphone.write_frames(numbered(480, first=960 + count), done)

        microphone.write_frames(numbered(480), slow)
        microphone.write_frames(numbered(480, first=480), bad)
        recorder.await_frames(960)  # the slow callback does not delay the sound
        microphone.write_frames(numbered(480, first=960), again)
        release.set()
        assert done.wait_for(1) == [480]
    recorder.await_end()
    recorder.heard().assert_exact(4 * 480, gaps=2)  # a write that waits for a completion comes later
    assert "a user's mistake" in caplog.text


def test_flush_tells_what_was_heard_and_what_was_dropped(server: SoundServer, record: Record) -> None:
    calls = Calls()
    with vmic.create_microphone_device("mic", 48000, non_blocking=True) as microphone:
        recorder = record(microphone)
        microphone.write_frames(numbered(960), calls)
        microphone.drain()
        microphone.write_frames(numbered(96000, first=960), calls)
        microphone.write_frames(numbered(48000, first=96960), calls)
        recorder.await_frames(960 + 24000)
        heard, dropped = microphone.flush()
        assert heard + dropped == 144000
        # `heard` is exact to a quantum of PipeWire's graph, which is ten times the usual on PulseAudio.
        recorded = recorder.stop()
        assert np.count_nonzero(recorded) - 960 == pytest.approx(heard, abs=4800)
        stats = microphone.stats
        assert stats.dropped == dropped
        assert calls.wait_for(3)[::2] == [960, 0]
        assert 0 < calls.counts[1] <= heard + 2400


def test_flush_ends_a_blocking_write_without_an_error(server: SoundServer) -> None:
    with vmic.create_microphone_device("mic", 48000) as microphone:
        result: list[int] = []
        calls = Calls()
        thread = threading.Thread(
            target=lambda: result.append(microphone.write_frames(numbered(480_000), calls))
        )
        thread.start()
        while microphone.stats.heard < 4800:
            thread.join(0.01)
        heard, dropped = microphone.flush()
        thread.join(1)
        assert not thread.is_alive()
        assert result == [heard + dropped]
        assert 4800 <= heard < 480_000
        assert calls.wait_for(1)[0] == pytest.approx(heard, abs=2400)


def test_drain_waits_until_all_is_heard(server: SoundServer) -> None:
    with vmic.create_microphone_device("mic", 48000, non_blocking=True) as microphone:
        microphone.write_frames(numbered(24000))
        with pytest.raises(
            vmic.DrainTimeoutError, match=r"did not finish within 0.1 s: \d+ frames"
        ) as raised:
            microphone.drain(timeout=0.1)
        assert isinstance(raised.value, TimeoutError)
        microphone.drain()
        stats = microphone.stats
        assert (stats.heard, stats.queued) == (24000, 0)


def test_drain_takes_no_longer_than_the_audio(server: SoundServer) -> None:
    with vmic.create_microphone_device("mic", 8000) as microphone:
        for _ in range(30):
            microphone.write_frames(numbered(400))
            begin = time.monotonic()
            microphone.drain()
            # A drain takes 20 ms, or a second when the server has too few frames to continue.
            assert time.monotonic() - begin < 0.5


def test_a_time_to_wait_is_a_time(server: SoundServer) -> None:
    with vmic.create_microphone_device("mic", 8000) as microphone:
        for timeout in (-1, float("nan")):
            with pytest.raises(ValueError, match=f"timeout must be 0 seconds or more, got {timeout}"):
                microphone.write_frames(numbered(80), timeout=timeout)
            with pytest.raises(ValueError, match="timeout must be 0 seconds or more"):
                microphone.drain(timeout)
        with pytest.raises(TypeError, match="timeout must be a number of seconds, got '5'"):
            microphone.write_frames(numbered(80), timeout="5")  # type: ignore[arg-type]
        assert microphone.stats.frames_written == 0


@pytest.mark.parametrize("non_blocking", [False, True])
def test_many_threads_write_at_once(server: SoundServer, record: Record, non_blocking: bool) -> None:
    with vmic.create_microphone_device("mic", 48000, non_blocking=non_blocking) as microphone:
        recorder = record(microphone)

        def write(value: int) -> None:
            for _ in range(10):
                assert microphone.write_frames(np.full(480, 1000 * value, np.int16)) == 480

        threads = [threading.Thread(target=write, args=(value,)) for value in range(1, 9)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    sounding = audio_signals.sounding(recorder.await_end())[:, 0] // 1000
    assert [np.count_nonzero(sounding == value) for value in range(1, 9)] == [4800] * 8
    # Each write is heard in one piece.
    assert all(len(set(block)) == 1 for block in sounding.reshape(-1, 480).tolist())


def test_underruns_are_counted(server: SoundServer) -> None:
    with vmic.create_microphone_device("mic", 48000, non_blocking=True) as microphone:
        microphone.write_frames(numbered(480))
        programs.await_that(lambda: microphone.stats.queued == 0, "it is heard")
        assert not threading.Event().wait(0.1)  # the next write is late by 0.1 s
        microphone.write_frames(numbered(480))
        microphone.drain()
        assert microphone.stats.underruns == 1


def test_close_lets_a_blocking_write_say_how_far_it_came(server: SoundServer) -> None:
    microphone = vmic.create_microphone_device("mic", 48000)
    errors: list[vmic.ClosedError] = []

    def write() -> None:
        try:
            microphone.write_frames(numbered(480_000))
        except vmic.ClosedError as error:
            errors.append(error)

    thread = threading.Thread(target=write)
    thread.start()
    while microphone.stats.heard < 4800:
        thread.join(0.01)
    microphone.close()
    thread.join(1)
    assert errors[0].frames_written == microphone.stats.frames_written == microphone.stats.heard
    with pytest.raises(vmic.ClosedError, match="'mic' is closed"):
        microphone.write_frames(b"")


def test_a_forked_child_may_not_write(server: SoundServer, record: Record) -> None:
    with vmic.create_microphone_device("mic", 48000) as microphone:
        recorder = record(microphone)
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                microphone.write_frames(numbered(480))
            except vmic.DeviceError as error:
                os.write(writer, str(error).encode())
            microphone.close()
            os._exit(0)
        os.waitpid(pid, 0)
        assert b"belongs to process" in os.read(reader, 1000)
        os.close(reader)
        os.close(writer)
        microphone.write_frames(numbered(4800))
    recorder.await_end()
    recorder.heard().assert_exact(4800)
