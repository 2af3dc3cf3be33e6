"""The opening of a device's first stream, and of what reconnects it."""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Iterator
from typing import NamedTuple

from vmic._base.backoff import Backoff
from vmic._device import create, volume
from vmic._device.properties import MICROPHONE
from vmic._device.registry import Device
from vmic._errors import ServerError
from vmic._monitor.reconnect import Make, Reconnection
from vmic._pulse import connection, error_codes, server_profiles
from vmic._pulse.server import Server
from vmic._pulse.server_profiles import BufferMetrics
from vmic._stream.native import NativeStream

# Seconds within which a new sink accepts a stream, also on a busy machine.
_SETTLES_WITHIN = 1.0


class StreamServer(NamedTuple):
    """What streams need to know of a server, when their device is on it."""

    metrics: BufferMetrics
    address: str | None  # None for the default
    settled_at: float  # until then the server may restore an old volume of the device; time.monotonic()

    @classmethod
    def of(cls, server: Server) -> StreamServer:
        """Return that of this connection's server, where the device has just been created or found."""
        profile = server_profiles.of(server)
        return cls(profile.metrics, connection.for_streams(server), time.monotonic() + profile.settles)


@contextlib.contextmanager
def opening(
    stream: NativeStream, device: Device, server: StreamServer, make: Make | None
) -> Iterator[Reconnection]:
    """Wait until the first stream of `device` is open, and set its volume; close it if the block raises.

    Raises:
        ServerError: The server refuses the stream, or hangs.
    """
    with contextlib.ExitStack() as undo:
        undo.callback(stream.close)
        _await_open(stream, f"{device.kind} {device.name!r}")
        new_until = None if make is None else server.settled_at
        connection.call(functools.partial(_settle, device=device, new_until=new_until))
        # It ends with the stream.
        yield Reconnection(device, stream, server.metrics, make)
        undo.pop_all()


def _await_open(stream: NativeStream, device: str) -> None:
    """Wait until the stream is open. Open it again if it is ended meanwhile.

    While the sink is new, PipeWire (0.3.65) may connect the stream to another sink, and a guard then ends it.
    PipeWire may also find no sink for a moment.
    """
    backoff = Backoff()
    patience = time.monotonic() + _SETTLES_WITHIN
    while stream.wait_open(connection.TIMEOUT):
        if not stream.is_disconnected:
            return
        error = stream.state().error
        if error not in (error_codes.KILLED, error_codes.NO_ENTITY) or time.monotonic() > patience:
            said = error_codes.of_connection(error)
            raise ServerError(f"cannot open {device}: the sound server refused a stream for it: {said}")
        time.sleep(backoff.next())
        stream.reopen()
    raise ServerError(
        f"cannot open {device}: the sound server did not open a stream for it within "
        f"{connection.TIMEOUT:g} s. Restart the sound server"
    )


def _settle(server: Server, device: Device, *, new_until: float | None) -> None:
    """Set the volumes of the first stream and of a new device, and end the long period of a new sink."""
    volume.set_stream_volume(server, device.sink_name)
    if new_until is None:
        return
    seconds = max(0.0, new_until - time.monotonic())
    volume.set_volumes(server, device.sink_name, device.source_name, seconds)
    if device.kind == MICROPHONE:
        create.play_at_once(server, device.sink_name)
