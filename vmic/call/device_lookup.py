"""Look up devices by the names that programs use: vmic's devices, or any other device of the server."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from vmic._device import registry
from vmic._device.properties import SPEAKER, DeviceProperties
from vmic._device.registry import Device
from vmic._errors import DeviceError
from vmic._pulse import connection
from vmic._pulse.server import Server


def source_name(name: str) -> str:
    """Return the sound server's name for a microphone's source.

    `name` is the name that applications show, or the name of the source.

    Raises:
        DeviceError: The microphone is not found. The message lists the microphones that exist.
        ServerError: No sound server answers.
    """

    def find(pulse: Server) -> str:
        sources = [source for source in pulse.source_list() if source.monitor_of_sink_name is None]
        return _named(registry.find(pulse, name), sources, name, "microphone")

    return connection.call(find)


def sink_name(name: str) -> str:
    """Return the sound server's name for a speaker's sink, as `source_name` does for a source."""

    def find(pulse: Server) -> str:
        speaker = registry.find_speaker(pulse, name)
        # The sink that feeds a vmic microphone is not a speaker.
        sinks = [s for s in pulse.sink_list() if (m := DeviceProperties.of(s)) is None or m.kind == SPEAKER]
        return _named(speaker, sinks, name, "speaker")

    return connection.call(find)


def _named(own: Device | None, things: Iterable[Any], name: str, kind: str) -> str:
    """Return the server's name of vmic's device `own`, or if it is None, of the thing called `name`."""
    there = {thing.name: thing.description for thing in things}
    if own is not None:
        return own.sink_name if own.kind == SPEAKER else own.source_name
    for found, description in there.items():
        if name in (found, description):
            return str(found)
    known = ", ".join(map(repr, there.values())) or "none"
    raise DeviceError(f"{kind} {name!r} not found on this sound server; available: {known}")
