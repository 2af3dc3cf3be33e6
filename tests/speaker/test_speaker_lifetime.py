"""A speaker loses its server, its sink or its owner: it reads no other source, and nothing is left behind."""

from __future__ import annotations

import asyncio
import functools
import math
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import programs
import pulsectl
import pytest
from audio_signals import Samples, numbered
from libpulse_streams import play_paused
from owner_programs import unload
from player_programs import PlayerProgram, is_there, play_all
from recording import Recorder
from servers import PARTS, SoundServer
from timed_recording import TimedRecorder

import vmic
from vmic import _speaker_creation
from vmic._stream import capture
from vmic._stream.capture import CaptureStream

Start = Callable[..., subprocess.Popen[str]]
Play = Callable[..., PlayerProgram]

SECOND = 48000
BACK_WITHIN = 10.0


@pytest.fixture
def speaker(server: SoundServer) -> vmic.VirtualSpeakerDevice:
    return vmic.create_speaker_device("speaker", SECOND, backlog=True)


def samples(frames: bytes) -> Samples:
    return np.frombuffer(frames, np.int16)


def await_sound(speaker: vmic.VirtualSpeakerDevice) -> None:
    """Read until a frame is not silence."""
    programs.await_that(lambda: any(speaker.read_frames(480)), "something is heard", BACK_WITHIN)


def has_come_back(speaker: vmic.VirtualSpeakerDevice, times: int) -> bool:
    return speaker.stats.reconnects == times


def is_read_exactly(server: SoundServer, speaker: vmic.VirtualSpeakerDevice) -> None:
    speaker.flush()
    play_all(server, speaker, numbered(SECOND // 4))
    heard = samples(speaker.read_frames(speaker.stats.buffered + SECOND // 10))
    assert np.array_equal(heard[heard != 0], numbered(SECOND // 4)[:, 0])


def test_a_frozen_server_is_told_and_nothing_is_lost_by_it(
    server: SoundServer, speaker: vmic.VirtualSpeakerDevice
) -> None:
    speaker.flush()
    with server.frozen():
        begin = time.monotonic()
        with pytest.raises(
            vmic.DeviceLostError, match=r"cannot read from speaker 'speaker': .* the next read returns them"
        ):
            speaker.read_frames(SECOND // 2, timeout=0.5)
        assert 1 <= time.monotonic() - begin < 3
        before = speaker.stats
        assert before.read == 0
    assert len(speaker.read_frames(SECOND // 2)) == SECOND
    assert speaker.stats.read == SECOND // 2
    assert speaker.stats.received > before.received
    is_read_exactly(server, speaker)


def test_a_reader_that_gets_nothing_ends_at_once(
    server: SoundServer, speaker: vmic.VirtualSpeakerDevice
) -> None:
    form = {"sample_rate": SECOND, "channels": 1, "capacity": SECOND, "period": 0.005}
    source = CaptureStream("speaker", server=server.env["PULSE_SERVER"], **form)  # type: ignore[arg-type]
    assert source.wait_arrived(480, 10)
    threads = Path("/proc/self/task")
    with server.frozen():
        before = len(list(threads.iterdir()))
        begin = time.monotonic()
        source.close()
        assert time.monotonic() - begin < 0.5
        # `close` does not leave its thread running.
        programs.await_that(lambda: len(list(threads.iterdir())) < before, "its thread has ended", 0.5)


@pytest.mark.either_value("timeout")
@pytest.mark.parametrize("timeout", [math.inf, sys.float_info.max, 2**63, 10**400])
def test_a_timeout_may_be_as_long_as_one_likes(server: SoundServer, timeout: float) -> None:
    def use() -> None:
        headset.speaker.read_frames(480, timeout=timeout)
        asyncio.run(headset.speaker.read_frames_async(480, timeout=timeout))
        headset.microphone.write_frames(bytes(960), timeout=timeout)
        asyncio.run(headset.microphone.write_frames_async(bytes(960), timeout=timeout))
        headset.microphone.drain(timeout=timeout)
        asyncio.run(headset.microphone.drain_async(timeout=timeout))
        recorder = Recorder(server, headset.microphone)
        try:
            assert headset.microphone.wait_for_listener(timeout=timeout)
            assert asyncio.run(headset.microphone.wait_for_listener_async(timeout=timeout))
        finally:
            recorder.kill()
        done.append(True)

    done: list[bool] = []
    with vmic.create_headset("set", SECOND) as headset:
        use()
        # Only the main thread receives signals, so other threads wait in another way.
        other = threading.Thread(target=use)
        other.start()
        other.join(30)
    assert done == [True, True]


@pytest.mark.guarantee("comes back")
@pytest.mark.parametrize(("server", "part"), PARTS, indirect=["server"])
def test_a_server_that_is_restarted_is_a_pause(
    server: SoundServer, part: str, speaker: vmic.VirtualSpeakerDevice
) -> None:
    reconnects = 0 if part in server.pausing() else 1
    server.lose(part)
    back = threading.Timer(0.2, server.answer)
    back.start()
    # The server comes back in the middle of this read.
    assert len(speaker.read_frames(SECOND, timeout=BACK_WITHIN)) == 2 * SECOND
    back.join()
    assert speaker.stats.reconnects == reconnects
    assert speaker.sink_name == "speaker"
    is_read_exactly(server, speaker)


@pytest.mark.guarantee("no other microphone")
def test_when_its_sink_goes_no_other_source_is_read(
    server: SoundServer, speaker: vmic.VirtualSpeakerDevice, headset: None, pulse: pulsectl.Pulse
) -> None:
    heard = bytearray(speaker.read_frames(480))
    for times in range(1, 4):
        unload(pulse, "sink_name=speaker ")
        programs.await_that(functools.partial(has_come_back, speaker, times), "it is back", BACK_WITHIN)
        heard += speaker.read_frames(speaker.stats.buffered + SECOND // 10)
    assert not any(heard)
    is_read_exactly(server, speaker)


def await_keeper(pulse: pulsectl.Pulse) -> None:
    """Wait until the keeper works: it restores a volume."""
    pulse.volume_set_all_chans(pulse.get_sink_by_name("speaker"), 0.3)
    programs.await_that(
        lambda: pulse.get_sink_by_name("speaker").volume.value_flat == 1.0, "the keeper keeps", 10
    )


class Monitor:
    """The monitor of a speaker's sink, which every application can record."""

    source_name, sample_rate, channels = "speaker.monitor", SECOND, 1


# When a monitor is removed, the server moves its recorders to the next source until the keeper ends them.
# They get at most 720 frames of it on PulseAudio 16.1, 768 on PipeWire 0.3.65 (8 ends, on a busy machine).
@pytest.mark.guarantee("no other microphone")
@pytest.mark.parametrize("end", ["closed", "unloaded"])
def test_who_records_its_monitor_gets_an_end_too(
    server: SoundServer,
    speaker: vmic.VirtualSpeakerDevice,
    headset: None,
    pulse: pulsectl.Pulse,
    end: str,
) -> None:
    with TimedRecorder(Monitor(), server.env) as listener:
        await_keeper(pulse)
        if end == "closed":
            speaker.close()
        else:
            unload(pulse, "sink_name=speaker ")
        listener.await_end()
        assert np.count_nonzero(listener.frames()) <= (SECOND // 10 if end == "unloaded" else 0)


OWNER = """
import sys, vmic
speaker = vmic.create_speaker_device("speaker", 48000, backlog=True)
try:
    print("made", flush=True)
    {}
except KeyboardInterrupt:
    print("noticed", flush=True)
    raise
"""


@pytest.mark.parametrize("frozen", [False, True])
def test_ctrl_c_ends_a_read(server: SoundServer, start: Start, frozen: bool) -> None:
    program = start(*programs.script(OWNER.format("speaker.read_frames(48000 * 60)")))
    assert programs.answer(program) == "made"

    def interrupt() -> None:
        begin = time.monotonic()
        program.send_signal(signal.SIGINT)
        assert programs.answer(program) == "noticed"
        assert time.monotonic() - begin < 1

    if frozen:
        with server.frozen():
            interrupt()
    else:
        interrupt()
    assert programs.end(program)[0] == -signal.SIGINT
    with server.client() as pulse:
        programs.await_that(lambda: not is_there(pulse, "speaker"), "it has gone")


@pytest.mark.guarantee("dead program")
def test_a_killed_owners_speaker_goes(
    server: SoundServer, start: Start, play: Play, pulse: pulsectl.Pulse
) -> None:
    before = {sink.name for sink in pulse.sink_list()}
    owner = start(*programs.script(OWNER.format("sys.stdin.read()")))
    assert programs.answer(owner) == "made"
    player = play("speaker")
    player.await_place(pulse, "speaker")
    owner.kill()
    programs.await_that(lambda: not is_there(pulse, "speaker"), "it has gone", BACK_WITHIN)
    # The server moves the player, as when a headset is unplugged.
    programs.await_that(lambda: player.place(pulse) not in (None, "speaker"), "it plays elsewhere")
    player.end()
    programs.await_that(lambda: {s.name for s in pulse.sink_list()} == before, "all is as it was")


def test_one_that_is_left_open_goes_with_the_interpreter(server: SoundServer, pulse: pulsectl.Pulse) -> None:
    done = programs.run(programs.script("import vmic; s = vmic.create_speaker_device('speaker')"), server.env)
    assert (done.returncode, done.stderr) == (0, b"")
    assert not is_there(pulse, "speaker")


def test_an_unreferenced_speaker_is_closed_with_a_warning(server: SoundServer, pulse: pulsectl.Pulse) -> None:
    with pytest.warns(ResourceWarning, match="unclosed speaker 'speaker'"):
        vmic.create_speaker_device("speaker", SECOND, non_blocking=True, backlog=True).read_frames(SECOND)
    assert not is_there(pulse, "speaker")


def test_a_forked_child_is_refused(server: SoundServer, speaker: vmic.VirtualSpeakerDevice) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of a fork beside threads
        child = os.fork()
    if child == 0:
        code = 1
        try:
            speaker.read_frames(1)
        except vmic.DeviceError as error:
            code = 0 if f"this speaker belongs to process {os.getppid()}" in str(error) else 2
        speaker.close()
        os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    is_read_exactly(server, speaker)


@pytest.mark.guarantee("defaults")
def test_the_defaults_stay_and_a_player_stays_on_it(
    server: SoundServer, headset: None, play: Play, pulse: pulsectl.Pulse
) -> None:
    def defaults() -> tuple[str, str]:
        info = pulse.server_info()
        return info.default_sink_name, info.default_source_name

    before = defaults()
    with vmic.create_speaker_device("speaker", SECOND, backlog=True) as speaker:
        player = play("speaker")
        player.await_place(pulse, "speaker")
        await_keeper(pulse)
        assert player.place(pulse) == "speaker"
        assert defaults() == before
        # The keeper checks the streams after each change.
        with vmic.create_microphone_device("mic", SECOND) as microphone:
            await_sound(speaker)
            assert player.place(pulse) == "speaker"
            assert microphone.stats.foreign_streams == 0
        assert defaults() == before
    programs.await_that(lambda: player.place(pulse) == before[0], "it plays to the default output")
    assert defaults() == before


@pytest.mark.guarantee("defaults")
def test_a_speaker_alone_is_no_default_output(server: SoundServer, pulse: pulsectl.Pulse) -> None:
    with (
        vmic.create_speaker_device("speaker", SECOND, backlog=True),
        vmic.create_microphone_device("mic", SECOND) as other,
    ):
        other.close()  # the speaker needs the fallback sink too
        assert is_there(pulse, "vmic-silence")
        assert pulse.server_info().default_sink_name == "vmic-silence"
    programs.await_that(lambda: not is_there(pulse, "vmic-silence"), "it has gone")


def readers(pulse: pulsectl.Pulse) -> list[pulsectl.PulseSourceOutputInfo]:
    return [s for s in pulse.source_output_list() if s.proplist.get("media.name") == "speaker"]


def test_it_rests_and_wakes(
    server: SoundServer, play: Play, pulse: pulsectl.Pulse, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Instead of 5 s and 10 s.
    monkeypatch.setattr(capture, "SUSPEND_AFTER_US", 1_000_000)
    monkeypatch.setattr(_speaker_creation, "_KEPT", 2)
    with vmic.create_speaker_device("speaker", SECOND, backlog=True) as speaker:
        assert len(readers(pulse)) == 1
        play_paused(pulse, "speaker")  # a paused player does not count
        programs.await_that(lambda: not readers(pulse), "it rests", BACK_WITHIN)
        assert not any(speaker.read_frames(speaker.stats.buffered + 480))
        assert len(readers(pulse)) == 1
        programs.await_that(lambda: not readers(pulse), "it rests again", BACK_WITHIN)
        player = play("speaker")
        player.await_place(pulse, "speaker")
        programs.await_that(lambda: readers(pulse), "it is awake", BACK_WITHIN)
        # While an application plays, the speaker keeps what it receives, although no call reads it.
        before = speaker.stats.received
        programs.await_that(
            lambda: speaker.stats.received > before + 2 * SECOND, "2 s have come", BACK_WITHIN
        )
        player.end()
        assert len(readers(pulse)) == 1
        await_sound(speaker)
        assert speaker.stats.reconnects == 0


@pytest.mark.guarantee("comes back")
def test_one_that_rests_comes_back_with_a_server_that_died(
    server: SoundServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capture, "SUSPEND_AFTER_US", 1_000_000)
    with vmic.create_speaker_device("speaker", SECOND, backlog=True) as speaker:
        with server.client() as pulse:
            programs.await_that(lambda: not readers(pulse), "it rests", BACK_WITHIN)
        server.kill(whole=True)
        server.answer()
        with server.client() as pulse:
            programs.await_that(lambda: is_there(pulse, "speaker"), "it is back", BACK_WITHIN)
        speaker.flush()
        speaker.read_frames(480)  # the stream may be back later than the sink
        is_read_exactly(server, speaker)


@pytest.mark.guarantee("volume")
def test_its_volume_is_held(
    server: SoundServer, speaker: vmic.VirtualSpeakerDevice, pulse: pulsectl.Pulse
) -> None:
    def parts() -> list[pulsectl.PulseObject]:
        sink, monitor = pulse.get_sink_by_name("speaker"), pulse.get_source_by_name("speaker.monitor")
        return [sink, monitor, *readers(pulse)]

    def are_full() -> bool:
        return [part.volume.value_flat for part in parts()] == [1.0, 1.0, 1.0]

    is_read_exactly(server, speaker)
    for index in range(3):
        pulse.volume_set_all_chans(parts()[index], 0.3)
        # This is sooner than the speaker suspends and opens its stream anew.
        programs.await_that(are_full, f"all are full again after {index}", 4)
    is_read_exactly(server, speaker)
