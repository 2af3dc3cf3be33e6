"""Devices by the names that programs give: those of vmic's, or any other that the server has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from vmic._device import registry
from vmic._device.properties import SPEAKER, DeviceProperties
from vmic._device.registry import Device
from vmic._errors import DeviceError
from vmic._pulse import connection
from vmic._pulse.bindings import pulsectl


def source_name(name: str) -> str:
    """What the server calls the microphone that applications, or the server, call so.

    Raises:
        DeviceError: There is none; the message lists those there are.
        ServerError: No sound server answers.
    """

    def find(pulse: pulsectl.Pulse) -> str:
        sources = [source for source in pulse.source_list() if source.monitor_of_sink_name is None]
        return _named(registry.find(pulse, name), sources, name, "microphone")

    return connection.call(find)


def sink_name(name: str) -> str:
    """The same of a speaker.

    Raises:
        DeviceError: There is none; the message lists those there are.
        ServerError: No sound server answers.
    """

    def find(pulse: pulsectl.Pulse) -> str:
        speaker = registry.find_speaker(pulse, name)
        # What a microphone is fed by is none.
        sinks = [s for s in pulse.sink_list() if (m := DeviceProperties.of(s)) is None or m.kind == SPEAKER]
        return _named(speaker, sinks, name, "speaker")

    return connection.call(find)


def _named(own: Device | None, things: Iterable[Any], name: str, kind: str) -> str:
    """What the server calls vmic's own device of that name, or else another one."""
    there = {thing.name: thing.description for thing in things}
    if own is not None:
        return own.sink_name if own.kind == SPEAKER else own.source_name
    for found, description in there.items():
        if name in (found, description):
            return str(found)
    known = ", ".join(map(repr, there.values())) or "none"
    raise DeviceError(f"there is no {kind} {name!r} on this sound server; there are: {known}")
