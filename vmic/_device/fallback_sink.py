"""The fallback sink: a silent output, so that the machine's sound never goes into a microphone.

Without it a microphone's sink becomes the default output if it is the only output, or when the last other
output is unplugged. All audio that the machine plays, including the far side of a call, would then go into
the microphone.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from vmic._device.properties import DeviceProperties
from vmic._pulse import await_objects, server_profiles
from vmic._pulse import modules as _modules
from vmic._pulse.server import Server
from vmic._pulse.server_profiles import ServerProfile

NAME = "vmic-silence"
_MODULE_ARGUMENT = f" sink_name={NAME} "
_PURPOSE = "the fallback sink, a silent output"
_ROLE = "vmic.role"


def is_there(pulse: Server) -> bool:
    """Return whether the fallback sink exists."""
    return any(sink.name == NAME for sink in pulse.sink_list())


def provide(pulse: Server, profile: ServerProfile) -> Any:
    """Create the fallback sink if it is missing, and return it as soon as the server lists it.

    To be called before the sink of a device is created.

    Raises:
        DeviceError: The server refuses.
    """
    # PipeWire shows a sink for some ms after its module is unloaded. A recording that begins on a new
    # microphone while there is no other sink would later leave it: the microphone is then the default source,
    # and WirePlumber (0.4.13) lets the recordings on it follow the default.
    for sink in pulse.sink_list():
        if sink.name == NAME and _is_loaded(pulse, sink):
            return sink
    module = _modules.load(pulse, "module-null-sink", arguments(profile), _PURPOSE)
    own = await_objects.await_listed(
        pulse, pulse.sink_list, lambda sink: sink.owner_module == module, NAME, _PURPOSE
    )
    for sink in pulse.sink_list():
        # Another process has created one at the same moment.
        if sink.name == NAME and sink.index < own.index and _is_loaded(pulse, sink):
            _unload(pulse, own)
            return sink
    return own


def _is_loaded(pulse: Server, sink: Any) -> bool:
    return _modules.is_loaded(pulse, sink.owner_module, _MODULE_ARGUMENT)


def _unload(pulse: Server, sink: Any) -> None:
    _modules.unload(pulse, sink.owner_module, _MODULE_ARGUMENT)


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
    # A server that vmic started has its own silent sink, which stays.
    idle = [sink for sink in pulse.sink_list() if sink.proplist.get(_ROLE) == "silence"]
    if not idle or _has_devices(pulse, unloaded):
        return
    for sink in idle:
        _unload(pulse, sink)
    # Another process may have created a device meanwhile, and have found the fallback sink still there.
    if _has_devices(pulse, unloaded):
        provide(pulse, server_profiles.of(pulse))


def _has_devices(pulse: Server, unloaded: str | None) -> bool:
    devices = [s for s in pulse.sink_list() if DeviceProperties.of(s) is not None and s.name != unloaded]
    # PipeWire shows a sink for some ms after its module is unloaded.
    return any(_modules.is_loaded(pulse, sink.owner_module) for sink in devices)


@contextlib.contextmanager
def provided(pulse: Server, profile: ServerProfile, sink_name: str) -> Iterator[Any]:
    """Provide the fallback sink for the sink that the block creates. Remove it if the block raises."""
    sink = provide(pulse, profile)
    with contextlib.ExitStack() as unneeded:
        unneeded.callback(remove_idle, pulse, sink_name)
        yield sink
        unneeded.pop_all()
