"""What is asked of a read."""

from __future__ import annotations

from typing import Any

import pytest

from vmic import _reading


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
