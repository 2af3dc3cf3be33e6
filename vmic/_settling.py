"""Waiting for the server: its answers come before what they promise is there, or settled."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pulsectl

from vmic._errors import DeviceError

_APPEARS_WITHIN = 2.0


def await_own(
    pulse: pulsectl.Pulse, things: Callable[[], list[Any]], wanted: str, module: int, name: str
) -> Any:
    """Wait for what `module` makes, and see that it got the name it asked for (PulseAudio appends ".2")."""
    named: list[Any] = []

    def appeared() -> bool:
        named[:] = [t for t in things() if t.owner_module == module]
        return bool(named)

    if not _await(pulse, appeared, _APPEARS_WITHIN):
        raise DeviceError(
            f"the sound server did not show {wanted} for microphone {name!r} within 2 s: try again"
        )
    rivals = [t for t in things() if t.name == wanted and t.owner_module < module]
    if named[0].name != wanted or rivals:
        raise DeviceError(f"microphone {name!r} exists already: another program made it at this moment")
    return named[0]


def await_gone(pulse: pulsectl.Pulse, source_name: str) -> None:
    """Wait until no source has that name."""
    _await(pulse, lambda: all(s.name != source_name for s in pulse.source_list()), _APPEARS_WITHIN)


def set_volumes(pulse: pulsectl.Pulse, sink_name: str, source_name: str, settles: float) -> None:
    """100 % and unmuted, whatever the server remembers of these names; its restoring may come late."""

    def changed() -> bool:
        for sink in pulse.sink_list():
            if sink.name == sink_name:
                open_up(pulse, sink)
        for source in pulse.source_list():
            if source.name in (source_name, f"{sink_name}.monitor"):
                open_up(pulse, source)
        return False

    _await(pulse, changed, settles)


def open_up(pulse: pulsectl.Pulse, thing: Any) -> None:
    """Set a sink, a source or a stream to 100 %, unmuted."""
    if thing.mute:
        pulse.mute(thing, mute=False)
    if any(value != 1.0 for value in thing.volume.values):
        pulse.volume_set_all_chans(thing, 1.0)


def _await(pulse: pulsectl.Pulse, happened: Callable[[], bool], seconds: float) -> bool:
    """Look whenever the server reports a change, for at most `seconds`."""
    deadline = time.monotonic() + seconds
    # An event that comes during `happened` would not stop the listening after it.
    changes: list[Any] = []

    def note(change: Any) -> None:
        changes.append(change)
        raise pulsectl.PulseLoopStop

    pulse.event_callback_set(note)
    pulse.event_mask_set("sink", "source", "module")
    try:
        while not happened():
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return False
            if not changes:
                pulse.event_listen(timeout=remaining)
            changes.clear()
        return True
    finally:
        pulse.event_mask_set("null")
        pulse.event_callback_set(None)
