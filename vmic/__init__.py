"""Virtual microphones and speakers: a program writes what applications record, and reads what they play.

::

    import vmic

    with vmic.create_microphone_device("my-virtual-microphone") as microphone:
        microphone.write_frames(pcm)  # 16-bit, 16000 Hz, mono

A written frame goes through `_microphone` (`write_frames`), `_stream.pcm` (converts bytes or arrays to 16-bit
samples), `_stream.write_queue` (records the frames of each write) and `_stream.playback` (native ring, writer
thread and pa_simple). On the server, it goes through a null sink to the source over this sink (`_device`),
which applications record. A read frame comes from the null sink to which an application plays. It goes
through `_stream.capture` (native pa_stream, reader thread and ring) and `_stream.read_queue` (assigns frames
to reads) to `_speaker` (`read_frames`).
"""

import importlib as _importlib
import typing as _typing

from vmic import _atexit  # noqa: F401 (first: exit functions that are registered later run before those of vmic)

if _typing.TYPE_CHECKING:
    from vmic._device.registry import MicrophoneInfo, SpeakerInfo
    from vmic._errors import (
        ClosedError,
        DeviceError,
        DeviceLostError,
        DrainTimeoutError,
        ServerError,
        VmicError,
    )
    from vmic._headset import Headset
    from vmic._microphone import VirtualMicrophoneDevice
    from vmic._microphone_creation import (
        create_microphone_device,
        list_microphone_devices,
        open_microphone_device,
        remove_microphone_device,
    )
    from vmic._monitor.recording_apps import Listener
    from vmic._speaker import VirtualSpeakerDevice
    from vmic._speaker_creation import create_headset, create_speaker_device, list_speaker_devices
    from vmic._stats import FlushResult, MicrophoneStats, SpeakerStats
    from vmic.call._daily_api.custom_audio import CustomAudioSource, CustomAudioTrack
    from vmic.call._daily_api.daily_class import Daily, LogLevel
    from vmic.call._daily_api.vad import NativeVad
    from vmic.call.client import CallClient
    from vmic.call.events import EventHandler
    from vmic.call.renderers import AudioData

__version__ = "0.1.0"

__all__ = [
    "AudioData",
    "CallClient",
    "ClosedError",
    "CustomAudioSource",
    "CustomAudioTrack",
    "Daily",
    "DeviceError",
    "DeviceLostError",
    "DrainTimeoutError",
    "EventHandler",
    "FlushResult",
    "Headset",
    "Listener",
    "LogLevel",
    "MicrophoneInfo",
    "MicrophoneStats",
    "NativeVad",
    "ServerError",
    "SpeakerInfo",
    "SpeakerStats",
    "VirtualMicrophoneDevice",
    "VirtualSpeakerDevice",
    "VmicError",
    "create_headset",
    "create_microphone_device",
    "create_speaker_device",
    "list_microphone_devices",
    "list_speaker_devices",
    "open_microphone_device",
    "remove_microphone_device",
]

# Each module is imported when one of its names is first used. Importing all of them takes 0.1 s, and
# `vmic --help` and the keeper do not need all of them.
_HOMES = {
    "_microphone_creation": [
        "create_microphone_device",
        "list_microphone_devices",
        "open_microphone_device",
        "remove_microphone_device",
    ],
    "_device.registry": ["MicrophoneInfo", "SpeakerInfo"],
    "_errors": [
        "ClosedError",
        "DeviceError",
        "DeviceLostError",
        "DrainTimeoutError",
        "ServerError",
        "VmicError",
    ],
    "_headset": ["Headset"],
    "_microphone": ["VirtualMicrophoneDevice"],
    "_monitor.recording_apps": ["Listener"],
    "_speaker": ["VirtualSpeakerDevice"],
    "_speaker_creation": ["create_headset", "create_speaker_device", "list_speaker_devices"],
    "_stats": ["FlushResult", "MicrophoneStats", "SpeakerStats"],
    "call.client": ["CallClient"],
    "call._daily_api.custom_audio": ["CustomAudioSource", "CustomAudioTrack"],
    "call._daily_api.daily_class": ["Daily", "LogLevel"],
    "call._daily_api.vad": ["NativeVad"],
    "call.events": ["EventHandler"],
    "call.renderers": ["AudioData"],
}


def __getattr__(name: str) -> _typing.Any:
    for home, names in _HOMES.items():
        if name in names:
            value = getattr(_importlib.import_module(f"vmic.{home}"), name)
            value.__module__ = "vmic"
            globals()[name] = value
            return value
    raise AttributeError(f"module 'vmic' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
