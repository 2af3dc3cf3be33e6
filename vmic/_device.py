"""The device on the server: a null sink that vmic writes to, and the source over it that applications pick.

Nothing is remembered here: what a device is, and whose, is read back from the properties of its source.
"""

from __future__ import annotations

import contextlib
import os
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pulsectl

from vmic import _dialect, _names, _server, _settling
from vmic._dialect import Dialect
from vmic._errors import DeviceError
from vmic._owner import Owner

SILENCE = "vmic-silence"
_PROPERTY_NAME = "vmic.name"


@dataclass(frozen=True)
class MicrophoneInfo:
    """A microphone that is on the server.

    Attributes:
        name: As it was given, and as applications show it.
        source_name: What the server calls it.
        sample_rate: Frames a second.
        channels: Samples in a frame.
        pid: The process that it belongs to and ends with; None when it stays until it is removed.
        program: That process's program; None likewise.
    """

    name: str
    source_name: str
    sample_rate: int
    channels: int
    pid: int | None
    program: str | None


@dataclass(frozen=True)
class Device:
    """What is on the server, with the server's own numbers for it."""

    info: MicrophoneInfo
    owner: Owner | None
    sink_name: str
    sink_index: int | None
    source_index: int
    modules: tuple[int, ...]  # in the order in which they are unloaded

    @property
    def complete(self) -> bool:
        """Whether the sink is still there too."""
        return len(self.modules) == 2


def make(
    pulse: pulsectl.Pulse,
    name: str,
    sample_rate: int,
    channels: int,
    channel_map: str,
    *,
    owner: Owner | None,
    replace: bool,
) -> Device:
    """Put microphone `name` on the server, at 100 % and unmuted; a failure leaves nothing behind.

    Raises:
        DeviceError: The name is taken, or the server refuses.
    """
    dialect = _dialect.of(pulse)
    _make_room(pulse, name, replace=replace)
    form = f"rate={sample_rate} channels={channels} channel_map={channel_map}"
    source_name, sink_name = _names.source_name(name), _names.sink_name(name)
    with _undoing(pulse) as load:
        _provide_silence(pulse, dialect)
        properties = {
            "device.description": f"{source_name} (fed by vmic; do not play here)",
            **dialect.sink_properties,
        }
        arguments = f"sink_name={sink_name} {form} {dialect.sink_arguments}"
        quoted = _dialect.backslashed("sink_properties", properties)
        module = load("module-null-sink", f"{arguments} {quoted}", name)
        sink = _settling.await_own(pulse, pulse.sink_list, sink_name, module, name)
        properties = {
            "device.description": name,
            **_marks(name, sample_rate, channels, owner),
            **dialect.source_properties,
        }
        arguments = (
            f"source_name={source_name} master={sink_name}.monitor {form}"
            f" master_channel_map={channel_map} remix=no"
        )
        quoted = dialect.quoting(sink.proplist)("source_properties", properties)
        module = load("module-remap-source", f"{arguments} {quoted}", name)
        source = _settling.await_own(pulse, pulse.source_list, source_name, module, name)
        if source.description != name:
            raise DeviceError(
                f"the sound server shows {source.description!r} instead of {name!r}: choose a simpler name"
            )
        _settling.set_volumes(pulse, sink_name, source_name, dialect.settles)
    device = find(pulse, name)
    if device is None:
        raise DeviceError(f"microphone {name!r} vanished while it was made: try again")
    return device


def find(pulse: pulsectl.Pulse, name: str) -> Device | None:
    """The microphone of that name, or with that server's name."""
    devices = find_all(pulse)
    for device in devices:
        if device.info.name == name:
            return device
    return next((d for d in devices if d.info.source_name == name), None)


def find_all(pulse: pulsectl.Pulse) -> list[Device]:
    """Every microphone of vmic's on this server."""
    sinks = {sink.name: sink for sink in pulse.sink_list()}
    devices = []
    for source in pulse.source_list():
        # Marks that cannot be read are not vmic's: anybody may give a source any property.
        with contextlib.suppress(KeyError, ValueError):
            devices.append(_read(source, sinks))
    return devices


def remove(pulse: pulsectl.Pulse, device: Device) -> None:
    """Take `device` off the server.

    Who records it, and who writes to it, gets an end first: else the server would move the one to another
    microphone, and the other to another output.
    """
    for recorder in pulse.source_output_list():
        if recorder.source == device.source_index:
            _server.kill_recorder(pulse, recorder.index)
    for player in pulse.sink_input_list():
        if player.sink == device.sink_index:
            _server.kill_player(pulse, player.index)
    for module in device.modules:
        _unload(pulse, module)
    _remove_idle_silence(pulse)


def set_writer_volume(pulse: pulsectl.Pulse, sink_name: str) -> None:
    """Put this process's streams into the sink to 100 %: a server remembers volumes by the program's name."""
    sink = pulse.get_sink_by_name(sink_name)
    for stream in pulse.sink_input_list():
        if stream.sink == sink.index and stream.proplist.get("application.process.id") == str(os.getpid()):
            _settling.open_up(pulse, stream)


def play_at_once(pulse: pulsectl.Pulse, sink_name: str) -> None:
    """End the long step with which PulseAudio's sink begins; the writer's open stream wants short ones.

    It fetches 50 ms of silence when it is made, and nothing is heard before that is over; once resumed it
    fetches anew (16.1). The source over it is not suspended: who records notices nothing.
    """
    if not _dialect.of(pulse).begins_long:
        return
    sink = pulse.get_sink_by_name(sink_name)
    try:
        pulse.sink_suspend(sink.index, 1)
    finally:
        pulse.sink_suspend(sink.index, 0)


# ---- making ----


class _Load:
    """Loads modules, and remembers them in case they must go again."""

    def __init__(self, pulse: pulsectl.Pulse) -> None:
        self._pulse = pulse
        self._loaded: list[int] = []

    def __call__(self, module: str, arguments: str, name: str) -> int:
        try:
            index = int(self._pulse.module_load(module, arguments))
        except pulsectl.PulseError as error:
            if not self._pulse.connected:
                raise
            raise DeviceError(
                f"the sound server at {_server.address()} refused {module} for microphone {name!r}: "
                f"{_server.last_error(self._pulse)} (arguments: {arguments})"
            ) from error
        self._loaded.append(index)
        return index

    def undo(self) -> None:
        while self._loaded:
            _unload(self._pulse, self._loaded.pop())


@contextlib.contextmanager
def _undoing(pulse: pulsectl.Pulse) -> Iterator[_Load]:
    load = _Load(pulse)
    with contextlib.ExitStack() as unfinished:
        unfinished.callback(_remove_idle_silence, pulse)
        unfinished.callback(load.undo)
        yield load
        unfinished.pop_all()


def _make_room(pulse: pulsectl.Pulse, name: str, *, replace: bool) -> None:
    """See that the name is free: what a dead program left is taken away, and what `replace` says."""
    device = find(pulse, name)
    if device is not None and device.info.name == name:
        if replace or (device.owner is not None and not device.owner.alive):
            remove(pulse, device)
            _settling.await_gone(pulse, device.info.source_name)
            return
        raise DeviceError(f"microphone {name!r} exists already, {_whose(device.owner, name)}")
    taken = {_names.source_name(name), _names.sink_name(name)}
    for other in (*pulse.source_list(), *pulse.sink_list()):
        if other.name in taken:
            raise DeviceError(
                f"the name {name!r} is taken: the sound server has a device {other.name} that is not vmic's"
                f" ({other.description}); choose another name"
            )


def _whose(owner: Owner | None, name: str) -> str:
    if owner is None:
        return f"made to stay: write to it with open_microphone_device, or remove it (vmic remove {name!r})"
    return (
        f"it belongs to {owner.program} (process {owner.pid}): end that, choose another name, "
        "write to it too with open_microphone_device, or take it over with replace=True"
    )


def _marks(name: str, sample_rate: int, channels: int, owner: Owner | None) -> dict[str, str]:
    """Properties from which `_read` knows a microphone again; in no dialect do they need quoting."""
    marks = {
        _PROPERTY_NAME: urllib.parse.quote(name, safe=""),
        "vmic.format": f"{sample_rate}x{channels}",
    }
    if owner is not None:
        marks["vmic.owner"] = ":".join(
            (str(owner.pid), str(owner.started), owner.token, urllib.parse.quote(owner.program, safe=""))
        )
    return marks


def _read(source: Any, sinks: dict[str, Any]) -> Device:
    name = urllib.parse.unquote(source.proplist[_PROPERTY_NAME])
    sample_rate, channels = (int(n) for n in source.proplist["vmic.format"].split("x"))
    owner = None
    if "vmic.owner" in source.proplist:
        pid, started, token, program = source.proplist["vmic.owner"].split(":")
        owner = Owner(int(pid), int(started), urllib.parse.unquote(program), token)
    sink_name = _names.sink_name(name)
    modules = [source.owner_module]
    if sink_name in sinks:
        modules.append(sinks[sink_name].owner_module)
    info = MicrophoneInfo(
        name=name,
        source_name=source.name,
        sample_rate=sample_rate,
        channels=channels,
        pid=owner.pid if owner else None,
        program=owner.program if owner else None,
    )
    sink_index = sinks[sink_name].index if sink_name in sinks else None
    return Device(info, owner, sink_name, sink_index, source.index, tuple(modules))


def _provide_silence(pulse: pulsectl.Pulse, dialect: Dialect) -> None:
    """Where the device's sink would be the only output, give the machine a silent one first.

    Otherwise all that the machine plays, the far side of a call included, would go into the microphone.
    """
    for sink in pulse.sink_list():
        # The server's own dummy goes as soon as another output comes.
        if sink.name != "auto_null" and not sink.name.startswith("vmic-sink-"):
            return
    properties = {"device.description": "Silence", "vmic.role": "silence", **dialect.silence_properties}
    pulse.module_load(
        "module-null-sink", f"sink_name={SILENCE} {_dialect.backslashed('sink_properties', properties)}"
    )


def _remove_idle_silence(pulse: pulsectl.Pulse) -> None:
    """The silent output goes with the last microphone."""
    if find_all(pulse):
        return
    for sink in pulse.sink_list():
        if sink.proplist.get("vmic.role") == "silence":
            _unload(pulse, sink.owner_module)


def _unload(pulse: pulsectl.Pulse, module: int) -> None:
    # It may be gone already: PulseAudio unloads a source with its sink.
    with contextlib.suppress(pulsectl.PulseOperationFailed):
        pulse.module_unload(module)
