"""No other sound gets into a microphone, and no recording switches to another one, also on a busy machine."""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import programs
import pulsectl
import pytest
from audio_signals import Samples, numbered
from owner_programs import ENDS, OwnerProgram, busy_processes, unload
from player_programs import PlayerProgram, is_there
from recording import Recorded, Recorder, ffmpeg, parec
from servers import SoundServer

import vmic

Record = Callable[..., Recorder]
LetIn = Callable[[Samples], None]
pytestmark = pytest.mark.timing

# How many foreign frames may be heard: 50 ms, where the longest measured was one step of the server (5 ms).
# On a busy machine it is 0.5 s, where the longest was 69 ms (PipeWire 0.3.65, whose processes wait too).
LET_IN = {"idle": 48000 // 20, "busy": 48000 // 2}


@pytest.fixture(params=["idle", "busy"])
def load(request: pytest.FixtureRequest) -> str:
    """Return whether the machine is idle or busy during the test."""
    return str(request.param)


@pytest.fixture
def owner(load: str, server: SoundServer) -> Iterator[OwnerProgram]:
    """Start a program with a microphone, alone or with two busy threads and beside four busy processes."""
    beside, threads = (busy_processes(4), 2) if load == "busy" else (contextlib.nullcontext(), 0)
    with beside, OwnerProgram(server.env, busy_threads=threads) as program:
        await_keeper(server)
        yield program


@pytest.fixture
def let_in(load: str, record_property: Callable[[str, object], None]) -> Callable[[Samples], None]:
    """Return a function that reports the frames that are not silence, and asserts that they are few."""

    def check(recording: Samples) -> None:
        foreign = int(np.count_nonzero(recording.any(axis=1)))
        record_property("foreign frames", foreign)
        assert foreign <= LET_IN[load]

    return check


def await_keeper(server: SoundServer) -> None:
    """Wait until the keeper works: it restores a volume."""
    with server.client() as pulse:
        pulse.volume_set_all_chans(pulse.get_source_by_name("mic"), 0.5)

        def is_full() -> bool:
            return bool(pulse.get_source_by_name("mic").volume.value_flat == 1.0)

        programs.await_that(is_full, "the keeper keeps")


def sink_of_mic(pulse: pulsectl.Pulse) -> Any:
    return next(sink for sink in pulse.sink_list() if sink.name.startswith("vmic-sink-"))


@pytest.mark.guarantee("nothing else")
def test_a_stream_that_names_the_sink_is_moved_away(
    owner: OwnerProgram,
    record: Record,
    play: Callable[..., PlayerProgram],
    pulse: pulsectl.Pulse,
    let_in: LetIn,
) -> None:
    recorder = record(owner)
    player = play(sink_of_mic(pulse).name)
    player.await_place(pulse, "vmic-silence")
    let_in(all_of(recorder))
    programs.await_that(lambda: owner.ask("mic.stats.foreign_streams") == "1", "it is counted")
    assert owner.ask("mic.stats.frames_written") == "0"


@pytest.mark.guarantee("nothing else")
def test_a_stream_that_is_put_there_by_hand_is_moved_away(
    owner: OwnerProgram,
    record: Record,
    play: Callable[..., PlayerProgram],
    pulse: pulsectl.Pulse,
    let_in: LetIn,
) -> None:
    recorder = record(owner)
    player = play()
    player.await_place(pulse, "vmic-silence")
    pulse.sink_input_move(player.stream(pulse).index, sink_of_mic(pulse).index)
    programs.await_that(lambda: owner.ask("mic.stats.foreign_streams") == "1", "it is counted")
    player.await_place(pulse, "vmic-silence")
    let_in(all_of(recorder))


@pytest.mark.guarantee("nothing else")
def test_a_stream_that_the_server_remembers_there_is_moved_away(
    owner: OwnerProgram,
    record: Record,
    play: Callable[..., PlayerProgram],
    pulse: pulsectl.Pulse,
    let_in: LetIn,
) -> None:
    mic = sink_of_mic(pulse)
    # A user moves the stream there while the keeper is stopped.
    with programs.stopped(owner.guarding_keeper()):
        first = play()
        first.await_place(pulse, "vmic-silence")
        pulse.sink_input_move(first.stream(pulse).index, mic.index)
        first.await_place(pulse, mic.name)
        first.end()
        programs.await_that(lambda: first.stream(pulse) is None, "it has gone")
    recorder = record(owner)
    play().await_place(pulse, "vmic-silence")
    programs.await_that(lambda: owner.ask("mic.stats.foreign_streams") == "1", "it is counted")
    let_in(all_of(recorder))
    # The server does not remember the next stream there: it plays where all streams do.
    before = owner.ask("mic.stats.foreign_streams")
    play().await_place(pulse, "vmic-silence")
    assert owner.ask("mic.stats.foreign_streams") == before


@pytest.fixture
def outputs(owner: OwnerProgram, pulse: pulsectl.Pulse) -> None:
    """Create two outputs, "speakers" and "others", beside the microphone."""
    for name in ("speakers", "others"):
        pulse.module_load("module-null-sink", f"sink_name={name}")
    programs.await_that(
        lambda: is_there(pulse, "speakers") and is_there(pulse, "others"), "the outputs are there"
    )


def choose(pulse: pulsectl.Pulse, name: str) -> None:
    """Make output `name` the default."""
    pulse.sink_default_set(name)
    programs.await_that(lambda: pulse.server_info().default_sink_name == name, f"{name} is the default")


@pytest.mark.guarantee("nothing else")
@pytest.mark.usefixtures("outputs")
def test_a_stream_that_was_moved_plays_by_default_where_all_do(
    owner: OwnerProgram, play: Callable[..., PlayerProgram], pulse: pulsectl.Pulse
) -> None:
    choose(pulse, "speakers")
    foreign = play(sink_of_mic(pulse).name)
    foreign.await_place(pulse, "speakers")
    # The server stores the place of a stream again with each change.
    pulse.volume_set_all_chans(foreign.stream(pulse), 0.5)
    foreign.end()
    choose(pulse, "others")
    play().await_place(pulse, "others")
    programs.await_that(lambda: owner.ask("mic.stats.foreign_streams") == "1", "the one is counted")


@pytest.mark.guarantee("nothing else")
@pytest.mark.usefixtures("outputs")
def test_a_stream_is_moved_to_what_is_the_default_by_then(
    owner: OwnerProgram, play: Callable[..., PlayerProgram], pulse: pulsectl.Pulse
) -> None:
    for name in ("speakers", "others", "speakers"):
        # The keeper learns of the new default and of the stream at the same moment.
        with programs.stopped(owner.guarding_keeper()):
            choose(pulse, name)
            foreign = play(sink_of_mic(pulse).name)
            foreign.await_place(pulse, sink_of_mic(pulse).name)
        foreign.await_place(pulse, name)
        foreign.end()


def all_of(recorder: Recorder) -> Samples:
    """Return all that was recorded, including the next half-second."""
    recorded = len(recorder.frames())
    programs.await_that(lambda: len(recorder.frames()) > recorded + 24000, "it records on")
    return recorder.frames()


PARTS: dict[str, Callable[[pulsectl.Pulse], Any]] = {
    "source": lambda pulse: pulse.get_source_by_name("mic"),
    "sink": sink_of_mic,
    "monitor": lambda pulse: pulse.get_source_by_name(f"{sink_of_mic(pulse).name}.monitor"),
    "stream": lambda pulse: next(s for s in pulse.sink_input_list() if s.sink == sink_of_mic(pulse).index),
}


@pytest.mark.guarantee("volume")
@pytest.mark.parametrize("part", PARTS)
def test_a_volume_that_is_turned_is_turned_back_and_a_mute_stays(
    owner: OwnerProgram, pulse: pulsectl.Pulse, part: str, record_property: Callable[[str, object], None]
) -> None:
    owner.ask("mic.write_frames(b'\\x01\\x01' * 30 * 48000)")
    pulse.mute(pulse.get_source_by_name("mic"))
    for volume in (0.3, 1.4):
        pulse.volume_set_all_chans(PARTS[part](pulse), volume)
        turned = time.monotonic()
        programs.await_that(lambda: PARTS[part](pulse).volume.value_flat == 1.0, "it is full again")
        record_property("restored after (s)", round(time.monotonic() - turned, 3))
    assert pulse.get_source_by_name("mic").mute
    programs.await_that(lambda: owner.ask("mic.muted") == "True", "it is told")


class DefaultMicrophone:
    """The microphone of a program that does not choose one."""

    source_name, sample_rate, channels = "@DEFAULT_SOURCE@", 48000, 1


@pytest.fixture(params=[parec, ffmpeg])
def listen(request: pytest.FixtureRequest, record: Record) -> Record:
    """Return a function that starts parec or ffmpeg on a microphone."""
    return functools.partial(record, command=request.param)


@pytest.mark.guarantee("no other microphone")
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.usefixtures("headset")
def test_a_recorder_never_hears_another_microphone(
    owner: OwnerProgram, listen: Record, pulse: pulsectl.Pulse, let_in: LetIn, end: str
) -> None:
    recorder = listen(owner)
    ENDS[end](owner, pulse)
    recorded = recorder.await_end()
    # When a user unloads a half, the server itself moves the recording stream to the other microphone, until
    # the keeper ends the stream.
    let_in(recorded)
    assert "unloaded" in end or not recorded.any()
    # The server stores none of this: the same program then hears the default microphone.
    listen(DefaultMicrophone).await_frames(10000)


class LateMicrophone(DefaultMicrophone):
    """A microphone that the owner makes later, in one test while its keeper is stopped."""

    source_name = "late"


@pytest.fixture
def begin(server: SoundServer, pulse: pulsectl.Pulse) -> Iterator[Callable[[Recorded], Recorder]]:
    """Return a function that starts a recording of a microphone and does not wait for its first frame."""
    with contextlib.ExitStack() as ends:

        def start(microphone: Recorded) -> Recorder:
            recorder = Recorder(server, microphone)
            ends.callback(recorder.kill)
            programs.await_that(lambda: any(map(is_parec, pulse.source_output_list())), "its stream is there")
            return recorder

        yield start


def is_parec(recorder: Any) -> bool:
    return bool(recorder.proplist.get("application.name") == "parec")


@pytest.mark.guarantee("no other microphone")
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.usefixtures("headset")
def test_nor_does_one_that_has_just_begun(
    owner: OwnerProgram, begin: Callable[[Recorded], Recorder], pulse: pulsectl.Pulse, let_in: LetIn, end: str
) -> None:
    recorder = begin(owner)
    ENDS[end](owner, pulse)
    let_in(recorder.await_end())


@pytest.mark.guarantee("no other microphone")
@pytest.mark.parametrize("half", ["sink_name=vmic-sink-late-", "source_name=late "])
@pytest.mark.usefixtures("headset")
def test_what_came_and_went_while_the_keeper_was_held_up_is_ended(
    owner: OwnerProgram, begin: Callable[[Recorded], Recorder], pulse: pulsectl.Pulse, half: str
) -> None:
    with programs.stopped(owner.guarding_keeper()):
        owner.ask("globals().update(late=vmic.create_microphone_device('late', 48000))")
        recorder = begin(LateMicrophone())
        unload(pulse, half)
        programs.await_that(lambda: half not in str(pulse.module_list()), "it has gone")
    recorder.await_end()


@pytest.mark.parametrize("half", ["sink_name=vmic-sink-late-", "source_name=late "])
@pytest.mark.usefixtures("headset")
def test_who_begins_to_record_as_another_microphone_goes_goes_on(
    owner: OwnerProgram, begin: Callable[[Recorded], Recorder], pulse: pulsectl.Pulse, half: str
) -> None:
    owner.ask("globals().update(late=vmic.create_microphone_device('late', 48000))")
    with programs.stopped(owner.guarding_keeper()):
        unload(pulse, half)
        programs.await_that(lambda: half not in str(pulse.module_list()), "it has gone")
        recorder = begin(owner)
        recorder.await_first_frame()
    owner.ask("mic.write_frames(b'\\x01\\x01' * 48000)")
    recorder.await_sound(24000)


@pytest.mark.parametrize("server", ["pulseaudio"], indirect=True)  # PipeWire has one number for all objects
def test_a_recording_goes_on_when_a_program_with_the_number_of_the_sink_ends(
    server: SoundServer,
    pulse: pulsectl.Pulse,
    record: Record,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The process itself guards until the keeper is ready, and its connection follows the clients too.
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nexec sleep 60\n")
    python.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(python))
    for _ in range(20):  # the sinks' numbers must be ahead of the clients'
        pulse.module_unload(pulse.module_load("module-null-sink"))
    with vmic.create_microphone_device("mic", 48000) as microphone:
        recorder = record(microphone)
        (sink,) = [sink.index for sink in pulse.sink_list() if sink.name.startswith("vmic-sink-")]
        last = 0
        while last < sink:
            with server.client("other") as other:
                last = max(client.index for client in other.client_list())
        assert last == sink
        microphone.write_frames(numbered(4800))
        recorder.await_frames(4800)


@pytest.mark.guarantee("comes back")
@pytest.mark.parametrize(
    ("end", "held_up"), [("sink unloaded", False), ("source unloaded", False), ("source unloaded", True)]
)
def test_a_device_of_which_a_half_was_unloaded_comes_back(
    owner: OwnerProgram, record: Record, pulse: pulsectl.Pulse, end: str, held_up: bool
) -> None:
    before = pulse.get_source_by_name("mic").proplist["vmic.creation"]

    def is_back() -> bool:
        return any(s.name == "mic" and s.proplist["vmic.creation"] != before for s in pulse.source_list())

    with programs.stopped(owner.guarding_keeper()) if held_up else contextlib.nullcontext():
        ENDS[end](owner, pulse)
        programs.await_that(is_back, "it is back")
    programs.await_that(lambda: owner.ask("mic.stats.reconnects") == "1", "it is written to again")
    recorder = record(owner)
    owner.ask("mic.write_frames(b'\\x01\\x01' * 48000)")
    recorder.await_frames(480)
