"""A creation whose caller no longer waits is undone, whenever it finishes."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable

import programs
import pytest
from servers import SoundServer

import vmic
from vmic._base import threads
from vmic._device import create, registry
from vmic._device.spec import MicrophoneSpec
from vmic._pulse import connection


class EndsTooLate(threading.Event):
    """An event that is set after its timeout has passed, and before the caller reacts to the timeout."""

    def wait(self, timeout: float | None = None) -> bool:
        super().wait()
        return timeout is None


def test_a_device_that_is_made_between_the_timeout_and_its_cancellation(
    server: SoundServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = MicrophoneSpec("mic", "mic", 48000, 1)
    make = functools.partial(create.make, spec=spec, owner=None, volume_guard=True, replace=False)
    start = threads.start

    def start_late(run: Callable[[], object], name: str) -> threading.Thread:
        call: connection.TimedCall[object] = run.__self__  # type: ignore[attr-defined]
        call.ended = EndsTooLate()
        return start(run, name)

    with monkeypatch.context() as late:
        late.setattr(threads, "start", start_late)
        with pytest.raises(vmic.ServerError, match="did not answer within 5 s"):
            connection.call(make, undo=registry.remove)
    programs.await_that(lambda: vmic.list_microphone_devices() == [], "it is undone", 10)
