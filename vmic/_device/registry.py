"""The devices that are found on the server.

A microphone is a null sink that vmic writes to, and the source over it that applications pick. A speaker is a
null sink that applications play to, whose monitor vmic reads. This module keeps no state: what a device is,
and its owner, are read back from its properties. Both halves of a microphone have them, so that a single
remaining half is still recognised as ours.
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
from vmic._pulse.bindings import STREAM_NAME
from vmic._pulse.server import Server

NO_INDEX = 0xFFFFFFFF  # PA_INVALID_INDEX


@dataclass(frozen=True)
class MicrophoneInfo:
    """A microphone of vmic on the sound server.

    Attributes:
        name: The microphone's name. Applications show the name, unless the microphone has a description.
        source_name: The name of the microphone's source on the sound server.
        sample_rate: Frames per second.
        channels: Samples per frame.
        pid: The id of the process that owns the microphone. None for a microphone of ``vmic create``.
        program: The name of the program that owns the microphone, or None.
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
    """A speaker of vmic on the sound server.

    Attributes:
        name: The speaker's name. Applications show the name, unless the speaker has a description.
        sink_name: The name of the speaker's sink on the sound server.
        sample_rate: Frames per second.
        channels: Samples per frame.
        pid: The id of the process that owns the speaker.
        program: The name of the program that owns the speaker.
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
    """The parts of a microphone or speaker that are on the server, with the server's own numbers for them."""

    properties: DeviceProperties  # the properties that vmic wrote on it
    sink_name: str  # the server's name for the sink
    source_name: str  # the server's name for the source of a microphone, or for the monitor of a speaker
    sink: Any  # pulsectl's view of the sink. None if the sink is removed, or not there yet.
    source: Any  # the same for the source

    @property
    def kind(self) -> str:
        """Return MICROPHONE or SPEAKER."""
        return self.properties.kind

    @property
    def name(self) -> str:
        """Return the name as it was given."""
        return self.properties.name

    @property
    def owner(self) -> Owner | None:
        """Return the owner, or None if the device stays until it is removed."""
        return self.properties.owner

    @property
    def creation(self) -> str:
        """Return the id that no other device has, not even an earlier or later one of the same name."""
        return self.properties.creation

    @property
    def info(self) -> MicrophoneInfo:
        """Return the microphone as a program sees it."""
        return MicrophoneInfo(source_name=self.source_name, **self._common_info())

    @property
    def speaker_info(self) -> SpeakerInfo:
        """Return the speaker as a program sees it."""
        return SpeakerInfo(sink_name=self.sink_name, **self._common_info())

    def _common_info(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "sample_rate": self.properties.sample_rate,
            "channels": self.properties.channels,
            "pid": self.owner.pid if self.owner else None,
            "program": self.owner.program if self.owner else None,
        }

    @property
    def complete(self) -> bool:
        """Return whether both halves exist."""
        return self.sink is not None and self.source is not None


def find(pulse: Server, name: str) -> Device | None:
    """Return the microphone that has this name, or this name on the server, or None."""
    devices = find_microphones(pulse)
    for device in devices:
        if device.name == name:
            return device
    return next((d for d in devices if d.source_name == name), None)


def find_speaker(pulse: Server, name: str) -> Device | None:
    """Return the speaker of that name, or None."""
    return next((d for d in find_all(pulse) if (d.kind, d.name) == (SPEAKER, name)), None)


def find_microphones(pulse: Server) -> list[Device]:
    """Return all complete microphones of vmic on this server, then those of which only one half exists."""
    return [device for device in find_all(pulse) if device.kind == MICROPHONE]


def find_all(pulse: Server) -> list[Device]:
    """Return all microphones and speakers, complete ones first."""
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
        sink_name, source_name = (names.sink_name(identity.name), names.source_name(identity.name))
        yield Device(identity, sink_name, source_name, both.get(sink_name), both.get(source_name))


def _speakers(sinks: Collection[Any], sources: Collection[Any]) -> Iterator[Device]:
    monitors = {source.name: source for source in sources}
    for sink in sinks:
        identity = DeviceProperties.of(sink)
        if identity is not None and identity.kind == SPEAKER:
            monitor = f"{sink.name}.monitor"
            yield Device(identity, sink.name, monitor, sink, monitors.get(monitor))


def is_source(source: Any) -> bool:
    """Return whether a source is a microphone of vmic."""
    return DeviceProperties.of(source) is not None


def remove(pulse: Server, device: Device) -> None:
    """Remove `device` from the server, and the fallback sink if it was the last device."""
    unload(pulse, device)
    fallback_sink.remove_idle(pulse, device.sink_name)


def unload(pulse: Server, device: Device) -> None:
    """Remove `device` from the server, and end its streams. The fallback sink stays for what replaces it."""
    end_device_streams(pulse, device)
    # A speaker's monitor is removed with its sink.
    if device.source is not None and device.kind == MICROPHONE:
        modules.unload(
            pulse, device.source.owner_module, f" source_name={device.source_name} ", device.creation
        )
    if device.sink is not None:
        modules.unload(pulse, device.sink.owner_module, f" sink_name={device.sink_name} ", device.creation)


def end_device_streams(pulse: Server, device: Device) -> None:
    """End the recording streams of `device`, and vmic's own playback streams into it.

    When the device is removed, the server would move the recordings to another microphone and the playback to
    another output. Foreign streams are not ended, because they belong on another output.
    """
    operations = pulse.operations
    if device.source is not None:
        for source_output in pulse.source_output_list():
            if is_on(source_output, device.source.index, device.source.name):
                operations.kill_source_output(source_output.index)
    if device.sink is not None and device.kind == MICROPHONE:
        for sink_input in pulse.sink_input_list():
            if sink_input.sink == device.sink.index and is_own(sink_input, device.sink_name):
                operations.kill_sink_input(sink_input.index)
    operations.await_answers()


def is_on(source_output: Any, index: int, name: str) -> bool:
    """Return whether a recording stream is on the source of that index and name, or on its way to it.

    On PipeWire (0.3.65) a stream is on no source for about 10 ms after it begins. If its source is removed
    meanwhile, the stream goes to the default source.
    """
    if source_output.source != NO_INDEX:
        return bool(source_output.source == index)
    return source_output.proplist.get("target.object") in (name, str(index))


def is_own(stream: Any, sink_name: str) -> bool:
    """Return whether a stream is vmic's own, in any process: a writer into this sink, or a reader from it.

    A program that plays there by accident does not give its stream this name.
    """
    return bool(stream.proplist.get("media.name") == sink_name)


def end_streams(pulse: Server, sink_name: str) -> None:
    """End this process's streams into the sink, or from its monitor.

    The server may not list such a stream (PipeWire 0.3.65, after its session manager had ended). Therefore
    this ends connections: those with a stream of this sink, and those without a listed stream.
    """
    streams = (*pulse.sink_input_list(), *pulse.source_output_list())
    shown = {stream.client: stream.proplist.get("media.name") for stream in streams}
    operations = pulse.operations
    for client in pulse.client_list():
        is_this = client.proplist.get("application.process.id") == str(os.getpid())
        if is_this and client.name == STREAM_NAME and shown.get(client.index, sink_name) == sink_name:
            operations.kill_client(client.index)
    operations.await_answers()
