"""The volumes of devices, held at 100 % whatever program changes them."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Any

from vmic._device.properties import MICROPHONE
from vmic._device.registry import Device
from vmic._device.volume import set_full, set_full_unmuted
from vmic._pulse import server_profiles
from vmic._pulse.server import Server

# PipeWire 1.4.2 restores a volume and a mute 19 ms after the first application starts to record.
_RESTORES_WITHIN = 0.2

Report = Callable[[Device], None]


class VolumeGuard:
    """The guard that keeps the volumes of devices, and of vmic's own streams on them, at 100 %.

    A mute stays, because somebody has set it, unless the server has restored it.
    """

    def __init__(self, report: Report) -> None:
        """Call `report` for each device whose volume another program had changed."""
        self._report = report
        self._streams: set[tuple[type, int]] = set()  # playback and recording streams may share numbers
        self._muted: dict[int, bool] = {}  # by source, before it was first recorded
        self._recorded: dict[int, float] = {}  # by source, when it was first recorded

    def hold(self, pulse: Server, device: Device, streams: Collection[Any], *, is_recorded: bool) -> None:
        """Correct the volumes of a complete device and of vmic's streams into it or from it."""
        for stream in streams:
            if (type(stream), stream.index) not in self._streams:
                set_full_unmuted(pulse, stream)
        self._streams |= {(type(stream), stream.index) for stream in streams}
        if device.properties.guards_volume:
            parts = [device.sink, device.source]
            if device.kind == MICROPHONE:
                parts.append(pulse.get_source_by_name(f"{device.sink_name}.monitor"))
            if [part for part in (*parts, *streams) if set_full(pulse, part)]:
                self._report(device)
        self._undo_restored_mute(pulse, device.source, is_recorded=is_recorded)

    def _undo_restored_mute(self, pulse: Server, source: Any, *, is_recorded: bool) -> None:
        if not is_recorded and source.index not in self._recorded:
            self._muted[source.index] = bool(source.mute)
            return
        now = time.monotonic()
        since = self._recorded.setdefault(source.index, now)
        is_new = source.mute and now - since < _RESTORES_WITHIN and not self._muted.get(source.index, True)
        if is_new and server_profiles.of(pulse).restores_mute:
            pulse.mute(source, mute=False)
