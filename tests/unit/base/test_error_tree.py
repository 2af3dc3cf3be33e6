"""The errors form one tree, as drawn, and can be sent between processes."""

from __future__ import annotations

import copy
import inspect
import pickle
import re

import pytest

import vmic
from vmic import _errors

KINDS = [
    vmic.ServerError,
    vmic.DeviceError,
    vmic.DeviceLostError,
    vmic.DrainTimeoutError,
    vmic.ClosedError,
]
COUNTING = [vmic.DeviceLostError, vmic.ClosedError]


@pytest.mark.parametrize("kind", KINDS)
def test_the_tree(kind: type[vmic.VmicError]) -> None:
    above = (vmic.VmicError, TimeoutError) if kind is vmic.DrainTimeoutError else (vmic.VmicError,)
    assert kind.__mro__[1 : len(above) + 2] == (*above, OSError)


def test_the_drawing_shows_every_error() -> None:
    drawn = re.findall(r"[├└]── (\w+)", inspect.getdoc(_errors) or "")
    defined = [e.__name__ for e in vars(_errors).values() if inspect.isclass(e) and issubclass(e, OSError)]
    assert drawn == defined == ["VmicError", *(kind.__name__ for kind in KINDS)]


@pytest.mark.parametrize("kind", [vmic.VmicError, *KINDS])
@pytest.mark.parametrize("through", [copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))])  # noqa: S301
def test_an_error_can_be_copied_and_sent(kind: type[vmic.VmicError], through: object) -> None:
    error = kind("what happened")
    if isinstance(error, (vmic.DeviceLostError, vmic.ClosedError)):
        error.frames_written = 480
    again = through(error)  # type: ignore[operator]
    assert (type(again), str(again), again.args) == (kind, "what happened", ("what happened",))
    assert vars(again) == vars(error)


@pytest.mark.parametrize("kind", COUNTING)
def test_an_interrupted_write_tells_how_far_it_came(kind: type[vmic.ClosedError]) -> None:
    assert kind("closed", 480).frames_written == 480
    assert kind("closed").frames_written == 0
    assert str(kind("closed", 480)) == "closed"


def test_a_message_is_all_of_the_text() -> None:
    # OSError would print "[Errno None] None" or the text of an errno.
    assert str(vmic.ServerError("no sound server answers")) == "no sound server answers"
    assert vmic.ServerError("no sound server answers").errno is None
