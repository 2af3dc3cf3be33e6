"""Create, open, list and remove microphones."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from typing import TypeVar

from vmic._base.validation import MAX_CHANNELS, MAX_SAMPLE_RATE, MIN_SAMPLE_RATE, check_bool, check_int
from vmic._device import create, names, orphans, registry
from vmic._device.owner import Owner
from vmic._device.properties import MICROPHONE
from vmic._device.registry import Device, MicrophoneInfo
from vmic._device.spec import MicrophoneSpec, Spec
from vmic._errors import DeviceError
from vmic._keeper import client
from vmic._microphone import VirtualMicrophoneDevice
from vmic._monitor import monitor
from vmic._monitor.reconnect import Make
from vmic._monitor.stream_opening import StreamServer, opening
from vmic._pulse import autostart, connection
from vmic._pulse.server import Server
from vmic._stream import latency as _latency
from vmic._stream.latency import Latency, Prebuffer
from vmic._stream.playback import PlaybackStream

# Seconds of audio that a device queues. The queue of a blocking device is long enough that the writer thread
# never waits for Python, and short enough that little audio is heard after Ctrl-C.
_QUEUE_NON_BLOCKING = 60.0
_QUEUE_BLOCKING = 0.5


D = TypeVar("D")
M = TypeVar("M", bound=VirtualMicrophoneDevice)


def create_microphone_device(
    device_name: str,
    sample_rate: int = 16000,
    channels: int = 1,
    non_blocking: bool = False,
    *,
    latency: Latency = "auto",
    replace: bool = False,
    volume_guard: bool = True,
    trim: bool = True,
    description: str | None = None,
) -> VirtualMicrophoneDevice:
    """Create a microphone that every application of this user can select by its name.

    The microphone is a source of the sound server (PulseAudio or PipeWire), at 100 % volume and unmuted. vmic
    removes it when it is closed, or when this process exits. If no server runs and PULSE_SERVER is not set,
    vmic starts PulseAudio, unless VMIC_AUTOSTART is "0". This blocks for about 50 ms (250 ms on PipeWire). If
    the server does not answer, it raises ServerError after 5 s.

    Args:
        device_name: The name that applications show: 1 to 128 characters, without control characters.
        sample_rate: Frames per second, 8000 to 192000.
        channels: Samples per frame, 1 to 32. With three to eight channels, the order is that of WAVE files (F
            front, B back, S side, L left, R right, C center, LFE low frequency): 3 FL FR FC; 4 FL FR BL BR; 5
            FL FR FC BL BR; 6 FL FR FC LFE BL BR; 7 FL FR FC LFE BC SL SR; 8 FL FR FC LFE BL BR SL SR.
        non_blocking: Whether `write_frames` returns at once. The queue then holds up to 60 s.
        latency: The length of the prebuffer, which is silence that vmic plays before each utterance, so that
            a late write does not make a gap. An utterance is audio without a pause of 0.5 s or more. "low" is
            the shortest prebuffer that the server permits. "auto" starts like "low", grows after each gap,
            and shrinks while no write is late. "safe" works like "auto", but is never shorter than 0.1 s. A
            number is a fixed length in seconds, 0 to 2. A blocking write may return while one prebuffer of
            audio is still queued, so it returns earlier if the prebuffer is longer.
        replace: Whether to remove an existing microphone of the same name, and take over its name.
        volume_guard: Whether to set the volume back to 100 % when another program changes it, as the
            automatic gain control of browsers does.
        trim: Whether to take back the delay that a gap adds. A gap delays all audio after it, until the next
            utterance. With `trim`, vmic then skips some of the silence in the audio (below -60 dBFS; with
            0.2 s of delay below -45 dBFS, with 1 s anything), and never more than the gaps have added. A
            writer that has its audio queued ahead loses nothing.
        description: The text that applications show instead of the name. The same limits apply as for the
            name.

    Returns:
        The open microphone.

    Raises:
        ValueError: An argument is out of range.
        TypeError: An argument has the wrong type.
        DeviceError: The name is in use (the message names the program), or the server refuses the microphone.
        ServerError: No sound server answers.
    """
    return create_microphone(
        VirtualMicrophoneDevice,
        device_name,
        sample_rate,
        channels,
        non_blocking=non_blocking,
        latency=latency,
        replace=replace,
        volume_guard=volume_guard,
        trim=trim,
        description=description,
    )


def create_microphone(
    device_class: type[M],
    device_name: str,
    sample_rate: int,
    channels: int,
    *,
    non_blocking: bool = False,
    latency: Latency = "auto",
    replace: bool = False,
    volume_guard: bool = True,
    trim: bool = True,
    description: str | None = None,
) -> M:
    """Create a microphone of that class, as `create_microphone_device` does."""
    shown = check_device(MICROPHONE, device_name, description, sample_rate, channels)
    check_bool("non_blocking", non_blocking)
    check_bool("replace", replace)
    check_bool("volume_guard", volume_guard)
    check_bool("trim", trim)
    prebuffer = _latency.prebuffer(latency)
    spec = MicrophoneSpec(device_name, shown, sample_rate, channels)

    def attach(device: Device, server: StreamServer, make: Make) -> M:
        return _attach(
            device_class, device, server, prebuffer, trim=trim, non_blocking=non_blocking, make=make
        )

    return create_device(lambda _: spec, attach, replace=replace, volume_guard=volume_guard)


def check_device(kind: str, name: str, description: str | None, sample_rate: int, channels: int) -> str:
    """Check the arguments that every device has, and return what applications show."""
    names.check_name(name, kind)
    check_int("sample_rate", sample_rate, MIN_SAMPLE_RATE, MAX_SAMPLE_RATE)
    check_int("channels", channels, 1, MAX_CHANNELS)
    return names.check_description(description, name, kind)


def create_device(
    spec: Callable[[Server], Spec],
    attach: Callable[[Device, StreamServer, Make], D],
    *,
    replace: bool,
    volume_guard: bool = True,
) -> D:
    """Create a device of this process, and open it. A failure leaves nothing behind.

    Args:
        spec: Returns what to create, on this server.
        attach: Opens the device that was created. Its last argument is a function that creates it again.
        replace: Whether to take the name over.
        volume_guard: Whether to hold the volume at 100 %.
    """
    autostart.ensure_running()
    make = functools.partial(create.make, owner=Owner.this_process(), volume_guard=volume_guard)

    def begin(pulse: Server) -> tuple[Device, StreamServer, Make]:
        wanted = spec(pulse)
        again = functools.partial(make, spec=wanted, replace=False)
        return make(pulse, wanted, replace=replace), StreamServer.of(pulse), again

    # An undo needs a free connection. `owning` ends first, so the monitor and the keeper have closed theirs.
    with contextlib.ExitStack() as undo, monitor.owning():
        device, server, again = connection.call(
            begin, undo=lambda pulse, made: registry.remove(pulse, made[0])
        )
        undo.callback(connection.call, lambda pulse: registry.remove(pulse, device))
        attached = attach(device, server, again)
        undo.pop_all()
    return attached


def create_lasting_device(
    name: str, sample_rate: int, channels: int, *, replace: bool, description: str | None = None
) -> MicrophoneInfo:
    """Create a microphone that belongs to no process, and stays until it is removed, for `vmic create`."""
    shown = check_device(MICROPHONE, name, description, sample_rate, channels)
    autostart.ensure_running()
    spec = MicrophoneSpec(name, shown, sample_rate, channels)
    make = functools.partial(create.make, spec=spec, owner=None, volume_guard=True, replace=replace)
    return connection.call(make, undo=registry.remove).info


def open_microphone_device(
    name: str, *, non_blocking: bool = False, latency: Latency = "auto", trim: bool = True
) -> VirtualMicrophoneDevice:
    """Open an existing microphone of this or another process, to write to it alongside its other writers.

    The server mixes the audio of all writers. Closing the returned device does not remove the microphone. If
    the microphone was created with ``vmic create`` and its keeper (watchdog process) has exited, vmic starts
    a new keeper. A RuntimeWarning reports this, or that the keeper did not start. This blocks for a few
    milliseconds, and for up to 12 s if vmic starts a keeper. If the server does not answer, it raises
    ServerError after 5 s.

    Args:
        name: The microphone's name, or the name of its source on the sound server.
        non_blocking: Whether `write_frames` returns at once. The queue then holds up to 60 s.
        latency: As for `create_microphone_device`.
        trim: As for `create_microphone_device`.

    Returns:
        The open microphone.

    Raises:
        ValueError: An argument is out of range.
        TypeError: An argument has the wrong type.
        DeviceError: The microphone is not found. The message lists the microphones that exist.
        ServerError: No sound server answers.
    """
    names.check_name(name)
    check_bool("non_blocking", non_blocking)
    check_bool("trim", trim)
    prebuffer = _latency.prebuffer(latency)
    device = find_guarded(name)
    server = connection.call(StreamServer.of)
    return _attach(
        VirtualMicrophoneDevice, device, server, prebuffer, trim=trim, non_blocking=non_blocking, make=None
    )


def find_guarded(name: str) -> Device:
    """Return microphone `name`, and start a keeper if it was created with ``vmic create`` and has none.

    Raises:
        DeviceError: There is no such microphone.
        ServerError: No sound server answers.
    """

    def find(pulse: Server) -> tuple[Device, bool]:
        device = orphans.remove_then_find(pulse, name)
        return device, client.is_guarded(pulse, device)

    device, is_guarded = connection.call(find)
    if not is_guarded:
        client.replace_lost(device)
    return device


def list_microphone_devices() -> list[MicrophoneInfo]:
    """Return all of vmic's microphones on the sound server, whichever process owns them, sorted by name.

    This blocks for a few milliseconds, and at most 5 s.

    Raises:
        ServerError: No sound server answers.
    """

    def there(pulse: Server) -> list[MicrophoneInfo]:
        orphans.remove(pulse)
        return [device.info for device in registry.find_microphones(pulse) if device.source is not None]

    return sorted(connection.call(there), key=lambda info: info.name)


def remove_microphone_device(name: str) -> None:
    """Remove a microphone that no running program owns, such as one created with ``vmic create``.

    A program closes its own microphones with `close`. This blocks for at most 5 s.

    Args:
        name: The microphone's name, or the name of its source on the sound server.

    Raises:
        DeviceError: The microphone is not found, or belongs to a running program.
        ServerError: No sound server answers.
    """
    names.check_name(name)

    def remove(pulse: Server) -> None:
        device = orphans.remove_then_find(pulse, name)
        if device.owner is not None:
            raise DeviceError(
                f"cannot remove microphone {name!r}: it belongs to {device.owner.program} (process "
                f"{device.owner.pid}), which would create the microphone again. Close it in that program, or "
                "end the program"
            )
        registry.remove(pulse, device)

    connection.call(remove)


def _attach(
    device_class: type[M],
    device: Device,
    server: StreamServer,
    prebuffer: Prebuffer,
    *,
    trim: bool,
    non_blocking: bool,
    make: Make | None,
) -> M:
    """Open a stream into `device`."""
    info = device.info
    seconds = _QUEUE_NON_BLOCKING if non_blocking else _QUEUE_BLOCKING + 2 * prebuffer.max
    stream = PlaybackStream(
        device.sink_name,
        server=server.address,
        sample_rate=info.sample_rate,
        channels=info.channels,
        capacity=int(seconds * info.sample_rate),
        metrics=server.metrics,
        prebuffer=prebuffer,
        trim=trim,
    )
    with opening(stream, device, server, make) as reconnection:
        return device_class(info, stream, reconnection, non_blocking=non_blocking, room=seconds / 2)
