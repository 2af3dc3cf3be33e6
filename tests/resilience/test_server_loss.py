"""When a server dies, comes back or hangs, and on Ctrl-C, each call ends in time, and the sound continues."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import programs
import pulsectl
import pytest
from audio_signals import PERIOD, numbered
from recording import Recorder
from servers import PARTS, SoundServer

import vmic
from vmic._pulse import connection

Record = Callable[..., Recorder]
Start = Callable[..., subprocess.Popen[str]]

CHUNK = 480
BACK_WITHIN = 3.0
# The most that a server is given ahead, plus one step.
IN_SERVER = int(0.046 * 48000)


class Writer(threading.Thread):
    """A thread that writes numbered frames, 10 ms at a time, until stop() is called."""

    def __init__(self, microphone: vmic.VirtualMicrophoneDevice) -> None:
        super().__init__(daemon=True)
        self._microphone = microphone
        self._enough = threading.Event()
        self.written = 0
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            while not self._enough.is_set():
                self.written += self._microphone.write_frames(numbered(CHUNK, first=self.written))
        except BaseException as error:  # noqa: BLE001 (the test shows it)
            self.error = error

    def stop(self) -> None:
        self._enough.set()
        self.join(20)
        assert not self.is_alive()
        assert self.error is None, self.error


@contextmanager
def within(seconds: float) -> Iterator[None]:
    begin = time.monotonic()
    yield
    took = time.monotonic() - begin
    assert took < seconds, f"took {took:.2f} s"


def balanced(microphone: vmic.VirtualMicrophoneDevice) -> vmic.MicrophoneStats:
    s = microphone.stats
    assert s.frames_written == s.heard + s.dropped + s.lost + s.trimmed + s.queued, s
    return s


def names(server: SoundServer) -> set[str]:
    """Return the names of the sources. It does not use vmic, which would clean up."""
    with server.client() as pulse:
        return {source.name for source in pulse.source_list()}


def is_there(server: SoundServer, microphone: vmic.VirtualMicrophoneDevice) -> bool:
    return microphone.source_name in names(server)


def await_back(server: SoundServer, microphone: vmic.VirtualMicrophoneDevice) -> None:
    programs.await_that(lambda: is_there(server, microphone), "the microphone is back", 10)


@pytest.mark.guarantee("comes back")
@pytest.mark.parametrize(("server", "part"), PARTS, indirect=["server"])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_blocking_writer_outlives_a_restart(
    server: SoundServer,
    part: str,
    how: signal.Signals,
    record: Record,
    record_property: Callable[[str, object], None],
) -> None:
    with vmic.create_microphone_device("mic", 48000) as microphone:
        writer = Writer(microphone)
        before = record(microphone)
        writer.start()
        before.await_frames(9600)
        reconnects = 0 if part in server.pausing() else 1
        server.lose(part, how)
        balanced(microphone)
        server.answer()
        begin = time.monotonic()
        programs.await_that(lambda: microphone.stats.reconnects == reconnects, "it is back", 10 * BACK_WITHIN)
        record_property("back after (s)", round(time.monotonic() - begin, 2))
        balanced(microphone)
        after = record(microphone)
        after.await_frames(48000)
        with server.client() as pulse:
            assert pulse.get_source_by_name("mic").description == "mic"
        writer.stop()
        microphone.drain()
        stats = balanced(microphone)
    after.await_end()
    for recorder in (before, after):
        heard = recorder.heard()
        assert (heard.repeated, heard.foreign) == (0, 0), heard
        # PipeWire may lose a quantum that it reports as missed. While paused streams are linked again, a
        # recorder misses 1,000 to 5,000 frames of what the server plays (PipeWire 1.4.2, 16 times on a busy
        # machine).
        missed = (1024 if server.long_quantum else 256) * server.steps_missed
        assert heard.lost <= (missed if reconnects or recorder is after else 12000), heard
    assert (stats.frames_written, stats.dropped, stats.queued) == (writer.written, 0, 0)
    assert stats.reconnects == reconnects
    record_property("frames lost", stats.lost)
    # Without the session manager, streams that are already linked continue to play.
    assert stats.lost < 12000
    # A server that had run dry held no frames to lose.
    assert stats.lost > 0 or stats.underruns or part == "wireplumber"
    if reconnects:
        assert before.heard().frames + after.heard().frames <= stats.heard + stats.lost
    else:
        before.await_end()
        assert before.heard().frames + before.heard().lost == stats.frames_written


@pytest.mark.guarantee("comes back")
def test_non_blocking_writes_queue_while_the_server_is_away(server: SoundServer, record: Record) -> None:
    with vmic.create_microphone_device("mic", 48000, non_blocking=True) as microphone:
        server.kill()
        with within(1):
            assert microphone.write_frames(numbered(5 * 48000)) == 5 * 48000
        with pytest.raises(vmic.DrainTimeoutError):
            microphone.drain(timeout=0.3)
        # The writer may have handed over some frames before it noticed the disconnection.
        stats = balanced(microphone)
        assert stats.lost <= IN_SERVER
        assert stats.queued + stats.lost == 5 * 48000
        server.answer()
        await_back(server, microphone)
        recorder = record(microphone)
        microphone.drain()
        recorder.await_frames(1)
        stats = balanced(microphone)
    recorder.await_end()
    heard = recorder.heard()
    assert (heard.lost, heard.repeated, heard.foreign) == (0, 0, 0), heard
    # The recorder joined in the middle, and heard every frame from there to the end.
    assert heard.first is not None
    assert (heard.first + heard.frames) % PERIOD == 5 * 48000 % PERIOD
    assert (stats.heard + stats.lost, stats.reconnects) == (5 * 48000, 1)
    assert stats.lost <= IN_SERVER


@pytest.mark.either_server
def test_a_server_that_stays_away_ends_a_write_and_close(server: SoundServer) -> None:
    microphone = vmic.create_microphone_device("mic", 48000)
    microphone.write_frames(numbered(CHUNK))
    server.kill()
    begin = time.monotonic()
    with (
        within(2 + 0.5 + 1 + 1),
        pytest.raises(vmic.DeviceLostError, match=r"cannot write to microphone 'mic'.*refused") as caught,
    ):
        microphone.write_frames(numbered(2 * 48000), timeout=0.5)
    assert time.monotonic() - begin >= 0.5
    stats = balanced(microphone)
    assert 0 < caught.value.frames_written < 2 * 48000
    assert stats.frames_written == CHUNK + caught.value.frames_written
    with within(10 * (stats.queued / 48000 + 5)):
        microphone.close()
    balanced(microphone)
    server.answer()
    assert vmic.list_microphone_devices() == []


@pytest.mark.guarantee("comes back")
def test_a_frozen_server_holds_up_no_write(server: SoundServer, record: Record) -> None:
    with vmic.create_microphone_device("mic", 48000) as microphone:
        recorder = record(microphone)
        microphone.write_frames(numbered(4800))
        with server.frozen():
            with within(10), pytest.raises(vmic.DeviceLostError, match="does not play audio") as caught:
                microphone.write_frames(numbered(24000, first=4800), timeout=0.5)
            with within(0.5):
                stats = balanced(microphone)
            accepted = 4800 + caught.value.frames_written
            assert stats.frames_written == accepted
            with within(5), pytest.raises(vmic.DrainTimeoutError):
                microphone.drain(timeout=0.5)
        # The sound continues where it stopped: the accepted frames are heard, and then those that are written
        # now.
        microphone.write_frames(numbered(24000, first=accepted))
        microphone.drain()
        stats = balanced(microphone)
    recorder.await_end()
    heard = recorder.heard()
    assert (heard.repeated, heard.foreign) == (0, 0), heard
    # PipeWire's graph continues without the process that answers, and plays silence for frames that it did
    # not get.
    assert heard.lost <= (0 if server.kind == "pulseaudio" else 4800)
    assert heard.frames + heard.lost == accepted + 24000
    assert (stats.reconnects, stats.lost, stats.queued) == (0, 0, 0)


def test_a_flush_at_a_frozen_server_is_done_when_it_goes_on(server: SoundServer, record: Record) -> None:
    with vmic.create_microphone_device("mic", 48000, non_blocking=True) as microphone:
        recorder = record(microphone)
        microphone.write_frames(numbered(20 * 48000))
        recorder.await_frames(4800)
        with server.frozen():
            with within(10), pytest.raises(vmic.DeviceLostError, match="cannot flush microphone"):
                microphone.flush()
            balanced(microphone)
        programs.await_that(lambda: microphone.stats.queued == 0, "the queue is dropped", 10)
        assert balanced(microphone).dropped > 15 * 48000
        # Frames that were in the server still arrive, in pieces; a recording that begins meanwhile contains
        # the end of them.
        programs.await_that(lambda: not recorder.frames()[-4800:].any(), "the recorder has the end", 10)
        after = record(microphone)
        microphone.write_frames(numbered(4800))
        microphone.drain()
    after.await_end()
    heard = after.heard()
    # No flushed frames are heard. PipeWire's graph may still miss quanta.
    assert (heard.first, heard.repeated, heard.foreign) == (0, 0, 0), heard
    assert heard.frames + heard.lost == 4800
    assert heard.lost <= (0 if server.kind == "pulseaudio" else 2400)


@pytest.mark.either_server
def test_a_frozen_server_is_no_endless_list(server: SoundServer) -> None:
    with vmic.create_microphone_device("mic", 48000):
        for ask in (vmic.list_microphone_devices, lambda: vmic.create_microphone_device("other")):
            with (
                server.frozen(),
                within(50),
                pytest.raises(vmic.ServerError, match=r"did not answer within 5 s. Restart the sound server"),
            ):
                ask()
        programs.await_that(
            lambda: [d.name for d in vmic.list_microphone_devices()] == ["mic"], "what it was asked is undone"
        )


@pytest.mark.either_server
def test_a_server_that_dies_in_the_middle_is_told(server: SoundServer) -> None:
    def ask(pulse: pulsectl.Pulse) -> object:
        server.kill()
        return pulse.sink_list()

    with pytest.raises(vmic.ServerError, match="ended the connection during a request"):
        connection.call(ask)
    server.answer()


def threads() -> set[str]:
    """Return the ids of this process's threads; one of an earlier test may still end."""
    return {task.name for task in Path("/proc/self/task").iterdir()}


@pytest.mark.parametrize("wakes", [True, False])
def test_a_frozen_server_holds_up_no_close(server: SoundServer, wakes: bool) -> None:
    before = threads()
    microphone = vmic.create_microphone_device("mic", 48000, non_blocking=True)
    microphone.write_frames(numbered(24000), lambda _: None)
    with server.frozen():
        with within(10 * (0.5 + 5)):
            microphone.close()
        balanced(microphone)
        assert threads() - before  # one thread is blocked in a call to the server
        if not wakes:
            server.kill()
    programs.await_that(lambda: threads() <= before, "the threads have gone", 10)
    if not wakes:
        server.answer()
    programs.await_that(lambda: not is_there(server, microphone), "the microphone is removed", 10)


INTERRUPTED = """
import sys, vmic
with vmic.create_microphone_device("mic", 48000, non_blocking=sys.argv[1] == "close") as microphone:
    try:
        print("ready", flush=True)
        microphone.write_frames(48000 * 30 * b"\\1\\1")
        microphone.close()
    except KeyboardInterrupt as interrupt:
        written = getattr(interrupt, "frames_written", "-")
        print("noticed", written, microphone.stats.frames_written, flush=True)
        raise
"""


@pytest.mark.either_server
@pytest.mark.parametrize("during", ["write", "close"])
def test_ctrl_c_ends_a_program_in_the_middle(
    server: SoundServer, record: Record, start: Start, during: str
) -> None:
    program = start(*programs.script(INTERRUPTED, during))
    assert programs.answer(program) == "ready"
    await_sound(record)
    program.send_signal(signal.SIGINT)
    with within(1):
        noticed, written, counted = programs.answer(program).split()
    assert noticed == "noticed"
    assert written == "-" if during == "close" else 0 < int(written) == int(counted) < 30 * 48000
    with within(10):
        code, errors = programs.end(program)
    assert code == -signal.SIGINT
    assert errors.splitlines()[-1] == "KeyboardInterrupt"
    assert vmic.list_microphone_devices() == []


def await_sound(record: Record) -> None:
    (info,) = vmic.list_microphone_devices()
    record(info).await_frames(480)


@pytest.mark.either_server
def test_ctrl_c_is_noticed_while_the_server_is_frozen(
    server: SoundServer, record: Record, start: Start
) -> None:
    program = start(*programs.script(INTERRUPTED, "write"))
    assert programs.answer(program) == "ready"
    await_sound(record)
    with server.frozen():
        program.send_signal(signal.SIGINT)
        with within(1):
            assert programs.answer(program).startswith("noticed ")
        with within(60):
            assert programs.end(program)[0] == -signal.SIGINT


LEFT_OPEN = """
import sys, vmic
microphone = vmic.create_microphone_device("mic", 48000, non_blocking=True)
microphone.write_frames(bytes(2 * 48000 * 60))
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("trouble", ["frozen", "killed"])
def test_the_interpreters_exit_waits_for_no_server(server: SoundServer, start: Start, trouble: str) -> None:
    program = start(*programs.script(LEFT_OPEN))
    assert programs.answer(program) == "ready"
    if trouble == "frozen":
        with server.frozen(), within(60):
            assert programs.end(program) == (0, "")
        programs.await_that(lambda: "mic" not in names(server), "its keeper takes the microphone away")
    else:
        server.kill()
        with within(20):
            assert programs.end(program) == (0, "")
        server.answer()
