"""The module with all names of daily-python; those that vmic lacks raise an error that says so when used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import vmic
from vmic.call import daily

# The names of daily-python 0.36.
NAMES = (
    "AudioData CallClient CustomAudioSource CustomAudioTrack CustomVideoSource CustomVideoTrack Daily "
    "EventHandler LogLevel NativeVad VideoFrame VirtualCameraDevice VirtualMicrophoneDevice "
    "VirtualSpeakerDevice"
)
METHODS = (
    "active_speaker add_custom_audio_track add_custom_video_track add_live_streaming_endpoints "
    "eject_remote_participants get_network_stats inputs join leave participant_counts participants "
    "publishing release remove_custom_audio_track remove_custom_video_track "
    "remove_live_streaming_endpoints send_app_message send_dtmf send_prebuilt_chat_message "
    "set_audio_renderer set_ice_config set_proxy_url set_user_name set_video_renderer "
    "sip_call_transfer sip_refer start_dialout start_live_stream_with_endpoints "
    "start_live_stream_with_rtmp_urls start_recording start_transcription stop_dialout "
    "stop_live_stream stop_recording stop_transcription subscription_profiles subscriptions "
    "update_custom_audio_track update_custom_video_track update_inputs update_live_stream "
    "update_permissions update_publishing update_recording update_remote_participants "
    "update_subscription_profiles update_subscriptions update_transcription"
)
EVENTS = (
    "active_speaker_changed app_message available_devices_updated call_state_updated dialin_connected "
    "dialin_error dialin_ready dialin_stopped dialin_warning dialout_answered dialout_connected "
    "dialout_error dialout_stopped dialout_warning dtmf_event error inputs_updated live_stream_error "
    "live_stream_started live_stream_stopped live_stream_updated live_stream_warning "
    "network_connection_status_updated network_stats_updated participant_counts_updated "
    "participant_joined participant_left participant_updated publishing_updated recording_error "
    "recording_started recording_stopped subscription_profiles_updated subscriptions_updated "
    "transcription_error transcription_message transcription_started transcription_stopped "
    "transcription_updated"
)


def test_all_names_are_there() -> None:
    assert daily.__all__ == NAMES.split()
    assert set(METHODS.split()) <= set(dir(daily.CallClient))
    assert {f"on_{event}" for event in EVENTS.split()} == {
        n for n in dir(daily.EventHandler) if n.startswith("on_")
    }


def test_a_module_of_daily_pythons_name_re_exports_them(tmp_path: Path) -> None:
    (tmp_path / "daily.py").write_text("from vmic.call.daily import *\n")
    program = (
        "from daily import *\n"
        "class Handler(EventHandler):\n"
        "    def __new__(cls, *args, **kwargs):\n"
        "        return super().__new__(cls)\n"
        "    def __init__(self, a, *, b):\n"
        "        super().__init__()\n"
        "        self.both = a, b\n"
        "handler = Handler(1, b=2)\n"
        "client = CallClient(event_handler=handler)\n"
        "print(handler.both, client.inputs()['microphone']['isEnabled'])\n"
        "client.release()\n"
    )
    argv = [sys.executable, "-c", program]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("(1, 2) False\n", "")


@pytest.mark.parametrize(
    "name", ["CustomVideoSource", "CustomVideoTrack", "VideoFrame", "VirtualCameraDevice"]
)
def test_video_says_that_there_is_none(name: str) -> None:
    with pytest.raises(
        NotImplementedError,
        match=f"^vmic does not implement {name}: it supports only the sound of microphones",
    ):
        getattr(daily, name)(640, 480)


def test_methods_that_are_absent_say_so() -> None:
    client = daily.CallClient(daily.EventHandler())
    for name in sorted(set(METHODS.split()) - set(dir(vmic.CallClient))):
        with pytest.raises(NotImplementedError, match=rf"^vmic does not implement CallClient\.{name}: "):
            getattr(client, name)("an argument", completion=print)
    with pytest.raises(NotImplementedError, match=r"^vmic does not implement Daily\.create_camera_device: "):
        daily.Daily.create_camera_device("camera", 640, 480)
    client.release()


def test_the_librarys_own_names_are_of_audio_alone() -> None:
    assert not [name for name in vmic.__all__ if "Video" in name or "Camera" in name]
