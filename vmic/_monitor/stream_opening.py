"""The opening of a device's first stream, and of what reconnects it."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from typing import NamedTuple

from vmic._device import create, volume
from vmic._device.properties import MICROPHONE
from vmic._device.registry import Device
from vmic._errors import ServerError
from vmic._monitor.reconnect import Make, Reconnection
from vmic._pulse import connection, error_codes, server_profiles
from vmic._pulse.bindings import pulsectl
from vmic._pulse.server_profiles import BufferMetrics
from vmic._stream.native import NativeStream


class StreamServer(NamedTuple):
    """What streams need to know of a server: how it buffers, and its address (None for the default)."""

    metrics: BufferMetrics
    address: str | None

    @classmethod
    def of(cls, pulse: pulsectl.Pulse) -> StreamServer:
        """Return the metrics and the address of this connection's server."""
        return cls(server_profiles.of(pulse).metrics, connection.for_streams(pulse))


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
        if not stream.wait_open(connection.TIMEOUT):
            raise ServerError(
                f"cannot open {device.kind} {device.name!r}: the sound server did not open a stream for it "
                f"within {connection.TIMEOUT:g} s. Restart the sound server"
            )
        if stream.is_disconnected:
            said = error_codes.of_connection(stream.state().error)
            raise ServerError(
                f"cannot open {device.kind} {device.name!r}: the sound server refused a stream for it: {said}"
            )
        connection.call(functools.partial(_settle, device=device, new=make is not None))
        # It ends with the stream.
        yield Reconnection(device, stream, server.metrics, make)
        undo.pop_all()


def _settle(pulse: pulsectl.Pulse, device: Device, *, new: bool) -> None:
    """Set the volume of the first stream, and end the long period with which a new sink begins."""
    volume.set_stream_volume(pulse, device.sink_name)
    if new and device.kind == MICROPHONE:
        create.play_at_once(pulse, device.sink_name)
