"""Forks and exits in the middle of a write leave the sound and the devices in order."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable

import programs
import pytest
from recording import Recorder
from servers import SoundServer

import vmic

Record = Callable[..., Recorder]
Start = Callable[..., subprocess.Popen[str]]

FORKS = """
import multiprocessing, os, signal, sys, threading, time, warnings
import vmic
from audio_signals import numbered
warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12: a fork beside threads

def refused():
    signal.alarm(10)  # a child that hangs outlives no test
    try:
        mic.write_frames(b"\\0\\0")
    except vmic.DeviceError as error:
        assert f"belongs to process {parent}" in str(error), error
    else:
        raise AssertionError("a child wrote")
    try:
        mic.flush()
    except vmic.DeviceError:
        mic.close()

def leave():
    refused()
    os._exit(0)

def leave_politely():
    refused()
    sys.exit(0)

parent = os.getpid()
with vmic.create_microphone_device("mic", 48000) as mic:
    sys.stdin.readline()
    # In one: a fork may keep the interpreter from the next one for longer than the server has frames.
    writer = threading.Thread(target=mic.write_frames, args=(numbered(48000),))
    writer.start()
    while mic.stats.heard < 480:
        time.sleep(0.001)
    for end in leave, leave_politely:
        pid = os.fork()
        if pid == 0:
            end()
        print(os.waitpid(pid, 0)[1], flush=True)
    child = multiprocessing.get_context("fork").Process(target=refused)
    child.start()
    child.join()
    print(child.exitcode, writer.is_alive(), flush=True)
    writer.join()
"""


# It runs alone: beside others the sound had a gap in 2 whole runs (30 ms).
@pytest.mark.timing
def test_forks_beside_a_write_leave_its_sound_alone(
    server: SoundServer, record: Record, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", programs.PYTHONPATH)
    program = start(*programs.script(FORKS))
    programs.await_that(vmic.list_microphone_devices, "the microphone is there")
    (info,) = vmic.list_microphone_devices()
    recorder = record(info)
    assert program.stdin
    program.stdin.write("\n")
    program.stdin.flush()
    # The last child exited while the parent was still writing.
    assert [programs.answer(program) for _ in range(3)] == ["0", "0", "0 True"]
    assert programs.end(program) == (0, "")
    recorder.await_end()
    recorder.heard().assert_exact(48000, gaps=server.steps_missed)


EXITS = """
import sys, threading, vmic
mic = vmic.create_microphone_device("mic", 48000)
thread = threading.Thread(target=lambda: mic.write_frames(bytes(2 * 48000 * 30)), daemon=True)
thread.start()
while not mic.stats.heard:
    thread.join(0.01)
print("writes", flush=True)
if sys.argv[1] == "exception":
    raise RuntimeError("a user's mistake")
if sys.argv[1] == "signal":
    threading.Event().wait()
if sys.argv[1] == "thread":
    other = threading.Thread(target=lambda: sys.exit("in a thread"))
    other.start()
    other.join()
"""


@pytest.mark.parametrize("way", ["end", "exception", "thread"])
def test_an_exit_beside_a_blocking_write_is_bounded(server: SoundServer, start: Start, way: str) -> None:
    program = start(*programs.script(EXITS, way))
    assert programs.answer(program) == "writes"
    begin = time.monotonic()
    code, errors = programs.end(program)
    assert time.monotonic() - begin < 10  # the queued frames are heard, half a second of the 30
    assert code == (1 if way == "exception" else 0), errors
    assert ("RuntimeError: a user's mistake" in errors) == (way == "exception")
    assert "Fatal" not in errors
    assert vmic.list_microphone_devices() == []


def test_what_a_terminated_program_left_does_not_take_the_name(server: SoundServer, start: Start) -> None:
    program = start(*programs.script(EXITS, "signal"))
    assert programs.answer(program) == "writes"
    program.send_signal(signal.SIGTERM)
    assert programs.end(program)[0] == -signal.SIGTERM
    with vmic.create_microphone_device("mic", 48000) as microphone:
        microphone.write_frames(bytes(960))
