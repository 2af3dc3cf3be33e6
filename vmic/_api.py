"""Create, open, list and remove microphones."""

from __future__ import annotations

import contextlib
import functools

from vmic._base.validation import MAX_CHANNELS, MAX_SAMPLE_RATE, MIN_SAMPLE_RATE, check_bool, check_int
from vmic._device import create, names, orphans, registry, volume
from vmic._device.owner import Owner
from vmic._device.registry import Device, MicrophoneInfo
from vmic._device.spec import MicrophoneSpec
from vmic._errors import DeviceError, ServerError
from vmic._keeper import client
from vmic._microphone import VirtualMicrophoneDevice
from vmic._monitor import monitor
from vmic._monitor.reconnect import Make, Reconnection
from vmic._pulse import autostart, backend, connection, refusals
from vmic._pulse.backend import BufferMetrics
from vmic._pulse.bindings import pulsectl
from vmic._stream import latency as _latency
from vmic._stream.latency import Latency, Prebuffer
from vmic._stream.native import Native
from vmic._stream.playback import Stream

# Seconds of audio that a device queues. A blocking write keeps the queue short itself: so much is in it that
# the writer thread never waits for Python, and so little that Ctrl-C leaves no long tail.
_QUEUE_NON_BLOCKING = 60.0
_QUEUE_BLOCKING = 0.5


def create_microphone_device(
    device_name: str,
    sample_rate: int = 16000,
    channels: int = 1,
    non_blocking: bool = False,
    *,
    latency: Latency = "auto",
    replace: bool = False,
    volume_guard: bool = True,
    description: str | None = None,
) -> VirtualMicrophoneDevice:
    """Create a microphone that every application of this user can select by its name.

    The microphone is a source of the sound server (PulseAudio or PipeWire), at 100 % and unmuted. It is
    removed when it is closed, or when this process exits. If no server runs and PULSE_SERVER is not set, vmic
    starts PulseAudio (unless VMIC_AUTOSTART is "0"). This blocks for about 50 ms (250 ms on PipeWire), at
    most 5 s.

    Args:
        device_name: The name, 1 to 128 characters without control characters. Applications show it exactly as
            given, unless there is a description.
        sample_rate: Frames per second, 8000 to 192000.
        channels: Samples per frame, 1 to 32. Three to eight channels are in the order of WAVE files:
            3 FL FR FC; 4 FL FR BL BR; 5 FL FR FC BL BR; 6 FL FR FC LFE BL BR; 7 FL FR FC LFE BC SL SR;
            8 FL FR FC LFE BL BR SL SR.
        non_blocking: Whether `write_frames` returns at once. The queue then holds up to 60 s.
        latency: The prebuffer, which covers late writes. "low" is as short as the server permits. "auto"
            grows after an underrun, and shrinks when no write is late. "safe" is 0.1 s or longer. A number is
            in seconds, 0 to 2. An utterance begins later by the prebuffer, and a blocking write returns
            earlier.
        replace: Whether to take the name over if a microphone of that name exists.
        volume_guard: Whether to hold the volume at 100 %, whoever turns it. The automatic gain control of
            browsers does.
        description: What applications show instead of the name. It has the same limits.

    Raises:
        ValueError: An argument is out of range.
        TypeError: An argument has another type.
        DeviceError: The name is in use (the message says by which program), or the server refuses.
        ServerError: No sound server answers.
    """
    names.check_name(device_name)
    check_int("sample_rate", sample_rate, MIN_SAMPLE_RATE, MAX_SAMPLE_RATE)
    check_int("channels", channels, 1, MAX_CHANNELS)
    check_bool("non_blocking", non_blocking)
    check_bool("replace", replace)
    check_bool("volume_guard", volume_guard)
    shown = names.check_description(description, device_name)
    prebuffer = _latency.prebuffer(latency)
    autostart.ensure_running()
    make = functools.partial(
        create.make,
        spec=MicrophoneSpec(device_name, shown, sample_rate, channels),
        owner=Owner.this_process(),
        volume_guard=volume_guard,
    )
    # What is undone needs a connection, which the watch and the keeper have left then.
    with contextlib.ExitStack() as undo, monitor.owning():
        device, metrics, place = connection.call(
            lambda pulse: (
                make(pulse, replace=replace),
                backend.of(pulse).metrics,
                connection.for_streams(pulse),
            ),
            undo=lambda pulse, made: registry.remove(pulse, made[0]),
        )
        undo.callback(connection.call, lambda pulse: registry.remove(pulse, device))
        again = functools.partial(make, replace=False)
        microphone = _attach(device, metrics, place, prebuffer, non_blocking=non_blocking, make=again)
        undo.pop_all()
    return microphone


def create_lasting_device(
    name: str, sample_rate: int, channels: int, *, replace: bool, description: str | None = None
) -> MicrophoneInfo:
    """Create a microphone that belongs to no process, and stays until it is removed. The command uses it."""
    names.check_name(name)
    shown = names.check_description(description, name)
    check_int("sample_rate", sample_rate, MIN_SAMPLE_RATE, MAX_SAMPLE_RATE)
    check_int("channels", channels, 1, MAX_CHANNELS)
    autostart.ensure_running()
    spec = MicrophoneSpec(name, shown, sample_rate, channels)
    make = functools.partial(create.make, spec=spec, owner=None, volume_guard=True, replace=replace)
    return connection.call(make, undo=registry.remove).info


def open_microphone_device(
    name: str, *, non_blocking: bool = False, latency: Latency = "auto"
) -> VirtualMicrophoneDevice:
    """Open a microphone that exists, created by this process or by another, for another writer.

    The server mixes what its writers write. Closing the device does not remove the microphone. A microphone
    of ``vmic create`` whose keeper has died gets another keeper, with a RuntimeWarning. This blocks for some
    milliseconds, at most 5 s.

    Args:
        name: The microphone's name, or the server's name of its source.
        non_blocking: Whether `write_frames` returns at once.
        latency: As for `create_microphone_device`.

    Raises:
        DeviceError: There is no such microphone. The message lists those that exist.
        ServerError: No sound server answers.
    """
    names.check_name(name)
    check_bool("non_blocking", non_blocking)
    prebuffer = _latency.prebuffer(latency)
    device = find_guarded(name)
    metrics, place = connection.call(_ways)
    return _attach(device, metrics, place, prebuffer, non_blocking=non_blocking, make=None)


def find_guarded(name: str) -> Device:
    """Return microphone `name`, and start a keeper if it is one of ``vmic create`` without one.

    Raises:
        DeviceError: There is no such microphone.
        ServerError: No sound server answers.
    """

    def find(pulse: pulsectl.Pulse) -> tuple[Device, bool]:
        device = orphans.find(pulse, name)
        return device, client.is_guarded(pulse, device)

    device, is_guarded = connection.call(find)
    if not is_guarded:
        client.replace_lost(device)
    return device


def list_microphone_devices() -> list[MicrophoneInfo]:
    """Return the microphones of vmic on this sound server, sorted by name. This blocks for at most 5 s.

    Raises:
        ServerError: No sound server answers.
    """

    def there(pulse: pulsectl.Pulse) -> list[MicrophoneInfo]:
        orphans.remove(pulse)
        return [device.info for device in registry.find_all(pulse) if device.source is not None]

    return sorted(connection.call(there), key=lambda info: info.name)


def remove_microphone_device(name: str) -> None:
    """Remove a microphone that no process owns: one of ``vmic create``. This blocks for at most 5 s.

    Args:
        name: The microphone's name, or the server's name of its source.

    Raises:
        DeviceError: There is no such microphone, or it belongs to a running program. Close it there.
        ServerError: No sound server answers.
    """
    names.check_name(name)

    def remove(pulse: pulsectl.Pulse) -> None:
        device = orphans.find(pulse, name)
        if device.owner is not None:
            raise DeviceError(
                f"microphone {name!r} belongs to {device.owner.program} (process {device.owner.pid}), which "
                "would make it again: close it there, or end that program"
            )
        registry.remove(pulse, device)

    connection.call(remove)


def _ways(pulse: pulsectl.Pulse) -> tuple[BufferMetrics, str | None]:
    """How a stream is fed on this server, and where it finds it."""
    return backend.of(pulse).metrics, connection.for_streams(pulse)


def _attach(
    device: Device,
    metrics: BufferMetrics,
    place: str | None,
    prebuffer: Prebuffer,
    *,
    non_blocking: bool,
    make: Make | None,
) -> VirtualMicrophoneDevice:
    """Open a stream into `device`, on the server at `place`."""
    info = device.info
    seconds = _QUEUE_NON_BLOCKING if non_blocking else _QUEUE_BLOCKING + 2 * prebuffer.max
    capacity = int(seconds * info.sample_rate)
    stream = Stream(
        device.sink_name,
        server=place,
        sample_rate=info.sample_rate,
        channels=info.channels,
        capacity=capacity,
        metrics=metrics,
        prebuffer=prebuffer,
    )
    with contextlib.ExitStack() as undo:
        undo.callback(stream.close)
        await_open(stream, info.name)
        connection.call(functools.partial(_set_out, sink_name=device.sink_name, new=make is not None))
        # It ends with the stream.
        reconnection = Reconnection(device, stream, metrics, make)
        room = seconds / 2
        microphone = VirtualMicrophoneDevice(info, stream, reconnection, non_blocking=non_blocking, room=room)
        undo.pop_all()
    return microphone


def await_open(stream: Native, name: str) -> None:
    """Wait until the first stream of the device `name` is open.

    Raises:
        ServerError: It is refused, or the server hangs.
    """
    if not stream.wait_open(connection.TIMEOUT):
        raise ServerError(f"the sound server opened no stream for {name!r} within 5 s: it hangs")
    if stream.is_disconnected:
        said = refusals.of_connection(stream.state().error)
        raise ServerError(f"the sound server opened no stream for {name!r}: {said}")


def _set_out(pulse: pulsectl.Pulse, sink_name: str, *, new: bool) -> None:
    volume.set_stream_volume(pulse, sink_name)
    if new:
        create.play_at_once(pulse, sink_name)
