"""All names of the module `daily` of daily-python 0.36, for programs that were written for it.

These programs run unchanged with a module named `daily` that consists of ``from vmic.call.daily import *``.
Features that vmic does not have (video, transcription, recording, telephony, the permissions of other
participants) can be imported, and raise NotImplementedError when they are used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from vmic.call._daily_api.custom_audio import CustomAudioSource, CustomAudioTrack
from vmic.call._daily_api.daily_class import Daily as _Daily
from vmic.call._daily_api.daily_class import LogLevel
from vmic.call._daily_api.vad import NativeVad
from vmic.call._daily_api.virtual_devices import VirtualMicrophoneDevice, VirtualSpeakerDevice
from vmic.call.client import CallClient as _CallClient
from vmic.call.events import EventHandler as _EventHandler
from vmic.call.renderers import AudioData

__all__ = [
    "AudioData",
    "CallClient",
    "CustomAudioSource",
    "CustomAudioTrack",
    "CustomVideoSource",
    "CustomVideoTrack",
    "Daily",
    "EventHandler",
    "LogLevel",
    "NativeVad",
    "VideoFrame",
    "VirtualCameraDevice",
    "VirtualMicrophoneDevice",
    "VirtualSpeakerDevice",
]

_ABSENT_METHODS = """
    active_speaker add_custom_audio_track add_custom_video_track add_live_streaming_endpoints
    eject_remote_participants get_network_stats remove_custom_audio_track remove_custom_video_track
    remove_live_streaming_endpoints send_dtmf send_prebuilt_chat_message set_ice_config set_proxy_url
    set_video_renderer sip_call_transfer sip_refer start_dialout start_live_stream_with_endpoints
    start_live_stream_with_rtmp_urls start_recording start_transcription stop_dialout stop_live_stream
    stop_recording stop_transcription update_custom_audio_track update_custom_video_track
    update_live_stream update_permissions update_recording update_remote_participants update_transcription
"""
# vmic never calls these; they exist because a subclass may call the method of its base class.
_ABSENT_EVENTS = """
    on_active_speaker_changed on_available_devices_updated on_dialin_connected on_dialin_error
    on_dialin_ready on_dialin_stopped on_dialin_warning on_dialout_answered on_dialout_connected
    on_dialout_error on_dialout_stopped on_dialout_warning on_dtmf_event on_live_stream_error
    on_live_stream_started on_live_stream_stopped on_live_stream_updated on_live_stream_warning
    on_network_stats_updated on_recording_error on_recording_started on_recording_stopped
    on_transcription_error on_transcription_message on_transcription_started on_transcription_stopped
    on_transcription_updated
"""


def _refuse(name: str) -> NoReturn:
    raise NotImplementedError(
        f"vmic does not implement {name}: it supports only the sound of microphones and speakers"
    )


def _absent_method(name: str) -> Callable[..., NoReturn]:
    def method(self: object, *_: object, **__: object) -> NoReturn:
        _refuse(f"{type(self).__name__}.{name}")

    method.__name__ = name
    method.__doc__ = "Raise NotImplementedError."
    return method


def _absent_event(name: str) -> Callable[..., None]:
    def event(self: object, *_: object) -> None:
        pass

    event.__name__ = name
    event.__doc__ = "Do nothing. vmic never calls this method."
    return event


class CallClient(_CallClient):
    """`vmic.CallClient` with the other methods of daily-python, which raise NotImplementedError."""


class EventHandler(_EventHandler):
    """`vmic.EventHandler` with the other events of daily-python, which never occur."""


for _name in _ABSENT_METHODS.split():
    setattr(CallClient, _name, _absent_method(_name))
for _name in _ABSENT_EVENTS.split():
    setattr(EventHandler, _name, _absent_event(_name))


class Daily(_Daily):
    """`vmic.Daily` with daily-python's camera function, which raises NotImplementedError."""

    @staticmethod
    def create_camera_device(*_: object, **__: object) -> NoReturn:
        """Raise NotImplementedError."""
        _refuse("Daily.create_camera_device")


class _Absent:
    def __new__(cls, *_: object, **__: object) -> Any:
        _refuse(cls.__name__)


class CustomVideoSource(_Absent):
    """A class that vmic does not support: creating it raises NotImplementedError."""


class CustomVideoTrack(_Absent):
    """A class that vmic does not support: creating it raises NotImplementedError."""


class VideoFrame(_Absent):
    """A class that vmic does not support: creating it raises NotImplementedError."""


class VirtualCameraDevice(_Absent):
    """A class that vmic does not support: creating it raises NotImplementedError."""
