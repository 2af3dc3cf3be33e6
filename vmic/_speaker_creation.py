"""Create and list speakers and headsets."""

from __future__ import annotations

import contextlib
from typing import TypeVar

from vmic import _microphone_creation
from vmic._base.validation import check_bool
from vmic._device import create, orphans, registry
from vmic._device.properties import SPEAKER
from vmic._device.registry import Device, SpeakerInfo
from vmic._device.spec import SpeakerSpec
from vmic._headset import Headset
from vmic._monitor.reconnect import Make
from vmic._monitor.stream_opening import StreamServer, opening
from vmic._pulse import connection
from vmic._pulse.server import Server
from vmic._speaker import VirtualSpeakerDevice
from vmic._stream.capture import CaptureStream
from vmic._stream.latency import Latency

S = TypeVar("S", bound=VirtualSpeakerDevice)

# Seconds of sound that are kept for reads to come.
_KEPT = 10


def create_speaker_device(
    device_name: str,
    sample_rate: int = 16000,
    channels: int = 1,
    non_blocking: bool = False,
    *,
    replace: bool = False,
    description: str | None = None,
    backlog: bool = False,
) -> VirtualSpeakerDevice:
    """Create a speaker that every application of this user can play to by its name.

    The speaker is a sink of the sound server (PulseAudio or PipeWire), and does not become the default
    output. vmic removes it when it is closed, or when this process exits. If no server runs, vmic starts one,
    as `create_microphone_device` does. This blocks for about 50 ms (250 ms on PipeWire). If the server
    does not answer, it raises ServerError after 5 s.

    Args:
        device_name: The name that applications show: 1 to 128 characters, without control characters.
        sample_rate: Frames per second, 8000 to 192000.
        channels: Samples per frame, 1 to 32, in the order that `create_microphone_device` describes.
        non_blocking: Whether `read_frames` returns ``b""`` at once, and passes the frames to its completion
            when they have arrived.
        replace: Whether to remove an existing speaker of the same name, and take over its name.
        description: The text that applications show instead of the name. The same limits apply as for the
            name.
        backlog: Whether reads also return what was played before the first read, and in pauses between reads.
            The speaker keeps the last 10 s.

    Returns:
        The open speaker.

    Raises:
        ValueError: An argument is out of range.
        TypeError: An argument has the wrong type.
        DeviceError: The name is in use (the message names the program), or the server refuses the speaker.
        ServerError: No sound server answers.
    """
    return create_speaker(
        VirtualSpeakerDevice,
        device_name,
        sample_rate,
        channels,
        non_blocking=non_blocking,
        replace=replace,
        description=description,
        backlog=backlog,
    )


def create_speaker(
    device_class: type[S],
    device_name: str,
    sample_rate: int,
    channels: int,
    *,
    non_blocking: bool = False,
    replace: bool = False,
    description: str | None = None,
    backlog: bool = False,
) -> S:
    """Create a speaker of that class, as `create_speaker_device` does."""
    shown = _microphone_creation.check_device(SPEAKER, device_name, description, sample_rate, channels)
    check_bool("non_blocking", non_blocking)
    check_bool("replace", replace)
    check_bool("backlog", backlog)

    def spec(pulse: Server) -> SpeakerSpec:
        sink_name = create.name_for_speaker(pulse, device_name)
        return SpeakerSpec(device_name, shown, sample_rate, channels, sink_name)

    def attach(device: Device, server: StreamServer, make: Make) -> S:
        stream = CaptureStream(
            device.sink_name,
            server=server.address,
            sample_rate=sample_rate,
            channels=channels,
            capacity=_KEPT * sample_rate,
            period=server.metrics.period,
        )
        with opening(stream, device, server, make) as reconnection:
            return device_class(device, stream, reconnection, non_blocking=non_blocking, backlog=backlog)

    return _microphone_creation.create_device(spec, attach, replace=replace)


def list_speaker_devices() -> list[SpeakerInfo]:
    """Return all of vmic's speakers on the sound server, whichever process owns them, sorted by name.

    This blocks for a few milliseconds, and at most 5 s.

    Raises:
        ServerError: No sound server answers.
    """

    def find(pulse: Server) -> list[SpeakerInfo]:
        orphans.remove(pulse)
        devices = registry.find_all(pulse)
        return [device.speaker_info for device in devices if device.kind == SPEAKER and device.complete]

    return sorted(connection.call(find), key=lambda info: info.name)


def create_headset(
    name: str,
    sample_rate: int = 16000,
    channels: int = 1,
    non_blocking: bool = False,
    *,
    latency: Latency = "auto",
    replace: bool = False,
    volume_guard: bool = True,
    trim: bool = True,
    description: str | None = None,
    backlog: bool = False,
) -> Headset:
    """Create a headset: a microphone and a speaker with the same name.

    Args:
        name: The name of both devices, as for `create_microphone_device`.
        sample_rate: Frames per second of both devices.
        channels: Samples per frame of both devices.
        non_blocking: Whether writes and reads return at once.
        latency: The prebuffer of the microphone, as for `create_microphone_device`.
        replace: Whether to remove an existing microphone and speaker of the same name.
        volume_guard: As for `create_microphone_device`.
        trim: As for `create_microphone_device`.
        description: The text that applications show instead of the name, for both devices.
        backlog: As for `create_speaker_device`.

    Returns:
        The open headset.

    Raises:
        ValueError: An argument is out of range.
        TypeError: An argument has the wrong type.
        DeviceError: The name is in use, or the server refuses a device. vmic then creates neither device.
        ServerError: No sound server answers.
    """
    # If the speaker were created first, it would take the microphone's name on the server.
    microphone = _microphone_creation.create_microphone_device(
        name,
        sample_rate,
        channels,
        non_blocking,
        latency=latency,
        replace=replace,
        volume_guard=volume_guard,
        trim=trim,
        description=description,
    )
    with contextlib.ExitStack() as undo:
        undo.callback(microphone.close)
        speaker = create_speaker_device(
            name,
            sample_rate,
            channels,
            non_blocking,
            replace=replace,
            description=description,
            backlog=backlog,
        )
        undo.pop_all()
    return Headset(microphone, speaker)
