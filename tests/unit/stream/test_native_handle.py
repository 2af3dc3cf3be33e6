"""Python's handles of native objects are freed when no call uses them, and waits on them do not overflow."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from vmic._base.validation import MAX_SECONDS
from vmic._pulse import server_profiles
from vmic._pulse.bindings import blocking, nonblocking, nonblocking_ffi
from vmic._stream import capture, latency, playback
from vmic._stream.capture import CaptureStream
from vmic._stream.native import NativeStream
from vmic._stream.playback import PlaybackStream

NOWHERE = "unix:/nonexistent"


def playback_stream() -> PlaybackStream:
    return PlaybackStream(
        "nowhere",
        server=NOWHERE,
        sample_rate=48000,
        channels=1,
        capacity=48000,
        metrics=server_profiles.PULSEAUDIO.metrics,
        prebuffer=latency.prebuffer("auto"),
    )


def capture_stream() -> CaptureStream:
    return CaptureStream(
        "nowhere", server=NOWHERE, sample_rate=48000, channels=1, capacity=48000, period=0.005
    )


PLAYBACK: list[tuple[str, Callable[[PlaybackStream], object]]] = [
    ("vmic_write", lambda s: s.write(memoryview(bytes(2)), 1)),
    ("vmic_set_listened", lambda s: s.set_listened(True)),
    ("vmic_end_utterance", lambda s: s.end_utterance()),
    ("vmic_get_stats", lambda s: s.done()),
    ("vmic_get_stats", lambda s: s.due()),
    ("vmic_get_stats", lambda s: s.state()),
]
CAPTURE: list[tuple[str, Callable[[CaptureStream], object]]] = [
    ("vmic_reader_read", lambda s: s.read(1)),
    ("vmic_reader_flush", lambda s: s.flush()),
    ("vmic_reader_set_played", lambda s: s.set_played(True)),
    ("vmic_reader_get_stats", lambda s: s.state()),
]


@pytest.mark.parametrize(
    ("module", "make", "function", "call"),
    [
        *[(playback, playback_stream, *one) for one in PLAYBACK],
        *[(capture, capture_stream, *one) for one in CAPTURE],
    ],
)
def test_a_close_meanwhile_pulls_nothing_from_under_a_call(
    module: Any,
    make: Callable[[], NativeStream],
    function: str,
    call: Callable[[Any], object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    freed: list[str] = []
    free = module._FUNCTIONS.free

    def note_free(handle: object) -> None:
        freed.append("meanwhile" if under_way else "after")
        free(handle)

    under_way = False
    monkeypatch.setattr(module, "_FUNCTIONS", module._FUNCTIONS._replace(free=note_free))
    native = make()

    def close_and_call(pointer: object, *arguments: object) -> object:
        nonlocal under_way
        under_way = True
        native.close()
        answer = getattr(nonblocking, function)(pointer, *arguments)
        under_way = False
        return answer

    others = {name: getattr(nonblocking, name) for name in dir(nonblocking)}
    monkeypatch.setattr(module, "nonblocking", SimpleNamespace(**{**others, function: close_and_call}))
    if function == "vmic_reader_read":
        # A read first checks how many frames there are.
        call = lambda s: s._ask(module.nonblocking.vmic_reader_read, nonblocking_ffi.new("char[]", 2), 1)  # noqa: E731
    call(native)
    assert freed == ["after"]


@pytest.mark.parametrize("make", [playback_stream, capture_stream])
def test_a_wait_may_last_as_long_as_an_argument_says(make: Callable[[], NativeStream]) -> None:
    native, outcome = make(), list[object]()
    assert native.wait_disconnected(10)

    def wait() -> None:
        try:
            # Including the time that the audio takes.
            outcome.append(native._wait(blocking.VMIC_CONSUMED, 1, MAX_SECONDS + 3600))
        except Exception as error:  # noqa: BLE001 (what it raises is the test)
            outcome.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    time.sleep(0.05)
    assert waiting.is_alive(), outcome
    native.close()
    waiting.join(10)
    assert outcome == [False]
