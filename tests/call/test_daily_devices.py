"""The devices of `Daily` also take the argument names of daily-python's documentation."""

from __future__ import annotations

import asyncio

import pytest
from audio_signals import numbered
from servers import SoundServer

import vmic
from vmic.call import daily


def test_frames_have_a_second_name(server: SoundServer) -> None:
    with vmic.Daily.create_microphone_device("mic", 48000, non_blocking=True) as microphone:
        assert isinstance(microphone, vmic.VirtualMicrophoneDevice)
        assert isinstance(microphone, daily.VirtualMicrophoneDevice)
        assert microphone.write_frames(frame=numbered(480)) == 480
        assert microphone.write_frames(numbered(480)) == 480
        assert asyncio.run(microphone.write_frames_async(frame=numbered(480))) == 480
        with pytest.raises(TypeError, match="frames must be given exactly once"):
            microphone.write_frames()
        with pytest.raises(TypeError, match="frames must be given exactly once"):
            microphone.write_frames(b"", frame=b"")


def test_a_number_of_frames_has_a_second_name(server: SoundServer) -> None:
    with vmic.Daily.create_speaker_device("speaker", 48000, backlog=True) as speaker:
        assert isinstance(speaker, vmic.VirtualSpeakerDevice)
        assert isinstance(speaker, daily.VirtualSpeakerDevice)
        assert speaker.read_frames(num_frame=480) == bytes(960)
        assert asyncio.run(speaker.read_frames_async(num_frame=480)) == bytes(960)
        with pytest.raises(TypeError, match="num_frames must be given exactly once"):
            speaker.read_frames()
        with pytest.raises(TypeError, match="num_frames must be given exactly once"):
            speaker.read_frames(1, num_frame=1)
