"""The buffer levels of this process's streams on the server, for streams that doubt their own level."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Collection
from typing import Any

from vmic._errors import ClosedError
from vmic._pulse.server import Server
from vmic._stream.playback import PlaybackStream


def show(pulse: Server, streams: Collection[PlaybackStream]) -> None:
    """Ask the server for the levels of those `streams` that doubt their own level, and pass the answers on.

    Two streams of this process into one microphone cannot be distinguished. They get no answer.
    """
    doubtful = [stream for stream in streams if _is_doubtful(stream)]
    if not doubtful:
        return
    inputs = [one for one in pulse.sink_input_list() if _is_ours(one)]
    for stream in doubtful:
        own = [one for one in inputs if one.proplist["media.name"] == stream.sink_name]
        if len(own) == 1:
            asked = time.monotonic_ns()
            # No event tells of levels, so ask for this stream.
            shown = pulse.sink_input_info(own[0].index)
            is_suspended = pulse.sink_info(shown.sink).state == "suspended"
            answered = time.monotonic_ns()
            with contextlib.suppress(ClosedError):
                stream.show_level(
                    asked, answered, shown.buffer_usec + shown.sink_usec, suspended=is_suspended
                )


def _is_doubtful(stream: PlaybackStream) -> bool:
    with contextlib.suppress(ClosedError):
        return stream.is_doubtful()
    return False


def _is_ours(sink_input: Any) -> bool:
    properties = sink_input.proplist
    return properties.get("application.process.id") == str(os.getpid()) and "media.name" in properties
