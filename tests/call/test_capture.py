"""The frames that the call's process records from a microphone, before any codec."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from audio_signals import HeardSignal, Samples, numbered
from servers import SoundServer

import vmic
from vmic.call._media import portaudio
from vmic.call._media.capture import PIECE, Capture
from vmic.call._media.device_watch import DeviceWatch

RATE = 48000


@pytest.fixture(autouse=True)
def no_source_after(server: SoundServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Restore PULSE_SOURCE after the test: `Capture` sets it, because normally it has its own process."""
    monkeypatch.setenv("PULSE_SOURCE", "")


@pytest.fixture
def device_watch(server: SoundServer) -> Iterator[DeviceWatch]:
    following = DeviceWatch()
    yield following
    following.close()


async def recorded(capture: Capture, pieces: int) -> Samples:
    found = []
    for _ in range(pieces):
        sound, channels = await capture.next()
        assert len(sound) == PIECE * 2 * channels
        found.append(np.frombuffer(sound, np.int16).reshape(-1, channels))
    return np.concatenate(found)


@pytest.mark.parametrize("channels", [1, 2])
def test_it_is_exact_silence_and_then_every_frame_once(device_watch: DeviceWatch, channels: int) -> None:
    with vmic.create_microphone_device("mic", RATE, channels, True) as mic:

        async def record() -> tuple[Samples, Samples]:
            capture = Capture(device_watch, print)
            capture.use(mic.source_name, channels)
            while not mic.listeners:
                await recorded(capture, 1)
            silence = await recorded(capture, 50)
            mic.write_frames(numbered(RATE, channels))
            sound = await recorded(capture, 75)
            await capture.close()
            return silence, sound

        silence, sound = asyncio.run(record())
    assert not silence.any()
    HeardSignal.in_recording(sound, RATE).assert_exact(RATE)


def test_a_stream_does_not_use_the_stack_of_a_thread_that_ended(device_watch: DeviceWatch) -> None:
    """PortAudio's thread may print an error forever if its stack is not zero (see portaudio.py)."""
    own: list[set[int]] = []  # of each stream

    class Noting(Capture):
        def open(self, sounddevice: Any, found: Any) -> Any:
            own.append(set())
            return super().open(sounddevice, found)

        def note_moved(self) -> None:
            own[-1].add(threading.get_ident())  # an address in the thread's stack (glibc)
            super().note_moved()

    async def record() -> None:
        capture = Noting(device_watch, print)
        capture.use(mic.source_name, 1)
        while not (own and own[0]):
            await recorded(capture, 1)
        capture.reopen()
        while not (own[1:] and own[1]):
            await recorded(capture, 1)
        await capture.close()

    with vmic.create_microphone_device("mic", RATE, 1, True) as mic:
        asyncio.run(record())
    assert not own[0] & own[1]


def test_silence_keeps_the_pace_when_there_is_no_microphone(device_watch: DeviceWatch) -> None:
    async def record() -> tuple[float, Samples]:
        capture = Capture(device_watch, print)
        begin = asyncio.get_running_loop().time()
        silence = await recorded(capture, 50)
        took = asyncio.get_running_loop().time() - begin
        await capture.close()
        return took, silence

    took, silence = asyncio.run(record())
    assert not silence.any()
    assert 0.8 < took < 10


def test_one_that_hangs_when_it_is_opened_is_told_and_tried_again(
    device_watch: DeviceWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portaudio, "_OPENS_WITHIN", 2.0)
    troubles: list[str | None] = []
    hangs, comes = [True], threading.Event()
    late: list[Any] = []

    class Hanging(Capture):
        def open(self, sounddevice: Any, found: Any) -> Any:
            stream = super().open(sounddevice, found)
            if hangs and hangs.pop():
                comes.wait(30)
                late.append(stream)
            return stream

    async def record() -> None:
        capture = Hanging(device_watch, troubles.append)
        capture.use("mic", 1)
        while len(troubles) < 2:
            await recorded(capture, 1)
        comes.set()
        while not (late and late[0].closed):
            await recorded(capture, 1)
        await capture.close()

    with vmic.create_microphone_device("mic", RATE, 1, True):
        asyncio.run(record())
    assert troubles == ["PortAudio did not open mic within 2 s", None]


def test_one_that_is_not_there_is_told_once(device_watch: DeviceWatch) -> None:
    troubles: list[str | None] = []

    async def record() -> None:
        capture = Capture(device_watch, troubles.append)
        capture.use("nobody", 1)
        await recorded(capture, 50)
        with vmic.create_microphone_device("nobody", RATE, 1, True):
            while len(troubles) < 2:
                await recorded(capture, 1)
        await capture.close()

    asyncio.run(record())
    assert troubles == ["nobody not found on the sound server", None]
