"""The guard: it keeps devices correct while they are on the server, whatever other programs do there.

No foreign stream gets into a microphone. Recordings never switch to another microphone. The volume of
microphones and speakers stays at 100 %. Each look at the server corrects what is wrong. The keeper looks
after each change.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection
from typing import Any

from vmic._device import fallback_sink, names, registry
from vmic._device.properties import MICROPHONE
from vmic._device.registry import Device
from vmic._errors import DeviceError
from vmic._keeper.foreign_streams import ForeignStreams
from vmic._keeper.recording_streams import RecordingStreams
from vmic._keeper.volume_guard import VolumeGuard
from vmic._pulse import server_profiles
from vmic._pulse.operations import Operations
from vmic._pulse.server import Server

# Reports an event of a device: FOREIGN_STREAM or VOLUME.
Report = Callable[[Device, str], None]
FOREIGN_STREAM, VOLUME = "foreign stream", "volume"

Halves = tuple[int, int]  # the server's numbers of a sink and its source


class Guard:
    """The guard of the devices on one server, for as long as the connection lasts."""

    def __init__(self, report: Report, *, holds_volumes: bool = True) -> None:
        """Call `report` for each foreign stream that was moved, and for each volume that was corrected.

        Volumes are corrected only if the guard `holds_volumes`.
        """
        self._holds_volumes = holds_volumes
        self._foreign_streams = ForeignStreams(lambda device: report(device, FOREIGN_STREAM))
        self._volume_guard = VolumeGuard(lambda device: report(device, VOLUME))
        self._recording_streams = RecordingStreams()
        self._whole: frozenset[Halves] = frozenset()  # the complete devices at the last look
        # The names of devices' sources by the server's number, including those that came after the last look.
        # The name of a new source may be "".
        self._sources: dict[int, str] = {}
        # The default source, to which the server moves recordings that lose their source. None if not known.
        self._default: str | None = None

    def react(self, server: Server, event: Any) -> None:
        """Do what cannot wait for the next look, when an event comes. This does not wait for an answer."""
        if event.facility == "server":
            self._default = None
        elif event.t == "remove" and event.facility == "sink_input":
            self._foreign_streams.forget(event.index)
        elif event.t == "remove" and event.facility == "source_output":
            self._recording_streams.forget(event.index)
        elif event.t == "new" and event.facility == "sink":
            self._foreign_streams.retry_moves()
        elif event.t == "new" and event.facility == "source":
            # The source may be removed, with a recording on it, before its name is known. It then counts as a
            # microphone's source.
            self._sources[event.index] = ""
        elif event.t == "remove" and (removed := self._removed_with(event)):
            replacements = server.numbers("source") - self._no_replacements(removed)
            self._recording_streams.end(server.operations, removed, replacements)

    def note(self, server: Server, kind: str, index: int, info: Any) -> None:
        """Do what cannot wait for the next look, when an object is known. This does not wait."""
        if kind == "server":
            self._note_default(info)
        elif kind == "source":
            self._note_source(index, info)
        elif info is not None and kind == "sink_input":
            self._foreign_streams.move_if_foreign(server.operations, info)
        elif info is not None and kind == "source_output":
            self._recording_streams.note(info)

    def look(self, pulse: Server, is_guarded: Callable[[Device], bool]) -> list[Device]:
        """Correct what is wrong with the guarded devices, and return these devices."""
        operations = pulse.operations
        # Ask for the fallback sink before the devices, because it is removed after the last of them.
        had_silence = fallback_sink.is_there(pulse)
        sink_inputs = pulse.sink_input_list()
        source_outputs = pulse.source_output_list()
        devices = [device for device in registry.find_all(pulse) if is_guarded(device)]
        needs_silence = any(device.sink is not None for device in devices)
        has_silence = had_silence or (needs_silence and _bring_silence(pulse))
        self._end_halves(pulse, devices)
        microphones = [device for device in devices if device.kind == MICROPHONE]
        self._foreign_streams.know(pulse, microphones, expects_fallback=has_silence)
        self._note_default(pulse.server_info())
        self._foreign_streams.look_at(operations, sink_inputs)
        self._foreign_streams.restore_devices(pulse)
        _end_moved_streams(pulse, operations, sink_inputs)
        recorded = {source_output.source for source_output in source_outputs}
        for device in devices:
            if device.complete and self._holds_volumes:
                streams = _own_streams(device, sink_inputs, source_outputs)
                self._volume_guard.hold(pulse, device, streams, is_recorded=device.source.index in recorded)
        return devices

    def _note_default(self, server: Any) -> None:
        """Note where the server puts streams that lose their device, from pulsectl's view of the server."""
        chosen = not server.default_source_name.startswith("@")  # PipeWire's answer until it has chosen one
        self._default = server.default_source_name if chosen else None
        self._foreign_streams.note_default(server)

    def _no_replacements(self, removed: dict[int, str]) -> set[int]:
        """Return the other devices' sources to which the server does not move recordings of `removed`."""
        if self._default is None or self._default in removed.values():
            return set()
        others = self._sources.keys() - removed.keys()
        return {index for index in others if self._sources[index] not in ("", self._default)}

    def _note_source(self, index: int, source: Any) -> None:
        """Note the name of a source if it is a microphone's.

        The next look may come too late, after a recording has begun (0.1 s later on a busy machine). A source
        that the server does not show is not ready (PipeWire), and not ours.
        """
        if source is not None and registry.is_source(source):
            self._sources[index] = source.name
        else:
            self._sources.pop(index, None)

    def _removed_with(self, event: Any) -> dict[int, str]:
        """Return the sources that are removed, or will be, with the half of a device in `event`."""
        if event.facility == "source":
            name = self._sources.pop(event.index, None)
            return {} if name is None else {event.index: name}
        if event.facility != "sink":  # a client may have the number of a sink (PulseAudio)
            return {}
        sources = {source for sink, source in self._whole if sink == event.index}
        return {source: self._sources[source] for source in sources & self._sources.keys()}

    def _end_halves(self, pulse: Server, devices: Collection[Device]) -> None:
        """End the streams of each device that has lost a half, so that its owner creates it again.

        The owner removes the other half. It may be doing so at this moment: when two processes unload a
        module, the second one may hit the next module, to which PipeWire gives the same number (0.3.65).
        """
        whole = frozenset((d.sink.index, d.source.index) for d in devices if d.complete)
        lost, self._whole = self._whole - whole, whole
        self._sources.update((d.source.index, d.source.name) for d in devices if d.source is not None)
        for device in devices:
            if not _is_left_of(device, lost):
                continue
            if device.owner is None:
                registry.unload(pulse, device)
            else:
                registry.end_device_streams(pulse, device)


def _own_streams(device: Device, sink_inputs: Collection[Any], source_outputs: Collection[Any]) -> list[Any]:
    """Return vmic's own playback streams into a microphone, or its recording streams of a speaker."""
    if device.kind == MICROPHONE:
        on_it = [stream for stream in sink_inputs if stream.sink == device.sink.index]
    else:
        on_it = [
            source_output for source_output in source_outputs if source_output.source == device.source.index
        ]
    return [stream for stream in on_it if registry.is_own(stream, device.sink_name)]


def _bring_silence(pulse: Server) -> bool:
    """Create the fallback sink, and return whether the server accepts it. If not, guarding continues."""
    with contextlib.suppress(DeviceError):
        fallback_sink.provide(pulse, server_profiles.of(pulse))
        fallback_sink.remove_idle(pulse)  # if the last device was removed meanwhile
        return True
    return False


def _is_left_of(device: Device, lost: Collection[Halves]) -> bool:
    """Return whether `device` is one half of a device that was complete.

    The source is created last. A sink alone may therefore belong to a device that is being created; a source
    alone cannot.
    """
    if device.sink is None:
        return True
    return device.source is None and device.sink.index in {sink for sink, _ in lost}


def _end_moved_streams(pulse: Server, operations: Operations, sink_inputs: Collection[Any]) -> None:
    """End vmic's own streams that the server moved to another output when their sink was removed.

    The writer of such a stream plays into nothing there. The end of the stream lets it wait for its
    microphone.
    """
    sinks = {sink.index: sink.name for sink in pulse.sink_list()}
    for sink_input in sink_inputs:
        own = sink_input.proplist.get("media.name") or ""  # None if it is not UTF-8
        if names.is_sink_name(own) and sinks.get(sink_input.sink, own) != own:
            operations.kill_sink_input(sink_input.index)
