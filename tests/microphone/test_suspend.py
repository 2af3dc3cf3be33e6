"""A microphone without listeners and writes suspends its stream, and resumes it for a listener or a write."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import programs
import pulsectl
import pytest
from audio_signals import numbered
from recording import Recorder
from servers import SoundServer

import vmic
from vmic._stream import playback

Record = Callable[..., Recorder]


def feeding(server: SoundServer) -> int:
    """Return how many streams play into the microphone."""
    with server.client() as pulse:
        sinks = {sink.index for sink in pulse.sink_list() if sink.name.startswith("vmic-sink-")}
        return sum(stream.sink in sinks for stream in pulse.sink_input_list())


def await_rest(server: SoundServer) -> None:
    # The microphone suspends after 5 s, and later on a busy machine.
    programs.await_that(lambda: feeding(server) == 0, "the microphone rests", 15)


def is_heard(microphone: vmic.VirtualMicrophoneDevice, recorder: Recorder, first: int = 0) -> None:
    """Write to the microphone, and assert that all of it is recorded."""
    microphone.write_frames(numbered(9600, first=first))
    recorder.await_frames(9600)
    recorder.stop()
    recorder.heard().assert_exact(9600, first=first)


@pytest.fixture
def microphone(
    server: SoundServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[vmic.VirtualMicrophoneDevice]:
    """Create a microphone that is suspended after one second, not five (see the test of two microphones)."""
    monkeypatch.setattr(playback, "SUSPEND_AFTER_US", 1_000_000)
    with vmic.create_microphone_device("mic", 48000, non_blocking=True) as microphone:
        assert feeding(server) == 1
        await_rest(server)
        yield microphone


def test_a_listener_wakes_it(
    server: SoundServer, microphone: vmic.VirtualMicrophoneDevice, record: Record
) -> None:
    recorder = record(microphone)
    programs.await_that(lambda: feeding(server) == 1, "it is awake", 10)
    is_heard(microphone, recorder)
    assert microphone.stats.reconnects == 0
    # The recorder has exited.
    await_rest(server)


def test_a_write_wakes_it(
    server: SoundServer, microphone: vmic.VirtualMicrophoneDevice, record: Record
) -> None:
    microphone.write_frames(numbered(9600))
    microphone.drain(timeout=5)
    assert microphone.stats.heard == 9600
    assert feeding(server) == 1
    recorder = record(microphone)
    is_heard(microphone, recorder, first=9600)


def test_the_first_word_to_a_new_listener_is_whole(
    microphone: vmic.VirtualMicrophoneDevice, record: Record
) -> None:
    recorder = record(microphone)
    assert microphone.wait_for_listener(10)
    is_heard(microphone, recorder)


def test_one_with_a_listener_does_not_rest(server: SoundServer, record: Record) -> None:
    with (
        vmic.create_microphone_device("mic", 48000) as microphone,
        vmic.create_microphone_device("other", 48000),
    ):
        record(microphone)
        programs.await_that(lambda: feeding(server) == 1, "the other one rests", 15)
        assert microphone.listeners
        microphone.write_frames(numbered(480))


def test_it_comes_back_with_a_server_that_died_meanwhile(
    server: SoundServer, microphone: vmic.VirtualMicrophoneDevice, record: Record
) -> None:
    server.kill(whole=True)
    server.answer()
    programs.await_that(lambda: feeding(server) == 1, "it is back", 15)
    recorder = record(microphone)
    is_heard(microphone, recorder)


def test_it_does_not_wait_for_a_frozen_server(
    server: SoundServer, microphone: vmic.VirtualMicrophoneDevice
) -> None:
    with server.frozen():
        assert microphone.write_frames(numbered(480)) == 480
        with pytest.raises(vmic.DrainTimeoutError):
            microphone.drain(timeout=0.2)
    microphone.drain(timeout=10)
    assert microphone.stats.heard == 480


def test_it_comes_back_when_somebody_removed_it_meanwhile(
    server: SoundServer, microphone: vmic.VirtualMicrophoneDevice, record: Record
) -> None:
    with server.client() as pulse:
        # In the other order PulseAudio would remove the source together with its sink.
        for module in reversed(pulse.module_list()):
            if "vmic-sink-" in (module.argument or ""):
                # The keeper sees that the first half is removed, and may unload the other half first.
                with contextlib.suppress(pulsectl.PulseOperationFailed):
                    pulse.module_unload(module.index)
    programs.await_that(lambda: feeding(server) == 1, "it is back", 15)
    is_heard(microphone, record(microphone))


def test_it_does_not_speak_into_one_that_took_its_name(
    microphone: vmic.VirtualMicrophoneDevice, record: Record
) -> None:
    with vmic.create_microphone_device("mic", 48000, replace=True) as other:
        recorder = record(other)
        microphone.write_frames(numbered(9600, first=20000))
        with pytest.raises(vmic.DrainTimeoutError):
            microphone.drain(timeout=0.5)
        is_heard(other, recorder)
        assert microphone.stats.heard == 0


def test_its_volume_is_full_when_it_wakes(
    server: SoundServer, microphone: vmic.VirtualMicrophoneDevice, record: Record
) -> None:
    # Another writer: the end of another microphone would end recordings of the default one that begin then.
    with vmic.open_microphone_device(microphone.name), server.client() as pulse:
        for stream in pulse.sink_input_list():
            pulse.volume_set_all_chans(stream, 0.2)
    recorder = record(microphone)
    programs.await_that(lambda: feeding(server) == 1, "it is awake", 10)
    with server.client() as pulse:
        (stream,) = pulse.sink_input_list()

        def is_full() -> bool:
            return bool(pulse.sink_input_info(stream.index).volume.value_flat == 1.0)

        programs.await_that(is_full, "its volume is full", 10)
    is_heard(microphone, recorder)
