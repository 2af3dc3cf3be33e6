"""The device on the server, as it is found there.

A microphone is a null sink that vmic writes to, and the source over it that applications pick; a speaker is a
null sink that applications play to, whose monitor vmic reads. Nothing is remembered here: what a device is,
and whose, is read back from its properties. Both halves of a microphone have them, so that what is left when
one of them is gone is still known as ours.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from vmic._device import fallback_sink, names
from vmic._device.owner import Owner
from vmic._device.properties import MICROPHONE, SPEAKER, DeviceProperties
from vmic._pulse import modules
from vmic._pulse.bindings import STREAM_NAME, pulsectl
from vmic._pulse.operations import Operations

NO_INDEX = 0xFFFFFFFF  # PA_INVALID_INDEX


@dataclass(frozen=True)
class MicrophoneInfo:
    """A microphone that is on the server.

    Attributes:
        name: Its name. Applications show it, unless the microphone has a description.
        source_name: The server's name of its source.
        sample_rate: Frames per second.
        channels: Samples per frame.
        pid: The process that owns it. None if it stays until it is removed.
        program: The program of that process. None if it stays until it is removed.
    """

    __module__ = "vmic"

    name: str
    source_name: str
    sample_rate: int
    channels: int
    pid: int | None
    program: str | None


@dataclass(frozen=True)
class SpeakerInfo:
    """A speaker that is on the server.

    Attributes:
        name: Its name. Applications show it, unless the speaker has a description.
        sink_name: The server's name of its sink.
        sample_rate: Frames per second.
        channels: Samples per frame.
        pid: The process that owns it.
        program: The program of that process.
    """

    __module__ = "vmic"

    name: str
    sink_name: str
    sample_rate: int
    channels: int
    pid: int | None
    program: str | None


@dataclass(frozen=True)
class Device:
    """What is on the server of a microphone or a speaker, with the server's own numbers for it.

    Attributes:
        properties: What it says of itself.
        sink_name: What the server calls the sink.
        source_name: What it calls the source: a microphone's, or a speaker's monitor.
        sink: pulsectl's view of the sink; None when it is gone, or not there yet.
        source: That of the source; likewise.
    """

    properties: DeviceProperties
    sink_name: str
    source_name: str
    sink: Any
    source: Any

    @property
    def kind(self) -> str:
        """MICROPHONE or SPEAKER."""
        return self.properties.kind

    @property
    def name(self) -> str:
        """As it was given."""
        return self.properties.name

    @property
    def owner(self) -> Owner | None:
        """Whose it is; None when it stays until it is removed."""
        return self.properties.owner

    @property
    def creation(self) -> str:
        """Tells it from all others, also from those of its name before and after it."""
        return self.properties.creation

    @property
    def info(self) -> MicrophoneInfo:
        """As a program sees it."""
        return MicrophoneInfo(
            name=self.name,
            source_name=self.source_name,
            sample_rate=self.properties.sample_rate,
            channels=self.properties.channels,
            pid=self.owner.pid if self.owner else None,
            program=self.owner.program if self.owner else None,
        )

    @property
    def complete(self) -> bool:
        """Whether both halves are there."""
        return self.sink is not None and self.source is not None


def find(pulse: pulsectl.Pulse, name: str) -> Device | None:
    """The microphone of that name, or with that server's name."""
    devices = find_all(pulse)
    for device in devices:
        if device.name == name:
            return device
    return next((d for d in devices if d.source_name == name), None)


def find_speaker(pulse: pulsectl.Pulse, name: str) -> Device | None:
    """The speaker of that name."""
    return next((d for d in find_both(pulse) if (d.kind, d.name) == (SPEAKER, name)), None)


def find_all(pulse: pulsectl.Pulse) -> list[Device]:
    """Every microphone of vmic's on this server, and then what is there of others: half of each."""
    return [device for device in find_both(pulse) if device.kind == MICROPHONE]


def find_both(pulse: pulsectl.Pulse) -> list[Device]:
    """The same, of microphones and of speakers."""
    sources = pulse.source_list()
    sinks = pulse.sink_list()
    devices = [*_microphones((*sources, *sinks)), *_speakers(sinks, sources)]
    return sorted(devices, key=lambda device: not device.complete)


def _microphones(halves: Collection[Any]) -> Iterator[Device]:
    found: dict[DeviceProperties, dict[str, Any]] = {}
    for half in halves:
        identity = DeviceProperties.of(half)
        if identity is not None and identity.kind == MICROPHONE:
            found.setdefault(identity, {})[half.name] = half
    for identity, both in found.items():
        sink_name, source_name = (
            names.sink_name(identity.name),
            names.source_name(identity.name),
        )
        yield Device(identity, sink_name, source_name, both.get(sink_name), both.get(source_name))


def _speakers(sinks: Collection[Any], sources: Collection[Any]) -> Iterator[Device]:
    monitors = {source.name: source for source in sources}
    for sink in sinks:
        identity = DeviceProperties.of(sink)
        if identity is not None and identity.kind == SPEAKER:
            monitor = f"{sink.name}.monitor"
            yield Device(identity, sink.name, monitor, sink, monitors.get(monitor))


def is_source(source: Any) -> bool:
    """Whether a source is a microphone of vmic's."""
    return DeviceProperties.of(source) is not None


def remove(pulse: pulsectl.Pulse, device: Device) -> None:
    """Take `device` off the server.

    Who records it, and who writes to it through vmic, gets an end first: else the server would move the one
    to another microphone, and the other to another output. Another program's stream belongs there.
    """
    operations = Operations(pulse)
    if device.source is not None:
        for recorder in pulse.source_output_list():
            if is_on(recorder, device.source.index, device.source.name):
                operations.kill_source_output(recorder.index)
    if device.sink is not None and device.kind == MICROPHONE:
        for player in pulse.sink_input_list():
            if player.sink == device.sink.index and is_own(player, device.sink_name):
                operations.kill_sink_input(player.index)
    operations.await_answers()
    # A speaker's monitor goes with its sink.
    if device.source is not None and device.kind == MICROPHONE:
        modules.unload(
            pulse, device.source.owner_module, f" source_name={device.source_name} ", device.creation
        )
    if device.sink is not None:
        modules.unload(pulse, device.sink.owner_module, f" sink_name={device.sink_name} ", device.creation)
    fallback_sink.remove_idle(pulse, device.sink_name)


def is_on(recorder: Any, index: int, name: str) -> bool:
    """Whether a recording stream is on the source of that number and name, or on its way to it.

    On PipeWire (0.3.65) it is on none for some 10 ms after its begin; when that source goes meanwhile, it
    comes to the default one.
    """
    if recorder.source != NO_INDEX:
        return bool(recorder.source == index)
    return recorder.proplist.get("target.object") in (name, str(index))


def is_own(stream: Any, sink_name: str) -> bool:
    """Whether a stream is vmic's, of whichever process: a writer into that very sink, or a reader from it.

    A program that plays there by accident does not call its stream so.
    """
    return bool(stream.proplist.get("media.name") == sink_name)


def end_streams(pulse: pulsectl.Pulse, sink_name: str) -> None:
    """End this process's streams into that sink, or from its monitor.

    Such a stream may not be shown (PipeWire 0.3.65, after its session manager had ended), so the connections
    are ended: all those of which no other stream is shown.
    """
    streams = (*pulse.sink_input_list(), *pulse.source_output_list())
    shown = {stream.client: stream.proplist.get("media.name") for stream in streams}
    operations = Operations(pulse)
    for client in pulse.client_list():
        is_this = client.proplist.get("application.process.id") == str(os.getpid())
        if is_this and client.name == STREAM_NAME and shown.get(client.index, sink_name) == sink_name:
            operations.kill_client(client.index)
    operations.await_answers()
