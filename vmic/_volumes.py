"""Volumes: a device gives what it is given, whatever the server remembers and whoever turns it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection
from typing import Any

from vmic import _device, _dialect
from vmic._device import Device
from vmic._libpulse import pulsectl
from vmic._marks import MICROPHONE

# PipeWire 1.4.2 restores a volume and a mute 19 ms after the first application starts to record.
_RESTORES_WITHIN = 0.2

Report = Callable[[Device], None]


def open_up(pulse: pulsectl.Pulse, thing: Any) -> None:
    """Set a sink, a source or a stream to 100 %, unmuted."""
    if thing.mute:
        pulse.mute(thing, mute=False)
    fill(pulse, thing)


def fill(pulse: pulsectl.Pulse, thing: Any) -> bool:
    """Set it to 100 %, and return whether it was not."""
    if all(value == 1.0 for value in thing.volume.values):
        return False
    pulse.volume_set_all_chans(thing, 1.0)
    return True


def set_stream_volume(pulse: pulsectl.Pulse, sink_name: str) -> None:
    """Put this process's streams into the sink, or from it, to 100 %.

    A server remembers volumes by the program's name.
    """
    for stream in (*pulse.sink_input_list(), *pulse.source_output_list()):
        is_this = stream.proplist.get("application.process.id") == str(os.getpid())
        if is_this and _device.is_own(stream, sink_name):
            open_up(pulse, stream)


class Volumes:
    """Keeps the volumes of devices, and of vmic's streams into and from them, at 100 %.

    A mute is somebody's wish, and stays, unless the server has restored it.
    """

    def __init__(self, report: Report) -> None:
        """`report` is told of each device of which somebody else had turned the volume."""
        self._report = report
        self._streams: set[tuple[type, int]] = set()  # writers and readers may have one number
        self._muted: dict[int, bool] = {}  # by source, before it was first recorded
        self._recorded: dict[int, float] = {}  # by source, when it first was

    def hold(
        self, pulse: pulsectl.Pulse, device: Device, streams: Collection[Any], *, is_recorded: bool
    ) -> None:
        """Look at one device that is complete, and at vmic's streams into it or from it."""
        for stream in streams:
            if (type(stream), stream.index) not in self._streams:
                open_up(pulse, stream)
        self._streams |= {(type(stream), stream.index) for stream in streams}
        if device.marks.guards_volume:
            parts = [device.sink, device.source]
            if device.kind == MICROPHONE:
                parts.append(pulse.get_source_by_name(f"{device.sink_name}.monitor"))
            if [part for part in (*parts, *streams) if fill(pulse, part)]:
                self._report(device)
        self._undo_restored_mute(pulse, device.source, is_recorded=is_recorded)

    def _undo_restored_mute(self, pulse: pulsectl.Pulse, source: Any, *, is_recorded: bool) -> None:
        if not is_recorded and source.index not in self._recorded:
            self._muted[source.index] = bool(source.mute)
            return
        now = time.monotonic()
        since = self._recorded.setdefault(source.index, now)
        is_new = source.mute and now - since < _RESTORES_WITHIN and not self._muted.get(source.index, True)
        if is_new and _dialect.of(pulse).restores_mute:
            pulse.mute(source, mute=False)
