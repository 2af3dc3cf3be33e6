"""What is asked of a read, and what reads get at the end."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any, cast

import pytest

from vmic import _reading
from vmic._calls import Calls
from vmic._source import Source


def checked(
    num_frames: Any = None, num_frame: Any = None, *, completion: object = None, timeout: float = 5.0
) -> int:
    return _reading.checked(num_frames, num_frame, completion, timeout)


@pytest.mark.parametrize("count", [0, 1, 2**31 - 1])
def test_the_number_has_two_names(count: int) -> None:
    assert checked(count) == checked(num_frame=count) == count
    assert checked(count, completion=print, timeout=0) == count


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({}, TypeError, "takes a number of frames"),
        ({"num_frames": 1, "num_frame": 1}, TypeError, "takes a number of frames"),
        ({"num_frames": -1}, ValueError, "num_frames is 0 to 2147483647, not -1"),
        ({"num_frame": 2**31}, ValueError, "num_frames is 0 to 2147483647"),
        ({"num_frames": 1.0}, TypeError, "num_frames is an int, not float"),
        ({"num_frames": True}, TypeError, "num_frames is an int, not bool"),
        ({"num_frames": 1, "completion": 1}, TypeError, "completion is a function of the frames read"),
        ({"num_frames": 1, "timeout": -1}, ValueError, "timeout is 0 seconds or more"),
    ],
)
def test_what_is_no_read_is_refused(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        checked(**arguments)


class Late:
    """A source from which frames still come when its reads have been told of the end."""

    def __init__(self, *comes: int) -> None:
        self._comes = deque(comes)
        self.waits, self.goes_on = threading.Event(), threading.Event()

    def read(self, count: int) -> bytes:
        return bytes(2 * min(count, self._comes.popleft()))

    def wait_arrived(self, _count: int, _timeout: float) -> None:
        self.waits.set()
        self.goes_on.wait(10)


def test_after_one_that_got_less_none_gets_anything() -> None:
    source = Late(0, 0, 10, 480)
    calls, got = Calls(), list[int]()
    reads = _reading.PendingReads(_reading.Reading(cast("Source", source), 48000, 1), calls)
    for _ in range(2):
        reads.expect(480, lambda frames: got.append(len(frames) // 2))
    assert source.waits.wait(10)
    reads.close(0)
    source.goes_on.set()
    reads.close(10)
    calls.wait(10)
    assert got == [10, 0]
