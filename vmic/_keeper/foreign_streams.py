"""Foreign streams in a microphone's sink. They are moved to the default output or to the fallback sink."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection
from typing import Any

from vmic._device import fallback_sink, names, registry
from vmic._device.registry import Device
from vmic._pulse.bindings import pulsectl
from vmic._pulse.operations import Operations
from vmic._pulse.server import Server


class ForeignStreams:
    """The foreign streams. They are moved away, and the server's memory of their old outputs is kept."""

    def __init__(self, report: Callable[[Device], None]) -> None:
        """Call `report` once for each foreign stream, with the device that it was on."""
        self._report = report
        self._devices: dict[int, Device] = {}  # by the server's number of the sink
        self._has_silence = False
        self._destination: str | None = None  # by name, because the output may be new
        self._seen: set[int] = set()
        self._expects_fallback = True
        self._stuck: dict[int, str] = {}  # the destination to which a stream could not be moved
        # By the server's number of the stream: the name of its entry, and the device that the entry had.
        self._entries: dict[int, tuple[str, str | None]] = {}
        self._ended_entries: list[tuple[str, str | None]] = []  # the same, for streams that have ended since

    def know(self, pulse: Server, devices: Collection[Device], *, expects_fallback: bool) -> None:
        """Note which sinks are guarded, and whether the fallback sink comes (on PipeWire after some ms)."""
        self._devices = {device.sink.index: device for device in devices if device.sink is not None}
        self._has_silence = fallback_sink.is_there(pulse)
        self._expects_fallback = expects_fallback

    def note_default(self, server: Any) -> None:
        """Use the default output in `server`, pulsectl's view of the server, as the destination.

        PipeWire reports "@DEFAULT_SINK@" until it has chosen an output.
        """
        default = server.default_sink_name
        if default and not default.startswith("@") and not names.is_sink_name(default):
            self._destination = default
        else:
            self._destination = fallback_sink.NAME if self._has_silence else None

    def _is_one(self, sink_input: Any) -> bool:
        device = self._devices.get(sink_input.sink)
        return device is not None and not registry.is_own(sink_input, device.sink_name)

    def forget(self, index: int) -> None:
        """Note that a playback stream has ended."""
        # PipeWire gives the number of an ended stream to a new one.
        self._seen.discard(index)
        self._stuck.pop(index, None)
        if index in self._entries:
            self._ended_entries.append(self._entries.pop(index))

    def retry_moves(self) -> None:
        """Try all destinations again, because an output has come."""
        self._stuck.clear()

    def look_at(self, operations: Operations, sink_inputs: Collection[Any]) -> None:
        """Move away those `sink_inputs` that are foreign streams by what is known now."""
        for sink_input in sink_inputs:
            if self._is_one(sink_input):
                # Ask again, because the stream may have been moved meanwhile and be known already.
                operations.one(
                    "sink_input",
                    sink_input.index,
                    lambda sink_input: self.move_if_foreign(operations, sink_input, knows_where=True),
                )

    def move_if_foreign(self, operations: Operations, sink_input: Any, *, knows_where: bool = False) -> None:
        """Move a playback stream that has come or was moved, if it is foreign."""
        if not self._is_one(sink_input):
            return
        if sink_input.index not in self._entries:
            # The server answers this before it moves the stream.
            operations.restore_entries(lambda entries: self._note_entry(sink_input, entries))
        self._move_away(operations, sink_input.index, knows_where=knows_where)
        # On PipeWire the move takes some ms, and the stream is seen again meanwhile.
        if sink_input.index not in self._seen:
            self._seen.add(sink_input.index)
            self._report(self._devices[sink_input.sink])

    def _move_away(self, operations: Operations, sink_input: int, *, knows_where: bool) -> None:
        """Move the stream away, or end it if there is no destination or it cannot be moved.

        End it only with `knows_where`: if the default output has just been removed, its streams come here
        before the new default is known.
        """
        destination = self._destination
        if destination is not None and self._stuck.get(sink_input) != destination:
            operations.move_sink_input(
                sink_input, destination, lambda: self._stuck.update({sink_input: destination})
            )
        elif knows_where and (destination is not None or not self._expects_fallback):
            operations.kill_sink_input(sink_input)

    def restore_devices(self, pulse: Server) -> None:
        """Restore the remembered device of each stream. The server overwrites it at each move or change."""
        remembered = [*self._entries.values(), *self._ended_entries]
        if not remembered:
            return
        entries = {entry.name: entry for entry in _entries(pulse)}
        self._ended_entries.clear()
        for name, device in remembered:
            entry = entries.get(name)
            if entry is not None and entry.device != device:
                entry.device = device
                pulse.stream_restore_write(entry, mode="replace")

    def _note_entry(self, sink_input: Any, entries: Collection[Any]) -> None:
        name = sink_input.proplist.get("module-stream-restore.id")
        if name is None or sink_input.index in self._entries:
            return
        device = next((entry.device for entry in entries if entry.name == name), None)
        # The server remembers our sink for a stream that was moved here by hand. That device is not kept.
        kept = (name, None if device and names.is_sink_name(device) else device)
        if sink_input.index in self._seen:
            self._entries[sink_input.index] = kept
        else:  # the stream has ended meanwhile
            self._ended_entries.append(kept)


def _entries(pulse: Server) -> list[Any]:
    # PulseAudio without module-stream-restore has no entries.
    with contextlib.suppress(pulsectl.PulseOperationFailed):
        return list(pulse.stream_restore_list())
    return []
