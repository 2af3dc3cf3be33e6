"""Each write has one completion, in order, whatever a callback does. The stream here has no server."""

from __future__ import annotations

import itertools
import sys
import threading
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import vmic
from vmic._pulse import server_profiles
from vmic._stream import latency
from vmic._stream.completions import Completions
from vmic._stream.playback import PlaybackStream
from vmic._stream.write_queue import WriteQueue

FRAME = memoryview(b"\1\0")
MAX_WAITING = 65_536


class Calls:
    """Records the callbacks that were called, and their threads."""

    def __init__(self) -> None:
        self.made: list[tuple[str, int]] = []
        self.threads: set[str] = set()
        self._changed = threading.Condition()

    def of(self, name: str, then: Callable[[], object] = lambda: None) -> Callable[[int], None]:
        def call(count: int) -> None:
            with self._changed:
                self.made.append((name, count))
                self.threads.add(threading.current_thread().name)
                self._changed.notify_all()
            then()

        return call

    def wait_for(self, calls: int) -> list[tuple[str, int]]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.made) >= calls, 10), self.made
            return list(self.made)


@pytest.fixture
def stream() -> Iterator[PlaybackStream]:
    away = PlaybackStream(
        "nowhere",
        server="unix:/nonexistent",
        sample_rate=48000,
        channels=1,
        capacity=48000,
        metrics=server_profiles.PULSEAUDIO.metrics,
        prebuffer=latency.prebuffer("auto"),
    )
    assert away.wait_disconnected(10)
    yield away
    away.close()


def queue_of(stream: PlaybackStream) -> WriteQueue:
    return WriteQueue(stream, sample_rate=48000, channels=1, latency=0.02, room=0.25)


def mistake() -> None:
    raise RuntimeError("a user's mistake")


def leave() -> None:
    sys.exit("a callback that ends the program")


def test_each_write_has_its_count_in_order(stream: PlaybackStream) -> None:
    calls, completions = Calls(), Completions(stream)
    for name, start, end in (("whole", 0, 10), ("nothing", 10, 10), ("part", 10, 30), ("none", 30, 40)):
        completions.expect(calls.of(name), start, end)
    completions.close(15, timeout=10)
    assert calls.made == [("whole", 10), ("nothing", 0), ("part", 5), ("none", 0)]
    assert calls.threads == {"vmic-completions"}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(lengths=st.lists(st.integers(0, 50), min_size=1, max_size=20), taken=st.integers(0, 500))
def test_counts_add_up_to_what_was_taken(stream: PlaybackStream, lengths: list[int], taken: int) -> None:
    calls, completions = Calls(), Completions(stream)
    ends = list(itertools.accumulate(lengths))
    for number, (start, end) in enumerate(zip([0, *ends], ends, strict=False)):
        completions.expect(calls.of(str(number)), start, end)
    completions.close(min(taken, ends[-1]), timeout=10)
    # Frames are consumed from the front.
    left = taken
    for number, length in enumerate(lengths):
        assert calls.made[number] == (str(number), min(length, left))
        left -= min(length, left)
    assert len(calls.made) == len(lengths)


@pytest.mark.parametrize("bad", [mistake, leave])
def test_a_raising_callback_is_reported_and_stops_nothing(
    stream: PlaybackStream, caplog: pytest.LogCaptureFixture, bad: Callable[[], object]
) -> None:
    calls, completions = Calls(), Completions(stream)
    completions.expect(calls.of("bad", bad), 0, 10)
    completions.expect(calls.of("next"), 10, 20)
    completions.close(20, timeout=10)
    assert calls.made == [("bad", 10), ("next", 10)]
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("vmic.program", "ERROR")
    assert "the callback <function" in record.getMessage()
    assert "a user's mistake" in caplog.text or "a callback that ends" in caplog.text


def test_a_slow_callback_holds_no_write_up(stream: PlaybackStream) -> None:
    calls, write_queue, release = Calls(), queue_of(stream), threading.Event()
    write_queue.post(FRAME, 1, calls.of("slow", lambda: release.wait(10)))
    write_queue.flush(0, 1)
    calls.wait_for(1)
    assert write_queue.post(FRAME, 1, calls.of("next")) == 1
    assert write_queue.flush(0, 1) == (0, 1)
    assert calls.made == [("slow", 0)]
    release.set()
    assert calls.wait_for(2) == [("slow", 0), ("next", 0)]


def test_a_callback_may_write_again(stream: PlaybackStream) -> None:
    calls, write_queue, written = Calls(), queue_of(stream), threading.Event()

    def write_again() -> None:
        assert write_queue.post(FRAME, 1, calls.of("second")) == 1
        written.set()

    write_queue.post(FRAME, 1, calls.of("first", write_again))
    write_queue.flush(0, 1)
    assert written.wait(10)
    assert calls.made == [("first", 0)]
    write_queue.flush(0, 1)
    assert calls.wait_for(2) == [("first", 0), ("second", 0)]


def test_a_callback_may_close(stream: PlaybackStream) -> None:
    calls, completions = Calls(), Completions(stream)
    written, closed = threading.Event(), threading.Event()

    def close() -> None:
        assert written.wait(10)
        completions.close(20, timeout=10)
        closed.set()

    completions.expect(calls.of("closes", close), 0, 0)
    completions.expect(calls.of("last"), 0, 20)
    written.set()
    # Soon, because it does not wait for its own thread.
    assert closed.wait(5)
    assert calls.wait_for(2) == [("closes", 0), ("last", 20)]


def test_a_write_that_became_shorter(stream: PlaybackStream) -> None:
    calls, completions = Calls(), Completions(stream)
    write = completions.expect(calls.of("cut"), 0, 100)
    completions.expect(calls.of("next"), 40, 60)
    completions.shorten(write, 40)
    completions.close(60, timeout=10)
    assert calls.made == [("cut", 40), ("next", 20)]


def test_what_a_flush_drops_is_not_counted(stream: PlaybackStream) -> None:
    calls, write_queue = Calls(), queue_of(stream)
    for name in ("one", "two", "three"):
        assert write_queue.post(memoryview(bytes(200)), 100, calls.of(name)) == 100
    assert write_queue.flush(0, 1) == (0, 300)
    assert calls.wait_for(3) == [("one", 0), ("two", 0), ("three", 0)]
    write_queue.close(timeout=10)
    assert len(calls.made) == 3


def test_callbacks_that_wait_have_an_end(stream: PlaybackStream) -> None:
    calls, write_queue, release = Calls(), queue_of(stream), threading.Event()
    write_queue.post(FRAME, 1, calls.of("slow", lambda: release.wait(20)))
    for _ in range(MAX_WAITING - 1):
        write_queue.post(FRAME[:0], 0, calls.of("next"))
    write_queue.flush(0, 1)
    calls.wait_for(1)  # the first callback is running
    for write in (
        lambda: write_queue.post(FRAME, 1, calls.of("none")),
        lambda: write_queue.begin(1, calls.of("none")),
    ):
        with pytest.raises(
            vmic.DeviceError, match="cannot accept another completion: 65536 completions are pending"
        ):
            write()
    assert stream.state().written == 1
    assert write_queue.post(FRAME, 1, None) == 1
    release.set()
    calls.wait_for(MAX_WAITING)
    write_queue.post(FRAME, 1, calls.of("again"))
    write_queue.flush(0, 1)
    assert calls.wait_for(MAX_WAITING + 1)[-1] == ("again", 0)
