"""The applications that record the source of a microphone."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any

from vmic._pulse.server import Server


@dataclass(frozen=True)
class Listener:
    """An application that records a microphone.

    Attributes:
        application: The name that the application gives to the sound server.
        pid: The id of the application's process. None if the application does not give it to the server.
        muted: Whether the recording is muted on the sound server. The application then records silence.
        since: When vmic first saw the recording, in seconds since 1970 (as `time.time()`).
    """

    __module__ = "vmic"

    application: str
    pid: int | None
    muted: bool
    since: float


def streams(pulse: Server, sources: Container[int]) -> list[Any]:
    """Return the recording streams that hear these sources.

    Only the source of a microphone counts. The source itself always records the monitor behind it.
    """
    return [s for s in pulse.source_output_list() if s.source in sources and _hears(s)]


def listeners(
    pulse: Server, hearing: list[Any], since: Mapping[tuple[int, int], float]
) -> dict[int, tuple[Listener, ...]]:
    """Return the listeners that own these streams, by source, in the order in which they came.

    Args:
        pulse: The connection on which the streams were read.
        hearing: The streams that `streams` returned.
        since: When each stream was first seen, by stream and source.
    """
    clients = {client.index: client.proplist for client in pulse.client_list()} if hearing else {}
    found: dict[int, tuple[Listener, ...]] = {}
    for stream in sorted(hearing, key=lambda s: since[s.index, s.source]):
        properties = {**clients.get(stream.client, {}), **stream.proplist}
        listener = _listener(stream, properties, since[stream.index, stream.source])
        found[stream.source] = (*found.get(stream.source, ()), listener)
    return found


def _hears(stream: Any) -> bool:
    """Return whether the stream records sound. It does not if it is paused or only a level meter."""
    # A stream with PA_STREAM_PEAK_DETECT shows the first on PulseAudio 16.1, the second on PipeWire 0.3.65.
    is_meter = stream.resample_method == "peaks" or stream.proplist.get("stream.monitor") == "true"
    return not stream.corked and not is_meter


def _listener(stream: Any, properties: dict[str, str], since: float) -> Listener:
    pid = properties.get("application.process.id", "")
    return Listener(
        application=properties.get("application.name") or stream.name,
        # PipeWire's own programs (pw-record) give the process id as a property of the client only.
        pid=int(pid) if pid.isdecimal() else None,
        muted=bool(stream.mute),
        since=since,
    )
