"""Create and list speakers and headsets."""

from __future__ import annotations

import contextlib
from typing import TypeVar

from vmic import _api
from vmic._base.validation import check_bool
from vmic._device import create, orphans, registry
from vmic._device.properties import SPEAKER
from vmic._device.registry import Device, SpeakerInfo
from vmic._device.spec import SpeakerSpec
from vmic._headset import Headset
from vmic._monitor.reconnect import Make
from vmic._monitor.stream_opening import StreamServer, opening
from vmic._pulse import connection
from vmic._pulse.bindings import pulsectl
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

    The speaker is a sink of the sound server (PulseAudio or PipeWire), and never its default. It is removed
    when it is closed, or when this process exits. If no server runs, one is started, as by
    `create_microphone_device`. This blocks for about 50 ms (250 ms on PipeWire), at most 5 s.

    Args:
        device_name: As for `create_microphone_device`.
        sample_rate: Frames per second, 8000 to 192000.
        channels: Samples per frame, 1 to 32, in the order that `create_microphone_device` describes.
        non_blocking: Whether `read_frames` returns at once, and passes the frames to its completion.
        replace: Whether to take the name over if a speaker of that name exists.
        description: What applications show instead of the name. It has the same limits.
        backlog: Whether reads also return what was played before the first read, and in pauses between reads.
            The speaker keeps the last 10 s.

    Raises:
        ValueError: An argument is out of range.
        TypeError: An argument has another type.
        DeviceError: The name is in use (the message says by which program), or the server refuses.
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
    shown = _api.check_device(SPEAKER, device_name, description, sample_rate, channels)
    check_bool("non_blocking", non_blocking)
    check_bool("replace", replace)
    check_bool("backlog", backlog)

    def spec(pulse: pulsectl.Pulse) -> SpeakerSpec:
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

    return _api.create_device(spec, attach, replace=replace)


def list_speaker_devices() -> list[SpeakerInfo]:
    """Return the speakers of vmic on this sound server, sorted by name. This blocks for at most 5 s.

    Raises:
        ServerError: No sound server answers.
    """

    def find(pulse: pulsectl.Pulse) -> list[SpeakerInfo]:
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
    description: str | None = None,
    backlog: bool = False,
) -> Headset:
    """Create a microphone and a speaker of one name, like a headset. This blocks for at most 10 s.

    Args:
        name: As for `create_microphone_device`, of both.
        sample_rate: Frames per second, of both.
        channels: Samples per frame, of both.
        non_blocking: Whether writes and reads return at once.
        latency: As for `create_microphone_device`.
        replace: Whether to take the name over if a microphone or a speaker of that name exists.
        volume_guard: As for `create_microphone_device`.
        description: What applications show instead of the name, of both.
        backlog: As for `create_speaker_device`.

    Raises:
        ValueError: An argument is out of range.
        TypeError: An argument has another type.
        DeviceError: The name is in use, or the server refuses. Neither device then exists.
        ServerError: No sound server answers.
    """
    # The other way round their names on the server would collide.
    microphone = _api.create_microphone_device(
        name,
        sample_rate,
        channels,
        non_blocking,
        latency=latency,
        replace=replace,
        volume_guard=volume_guard,
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
