"""The device on the server: a null sink that vmic writes to, and the source over it that applications pick.

Nothing is remembered here: what a device is, and whose, is read back from the properties of the two. Both
have them, so that what is left when one of them is gone is still known as ours.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import urllib.parse
from dataclasses import dataclass
from typing import Any

from vmic import _modules, _names, _silence
from vmic._libpulse import pulsectl
from vmic._owner import Owner
from vmic._recorders import is_on
from vmic._requests import Requests

_NAME, _FORMAT, _OWNER, _VOLUME = "vmic.name", "vmic.format", "vmic.owner", "vmic.volume"
_CREATION = "vmic.creation"

_Marks = tuple["MicrophoneInfo", Owner | None, bool, str]


@dataclass(frozen=True)
class MicrophoneInfo:
    """A microphone that is on the server.

    Attributes:
        name: As it was given; applications show it unless there is a description.
        source_name: What the server calls it.
        sample_rate: Frames a second.
        channels: Samples in a frame.
        pid: The process that it belongs to and ends with; None when it stays until it is removed.
        program: That process's program; None likewise.
    """

    __module__ = "vmic"

    name: str
    source_name: str
    sample_rate: int
    channels: int
    pid: int | None
    program: str | None


@dataclass(frozen=True)
class Device:
    """What is on the server of a microphone, with the server's own numbers for it.

    Attributes:
        info: As a program sees it.
        owner: Whose it is; None when it stays until it is removed.
        guards_volume: Whether its volume is held at 100 %.
        creation: Tells it from all others, also from those of its name before and after it.
        sink: pulsectl's view of the sink; None when it is gone, or not there yet.
        source: That of the source; likewise.
    """

    info: MicrophoneInfo
    owner: Owner | None
    guards_volume: bool
    creation: str
    sink: Any
    source: Any

    @property
    def sink_name(self) -> str:
        """What the server calls the sink."""
        return _names.sink_name(self.info.name)

    @property
    def complete(self) -> bool:
        """Whether both halves are there."""
        return self.sink is not None and self.source is not None


def marks(
    name: str, sample_rate: int, channels: int, owner: Owner | None, *, volume_guard: bool
) -> dict[str, str]:
    """The properties of both halves of a new device; in no dialect do they need quoting."""
    written = {
        _NAME: urllib.parse.quote(name, safe=""),
        _FORMAT: f"{sample_rate}x{channels}",
        _VOLUME: "held" if volume_guard else "free",
        _CREATION: secrets.token_hex(8),
    }
    if owner is not None:
        written[_OWNER] = str(owner)
    return written


def find(pulse: pulsectl.Pulse, name: str) -> Device | None:
    """The microphone of that name, or with that server's name."""
    devices = find_all(pulse)
    for device in devices:
        if device.info.name == name:
            return device
    return next((d for d in devices if d.info.source_name == name), None)


def find_all(pulse: pulsectl.Pulse) -> list[Device]:
    """Every microphone of vmic's on this server, and then what is there of others: half of each."""
    halves: dict[_Marks, dict[str, Any]] = {}
    for thing in (*pulse.source_list(), *pulse.sink_list()):
        if read := _marks_of(thing):
            halves.setdefault(read, {})[thing.name] = thing
    devices = [
        Device(*read, both.get(_names.sink_name(read[0].name)), both.get(read[0].source_name))
        for read, both in halves.items()
    ]
    return sorted(devices, key=lambda device: not device.complete)


def is_source(source: Any) -> bool:
    """Whether a source is a microphone of vmic's."""
    return _marks_of(source) is not None


def remove(pulse: pulsectl.Pulse, device: Device) -> None:
    """Take `device` off the server.

    Who records it, and who writes to it through vmic, gets an end first: else the server would move the one
    to another microphone, and the other to another output. Another program's stream belongs there.
    """
    requests = Requests(pulse)
    if device.source is not None:
        for recorder in pulse.source_output_list():
            if is_on(recorder, device.source.index, device.source.name):
                requests.kill_recorder(recorder.index)
    if device.sink is not None:
        for player in pulse.sink_input_list():
            if player.sink == device.sink.index and is_writer(player, device.sink_name):
                requests.kill_player(player.index)
    requests.await_answers()
    for half, argument in ((device.source, "source_name"), (device.sink, "sink_name")):
        if half is not None:
            _modules.unload(pulse, half.owner_module, f" {argument}={half.name} ", device.creation)
    _silence.remove_idle(pulse, device.sink_name)


def is_writer(player: Any, sink_name: str) -> bool:
    """Whether a playing stream is a writer of vmic's, of whichever process, into that very sink.

    A program that plays there by accident does not call its stream so.
    """
    return bool(player.proplist.get("media.name") == sink_name)


def end_writers(pulse: pulsectl.Pulse, sink_name: str) -> None:
    """End this process's streams into that sink.

    Such a stream may not be shown (PipeWire 0.3.65, after its session manager had ended), so the connections
    are ended: all those of which no other stream is shown.
    """
    shown = {player.client: player.proplist.get("media.name") for player in pulse.sink_input_list()}
    requests = Requests(pulse)
    for client in pulse.client_list():
        is_this = client.proplist.get("application.process.id") == str(os.getpid())
        if is_this and client.name == _names.WRITER and shown.get(client.index, sink_name) == sink_name:
            requests.kill_client(client.index)
    requests.await_answers()


def _marks_of(half: Any) -> _Marks | None:
    """What a sink or source says that it is, if it is half of a microphone of vmic's."""
    # Marks that cannot be read are not vmic's: anybody may give a device any property.
    with contextlib.suppress(KeyError, ValueError):
        read = _read(half.proplist)
        # Nor are they on another one (on PipeWire the sink's monitor has them too).
        if half.name in (read[0].source_name, _names.sink_name(read[0].name)):
            return read
    return None


def _read(properties: dict[str, str]) -> _Marks:
    name = urllib.parse.unquote(properties[_NAME])
    sample_rate, channels = (int(n) for n in properties[_FORMAT].split("x"))
    owner = Owner.parse(properties[_OWNER]) if _OWNER in properties else None
    info = MicrophoneInfo(
        name=name,
        source_name=_names.source_name(name),
        sample_rate=sample_rate,
        channels=channels,
        pid=owner.pid if owner else None,
        program=owner.program if owner else None,
    )
    return info, owner, properties[_VOLUME] != "free", properties[_CREATION]
