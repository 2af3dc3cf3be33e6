"""The fallback sink: a silent output, so that the machine's sound never goes into a microphone.

Without it a microphone's sink becomes the default output if it is the only output, or when the last other
output is unplugged. All audio that the machine plays, including the far side of a call, would then go into
the microphone.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from vmic._device.properties import DeviceProperties
from vmic._pulse import modules as _modules
from vmic._pulse import server_profiles
from vmic._pulse.server import Server
from vmic._pulse.server_profiles import ServerProfile

NAME = "vmic-silence"
_ROLE = "vmic.role"


def is_there(pulse: Server) -> bool:
    """Return whether the fallback sink exists."""
    return any(sink.name == NAME for sink in pulse.sink_list())


def provide(pulse: Server, profile: ServerProfile) -> None:
    """Create the fallback sink if it is missing. To be called before the sink of a device is created.

    Raises:
        DeviceError: The server refuses.
    """
    if is_there(pulse):
        return
    _modules.load(pulse, "module-null-sink", arguments(profile), "the fallback sink, a silent output")


def arguments(profile: ServerProfile) -> str:
    """Return the module arguments of the fallback sink, for module-null-sink."""
    # The fallback sink needs norewinds as a microphone's sink does: without it PulseAudio (16.1) took 2.5 s
    # to play half a second, and a browser's call, which waited for its output, heard the microphone 0.3 to
    # 0.7 s late instead of 0.1.
    properties = {
        "device.description": "Silence (vmic)",
        "device.icon_name": server_profiles.OUTPUT_ICON,
        _ROLE: "silence",
        **profile.silence_properties,
        **profile.probe,
    }
    quoted = server_profiles.backslashed("sink_properties", properties)
    return f"sink_name={NAME} {profile.sink_arguments} {quoted}"


def remove_idle(pulse: Server, unloaded: str | None = None) -> None:
    """Remove the fallback sink if no microphone or speaker is left. The sink `unloaded` does not count.

    PulseAudio answers before it unloads: on a busy machine its next answer may still show that sink.
    """
    sinks = pulse.sink_list()
    devices = [sink for sink in sinks if DeviceProperties.of(sink) is not None and sink.name != unloaded]
    # PipeWire shows a sink for some ms after its module is unloaded.
    if any(_modules.is_loaded(pulse, sink.owner_module) for sink in devices):
        return
    for sink in sinks:
        # A server that vmic started has its own silent sink, which stays.
        if sink.proplist.get(_ROLE) == "silence":
            _modules.unload(pulse, sink.owner_module, f" sink_name={NAME} ")


@contextlib.contextmanager
def provided(pulse: Server, profile: ServerProfile, sink_name: str) -> Iterator[None]:
    """Provide the fallback sink for the sink that the block creates. Remove it if the block raises."""
    provide(pulse, profile)
    with contextlib.ExitStack() as unneeded:
        unneeded.callback(remove_idle, pulse, sink_name)
        yield
        unneeded.pop_all()
