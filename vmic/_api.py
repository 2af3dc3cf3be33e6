"""How a program gets a microphone: check the arguments, reach the server, make the device, open it."""

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
    """Make a microphone that every application of this user can pick by its name.

    It is a source of the sound server (PulseAudio or PipeWire), at 100 % and unmuted, and goes with this
    process or with `close`. Where no server runs and PULSE_SERVER is not set, PulseAudio is started (unless
    VMIC_AUTOSTART is "0"). Blocks for some 50 ms (250 on PipeWire), at most 5 s.

    Args:
        device_name: 1 to 128 characters, no control characters; shown by applications exactly as given,
            unless there is a description.
        sample_rate: Frames a second, 8000 to 192000.
        channels: Samples in a frame, 1 to 32. Three to eight are for these loudspeakers, as in WAVE files:
            3 FL FR FC; 4 FL FR BL BR; 5 FL FR FC BL BR; 6 FL FR FC LFE BL BR; 7 FL FR FC LFE BC SL SR;
            8 FL FR FC LFE BL BR SL SR.
        non_blocking: Whether `write_frames` returns at once, queueing up to 60 s.
        latency: How much sound to keep ahead of late writes: "low", as little as the server needs; "auto",
            more after an underrun, and less again when nothing is late; "safe", 0.1 s or more; or seconds,
            0 to 2. An utterance begins so much later, and a blocking write returns so much earlier.
        replace: Take the name over when a microphone of that name exists.
        volume_guard: Whether its volume is held at 100 %, whoever turns it (browsers' automatic gain
            control does).
        description: What applications show instead of the name; of the same characters.

    Raises:
        ValueError: An argument is out of range.
        TypeError: An argument is of another type.
        DeviceError: The name is taken (the message says by which program), or the server refuses.
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
    """Make a microphone that belongs to no process: it stays until it is removed. For the command."""
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
    """Attach a second writer to a microphone that exists, made by this process or another.

    What both write is heard, mixed. Closing it leaves the microphone where it is. A microphone of ``vmic
    create`` that has no keeper gets one, with a RuntimeWarning.

    Args:
        name: The microphone's name, or the server's name of its source.
        non_blocking: Whether `write_frames` returns at once.
        latency: As for `create_microphone_device`.

    Raises:
        DeviceError: There is no such microphone; the message lists those there are.
        ServerError: No sound server answers.
    """
    names.check_name(name)
    check_bool("non_blocking", non_blocking)
    prebuffer = _latency.prebuffer(latency)
    device = find_guarded(name)
    metrics, place = connection.call(_ways)
    return _attach(device, metrics, place, prebuffer, non_blocking=non_blocking, make=None)


def find_guarded(name: str) -> Device:
    """Find microphone `name`, and see that it has a keeper if it is one of ``vmic create``.

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
    """The microphones of vmic's on this sound server, by name.

    Raises:
        ServerError: No sound server answers.
    """

    def there(pulse: pulsectl.Pulse) -> list[MicrophoneInfo]:
        orphans.remove(pulse)
        return [device.info for device in registry.find_all(pulse) if device.source is not None]

    return sorted(connection.call(there), key=lambda info: info.name)


def remove_microphone_device(name: str) -> None:
    """Remove a microphone that nobody owns: one of ``vmic create``.

    Args:
        name: The microphone's name, or the server's name of its source.

    Raises:
        DeviceError: There is no such microphone, or it belongs to a program that runs (close it there).
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
