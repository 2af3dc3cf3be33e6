"""The arguments of a read, and what reads return at the end."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Any, cast

import programs
import pytest

import vmic
from vmic._base.callbacks import CallbackThread
from vmic._stream import read_queue
from vmic._stream.capture import CaptureStream


def checked(num_frames: Any, *, completion: object = None, timeout: float = 5.0) -> tuple[int, float]:
    return read_queue.checked(num_frames, completion, timeout)


@pytest.mark.parametrize("count", [0, 1, 2**31 - 1])
def test_a_number_of_frames_is_accepted(count: int) -> None:
    assert checked(count) == (count, 5.0)
    assert checked(count, completion=print, timeout=0) == (count, 0.0)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"num_frames": None}, TypeError, "num_frames must be an integer between 0 and 2147483647, got None"),
        ({"num_frames": -1}, ValueError, "num_frames must be an integer between 0 and 2147483647, got -1"),
        ({"num_frames": 2**31}, ValueError, "num_frames must be an integer between 0 and 2147483647"),
        ({"num_frames": 1.0}, TypeError, "num_frames must be an integer between 0 and 2147483647, got 1.0"),
        ({"num_frames": True}, TypeError, "num_frames must be an integer between 0 and 2147483647, got True"),
        ({"num_frames": 1, "completion": 1}, TypeError, "completion must be a function of one argument"),
        ({"num_frames": 1, "timeout": -1}, ValueError, "timeout must be 0 seconds or more"),
    ],
)
def test_what_is_no_read_is_refused(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        checked(**arguments)


def pending_reads(stream: object, calls: CallbackThread) -> read_queue.PendingReads:
    """Return the pending reads from `stream`, of 1 channel at 48 kHz."""
    queue = read_queue.ReadQueue(cast("CaptureStream", stream), 48000, 1, backlog=True)
    return read_queue.PendingReads(queue, calls)


class StreamWithLateFrames:
    """A capture stream from which frames still arrive after its reads have been informed of the end."""

    def __init__(self, *comes: int) -> None:
        self._comes = deque(comes)
        self.waits, self.goes_on = threading.Event(), threading.Event()

    def read(self, count: int) -> bytes:
        return bytes(2 * min(count, self._comes.popleft()))

    def wait_arrived(self, _count: int, _timeout: float) -> None:
        self.waits.set()
        self.goes_on.wait(10)


def test_after_one_that_got_less_none_gets_anything() -> None:
    stream = StreamWithLateFrames(0, 0, 10, 480)
    calls, got = CallbackThread("calls"), list[int]()
    reads = pending_reads(stream, calls)
    for _ in range(2):
        reads.expect(480, lambda frames: got.append(len(frames) // 2))
    assert stream.waits.wait(10)
    reads.close(0)
    stream.goes_on.set()
    reads.close(10)
    calls.close(10)
    assert got == [10, 0]


class Endless:
    """A stream that always has as many frames as a read requests."""

    def __init__(self) -> None:
        self.read_frames = 0

    def read(self, count: int) -> bytes:
        self.read_frames += count
        return bytes(2 * count)

    def wait_arrived(self, _count: int, _timeout: float) -> None:
        """Return at once: there is nothing to wait for."""


def test_what_waits_for_a_slow_callback_has_an_end() -> None:
    stream, calls, released = Endless(), CallbackThread("calls"), threading.Event()
    reads = pending_reads(stream, calls)
    got: list[int] = []

    def take(frames: bytes) -> None:
        released.wait(20)
        got.append(len(frames))

    mib = 1 << 19  # frames
    for _ in range(40):
        reads.expect(mib, take)
    programs.await_that(lambda: stream.read_frames == 16 * mib, "16 MB are read")
    time.sleep(0.2)
    assert stream.read_frames == 16 * mib  # the ring keeps what arrives, and drops the oldest
    with pytest.raises(
        vmic.DeviceError, match="cannot accept another completion: 16 completions are pending"
    ):
        calls.check_room()
    released.set()
    programs.await_that(lambda: len(got) == 40, "all are called")
    calls.check_room()
    reads.close(10)
    calls.close(10)
    assert got == [2 * mib] * 40


def test_reads_that_wait_have_an_end() -> None:
    stream, calls = StreamWithLateFrames(0, 0, 0), CallbackThread("calls")
    reads = pending_reads(stream, calls)
    reads.expect(480, print)
    assert stream.waits.wait(10)  # the read is under way
    for _ in range(65_535):
        reads.expect(480, None)
    with pytest.raises(
        vmic.DeviceError, match="cannot accept another completion: 65536 completions are pending"
    ):
        reads.expect(480, print)
    reads.close(0)
    stream.goes_on.set()
    reads.close(10)
    calls.close(10)
