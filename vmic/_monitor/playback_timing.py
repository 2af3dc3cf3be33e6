"""The levels of this process's playback streams and the latencies of their sinks, which no event reports."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Collection, Iterable
from typing import Any

from vmic._device.registry import Device
from vmic._errors import ClosedError
from vmic._pulse import server_profiles
from vmic._pulse.server import Server
from vmic._stream.playback import PlaybackStream


class StreamLevels:
    """The levels of this process's playback streams.

    PulseAudio is asked for the level of a stream that doubts its own level. It is also asked while the sink
    of a stream is suspended, and once more afterwards: libpulse may report that a suspended sink plays, so
    the stream has no doubt. PipeWire's sinks have no such state, and its streams need no answer.
    """

    def __init__(self) -> None:
        self._suspended: set[PlaybackStream] = set()  # as the server has shown last

    def look(self, pulse: Server, streams: Collection[PlaybackStream]) -> None:
        """Ask the server for the levels of those `streams` that need it, and pass the answers on.

        Two streams of this process into one microphone cannot be distinguished. They get no answer.
        """
        if server_profiles.of(pulse) is not server_profiles.PULSEAUDIO:
            return
        suspended = {sink.name for sink in pulse.sink_list() if sink.state == "suspended"}
        self._suspended.intersection_update(streams)
        asking = [
            stream
            for stream in streams
            if stream.sink_name in suspended or stream in self._suspended or _is_doubtful(stream)
        ]
        inputs = [one for one in pulse.sink_input_list() if _is_ours(one)] if asking else []
        for stream in asking:
            own = [one.index for one in inputs if one.proplist["media.name"] == stream.sink_name]
            if len(own) == 1:
                self._show(pulse, stream, own[0])

    def _show(self, pulse: Server, stream: PlaybackStream, index: int) -> None:
        asked = time.monotonic_ns()
        # No event tells of levels, so ask for this stream.
        shown = pulse.sink_input_info(index)
        is_suspended = pulse.sink_info(shown.sink).state == "suspended"
        answered = time.monotonic_ns()
        if is_suspended:
            self._suspended.add(stream)
        else:
            self._suspended.discard(stream)
        with contextlib.suppress(ClosedError):
            stream.show_level(asked, answered, shown.buffer_usec + shown.sink_usec, suspended=is_suspended)


class SinkLatencies:
    """The latencies that PulseAudio has configured for the sinks of microphones.

    A recording that wants less latency than the microphone's stream shortens the periods of the sink. The
    server is asked again when a sink has other recordings than before.
    """

    def __init__(self) -> None:
        # By the number of the sink: its recordings, and the latency with these.
        self._known: dict[int, tuple[frozenset[int], int]] = {}

    def look(self, pulse: Server, microphones: Iterable[Device]) -> dict[int, int]:
        """Return the latency of each sink in microseconds, by its number. There are none on PipeWire."""
        if server_profiles.of(pulse) is not server_profiles.PULSEAUDIO:
            return {}
        recordings = pulse.source_output_list()
        known: dict[int, tuple[frozenset[int], int]] = {}
        for microphone in microphones:
            sink = microphone.sink.index
            sources = {microphone.source.index, microphone.sink.monitor_source}
            recorded_by = frozenset(one.index for one in recordings if one.source in sources)
            before, latency = self._known.get(sink, (None, 0))
            if before != recorded_by:
                latency = pulse.sink_info(sink).configured_latency
            known[sink] = recorded_by, latency
        self._known = known
        return {sink: latency for sink, (_, latency) in known.items()}


def _is_doubtful(stream: PlaybackStream) -> bool:
    with contextlib.suppress(ClosedError):
        return stream.is_doubtful()
    return False


def _is_ours(sink_input: Any) -> bool:
    properties = sink_input.proplist
    return properties.get("application.process.id") == str(os.getpid()) and "media.name" in properties
