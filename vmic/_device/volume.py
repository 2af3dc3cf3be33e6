"""Set volumes to 100 %, whatever the server remembers."""

from __future__ import annotations

import os
from typing import Any

from vmic._device import registry
from vmic._pulse import await_objects
from vmic._pulse.server import Server


def set_full_unmuted(pulse: Server, thing: Any) -> None:
    """Set a sink, a source or a stream to 100 %, unmuted."""
    if thing.mute:
        pulse.mute(thing, mute=False)
    set_full(pulse, thing)


def set_full(pulse: Server, thing: Any) -> bool:
    """Set the volume to 100 %, and return whether it was different before."""
    if all(value == 1.0 for value in thing.volume.values):
        return False
    pulse.volume_set_all_chans(thing, 1.0)
    return True


def set_stream_volume(pulse: Server, sink_name: str) -> None:
    """Set this process's streams into the sink, or from it, to 100 %, unmuted.

    A server remembers volumes by the name of the program.
    """
    for stream in (*pulse.sink_input_list(), *pulse.source_output_list()):
        is_this = stream.proplist.get("application.process.id") == str(os.getpid())
        if is_this and registry.is_own(stream, sink_name):
            set_full_unmuted(pulse, stream)


def set_volumes(pulse: Server, sink_name: str, source_name: str, settles: float) -> None:
    """Set sink, monitor and source to 100 %, unmuted. The server may restore old volumes late."""

    def changed() -> bool:
        for sink in pulse.sink_list():
            if sink.name == sink_name:
                set_full_unmuted(pulse, sink)
        for source in pulse.source_list():
            if source.name in (source_name, f"{sink_name}.monitor"):
                set_full_unmuted(pulse, source)
        return False

    await_objects.await_that(pulse, changed, settles)
