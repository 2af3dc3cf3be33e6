"""The status of microphones, as `list`, `info` and `meter` show it."""

from __future__ import annotations

import functools
import shlex
import time
from collections.abc import Container
from dataclasses import dataclass
from typing import Any

from vmic._device import orphans, registry
from vmic._device.registry import Device, MicrophoneInfo
from vmic._keeper import client as _keeping
from vmic._monitor import recording_apps
from vmic._monitor.recording_apps import Listener
from vmic._pulse.server import Server
from vmic.cli.system.peak_reader import Peaks
from vmic.cli.terminal.output import printable

# The server sends three peaks in this time, in seconds.
_LISTENS_FOR = 0.12


@dataclass(frozen=True)
class MicrophoneStatus:
    """The status of a microphone now."""

    info: MicrophoneInfo  # the microphone
    # "running" when a program records it or writes to it, "suspended" when none does, and "idle" in the first
    # seconds after that.
    state: str
    description: str  # the name that applications show
    volume: float  # the volume, where 1 is full
    muted: bool  # whether the microphone is muted
    guarded: bool  # whether the microphone has a keeper
    writers: tuple[str, ...]  # the programs that are connected to write to it, also while they write nothing
    listeners: tuple[Listener, ...]  # the applications that record it
    # The greatest sample in the last 0.1 s, of a full scale of 1. None if it is not running.
    peak: float | None


def of_all(pulse: Server) -> list[MicrophoneStatus]:
    """Return the status of all microphones, sorted by name. This takes 0.1 s if any of them is running."""
    orphans.remove(pulse)
    statuses = _of(pulse, [device for device in registry.find_microphones(pulse) if device.source])
    return sorted(statuses, key=lambda status: status.info.name)


def of_one(pulse: Server, name: str) -> MicrophoneStatus:
    """Return the status of the microphone with this name."""
    return _of(pulse, [orphans.remove_then_find(pulse, name)])[0]


def _of(pulse: Server, found: list[Device]) -> list[MicrophoneStatus]:
    devices = {device.source.index: device for device in found}
    peaks = _listen(pulse, [device for device in devices.values() if _state(device) == "running"])
    heard_by = listeners(pulse, devices)
    players = pulse.sink_input_list()
    clients = {client.index: client.proplist for client in pulse.client_list()}
    return [
        MicrophoneStatus(
            info=device.info,
            state=_state(device),
            description=device.source.description,
            volume=device.source.volume.value_flat,
            muted=bool(device.source.mute),
            guarded=_keeping.is_guarded(pulse, device),
            writers=tuple(
                _program(p, clients) for p in players if device.sink and p.sink == device.sink.index
            ),
            listeners=heard_by.get(index, ()),
            peak=peaks.get(index),
        )
        for index, device in devices.items()
    ]


def listeners(pulse: Server, sources: Container[int]) -> dict[int, tuple[Listener, ...]]:
    """Return the applications that record each of these sources, by the index of the source."""
    streams, now = recording_apps.streams(pulse, sources), time.time()
    return recording_apps.listeners(pulse, streams, {(s.index, s.source): now for s in streams})


def _state(device: Device) -> str:
    states = {half.state for half in (device.source, device.sink) if half is not None}
    return "running" if "running" in states else "suspended" if states == {"suspended"} else "idle"


def _program(player: Any, clients: dict[int, dict[str, str]]) -> str:
    properties = {**clients.get(player.client, {}), **player.proplist}
    binary = properties.get("application.process.binary") or properties.get("application.name") or player.name
    pid = properties.get("application.process.id")
    return printable(f"{binary} ({pid})" if pid else str(binary))


def _listen(pulse: Server, devices: list[Device]) -> dict[int, float]:
    """Return the peak of each device, by the index of its source."""
    peaks: dict[int, float] = {}

    def note(index: int, peak: float) -> None:
        peaks[index] = max(peaks.get(index, 0.0), peak)

    sources = [device.source for device in devices]
    followed = [Peaks(pulse, source.name, functools.partial(note, source.index)) for source in sources]
    if followed:
        pulse.event_callback_set(lambda _event: None)
        pulse.event_listen(timeout=_LISTENS_FOR)
    for one in followed:
        one.end()
    return peaks


def unguarded(info: MicrophoneInfo) -> tuple[str, str]:
    """Return what is wrong with a microphone without a keeper, and what to do."""
    command = f"vmic record {shlex.quote(info.name)} FILE"
    return (
        "no keeper (watchdog process) runs for it, so other programs can play into it, and it is lost when "
        "the sound server exits",
        f"record it or play into it, which starts a new keeper ({command})",
    )


def belongs_to(info: MicrophoneInfo) -> str:
    """Return the program that owns a microphone, as text for a person."""
    return f"{info.program} ({info.pid})"


def who(listener: Listener) -> str:
    """Return a listener as text for a person."""
    process = f" ({listener.pid})" if listener.pid else ""
    return printable(listener.application + process + (" muted" if listener.muted else ""))
