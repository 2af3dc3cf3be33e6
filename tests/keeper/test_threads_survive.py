"""The threads behind the guarantees survive every exception that the functions they call raise."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import programs
import pulsectl
import pytest
from audio_signals import numbered
from owner_programs import keepers_of
from recording import Recorder
from servers import SoundServer

import vmic
from vmic._base import process, threads
from vmic._device import registry, volume
from vmic._device.spec import MicrophoneSpec
from vmic._keeper import guard
from vmic._keeper.__main__ import OwnerlessKeeper
from vmic._keeper.client import KeeperClient
from vmic._microphone_creation import create_lasting_device
from vmic._monitor import listeners, recording_apps, status
from vmic._monitor import monitor as watch
from vmic._pulse import connection, tcp
from vmic._stream.playback import PlaybackStream

# The threads are the same on both servers.
pytestmark = pytest.mark.either_server

Record = Callable[..., Recorder]


class Fault:
    """A fault in a function: until it is corrected, each call on a vmic thread raises.

    Attributes:
        raised: How often the function has raised.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, place: Any, name: str) -> None:
        self.raised = 0
        self._is_there = True
        original, test = getattr(place, name), threading.current_thread()

        def call(*args: Any, **kwargs: Any) -> Any:
            if self._is_there and threading.current_thread() is not test:
                self.raised += 1
                raise RuntimeError(f"{name} is broken")
            return original(*args, **kwargs)

        monkeypatch.setattr(place, name, call)

    def await_raised(self, count: int) -> None:
        programs.await_that(lambda: self.raised >= count, f"it has raised {count} times", 10)

    def correct(self) -> None:
        self._is_there = False


def wake(microphone: vmic.VirtualMicrophoneDevice) -> None:
    """Make the server report a change that stays: one that is undone at once may not be seen."""
    with pulsectl.Pulse("vmic-tests") as pulse:
        source = pulse.get_source_by_name(microphone.source_name)
        pulse.mute(source, not source.mute)


def await_keeper(since: set[int] | None = None) -> int:
    """Wait for a keeper of this process that is not in `since`, and return its process id."""
    found: set[int] = set()

    def is_there() -> bool:
        found.update(keepers_of(os.getpid()) - (since or set()))
        return bool(found)

    programs.await_that(is_there, "there is a keeper", 20)
    return found.pop()


def await_answer(microphone: vmic.VirtualMicrophoneDevice) -> None:
    """Wait until the keeper has lived long enough to be replaced when it exits."""
    shared = watch._shared
    assert shared is not None

    def has_lived() -> bool:
        keeper = shared._supervisor.keeper
        return keeper is not None and keeper.has_answered and time.monotonic() - keeper.since > 2.1

    programs.await_that(has_lived, "its keeper lives", 20)


def test_a_keeper_that_dies_with_an_unread_line_while_the_server_is_away(
    server: SoundServer, record: Record
) -> None:
    with vmic.create_microphone_device("mic", 48000) as microphone:
        await_answer(microphone)
        keeper = await_keeper()
        server.kill()
        os.kill(keeper, signal.SIGSTOP)
        watch.hurry()
        programs.await_that(lambda: not microphone.listeners, "the loss is known")
        os.kill(keeper, signal.SIGKILL)
        await_keeper(since={keeper})
        server.answer()
        programs.await_that(lambda: microphone.stats.reconnects, "it is back")
        record(microphone)
        assert microphone.wait_for_listener(10)


# Functions that the monitor thread calls.
WATCHES = {
    "the devices": (registry, "find_all"),
    "the streams": (recording_apps, "streams"),
    "the listeners": (recording_apps, "listeners"),
    "a microphone's listeners": (listeners.Listeners, "publish"),
    "a microphone's mute": (status.DeviceStatus, "publish"),
    "an event": (watch.Monitor, "react"),
    "the connection": (connection, "connect"),
    "the loss": (watch.Monitor, "lose"),
    "the keeper's end": (KeeperClient, "hear"),
}


@pytest.mark.parametrize("what", WATCHES)
def test_the_listeners_are_known_after_a_fault(
    server: SoundServer,
    record: Record,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    what: str,
) -> None:
    # The thread binds these two when it starts.
    fault = Fault(monkeypatch, *WATCHES[what]) if what in ("an event", "the loss") else None
    with vmic.create_microphone_device("mic", 48000) as microphone:
        if what == "the keeper's end":
            await_answer(microphone)
        fault = fault or Fault(monkeypatch, *WATCHES[what])
        if what in ("the connection", "the loss"):
            server.kill()
            server.answer()
        elif what == "the keeper's end":
            os.kill(await_keeper(), signal.SIGKILL)
        else:
            wake(microphone)
        fault.await_raised(1)
        fault.correct()
        if what in ("the connection", "the loss"):
            programs.await_that(lambda: microphone.stats.reconnects, "it is back")
        record(microphone)
        assert microphone.wait_for_listener(10)
    assert any(entry.name == "vmic.internal" and "is broken" in caplog.text for entry in caplog.records)


def test_a_fault_that_stays_does_not_keep_the_thread_busy(
    server: SoundServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with vmic.create_microphone_device("mic", 48000) as microphone:
        fault = Fault(monkeypatch, registry, "find_all")
        wake(microphone)
        fault.await_raised(1)
        begin = time.monotonic()
        fault.await_raised(5)
        # The pauses between the five faults are 0.05, 0.1, 0.2 and 0.4 s.
        assert time.monotonic() - begin > 0.7
        fault.correct()


# Functions that the reconnect thread calls.
RECONNECTS = {
    "the network": (tcp, "notice_silence"),
    "the device": (registry, "find"),
    "the wait": (PlaybackStream, "wait_disconnected"),
    "the stream": (PlaybackStream, "reopen"),
    "the stream's start": (PlaybackStream, "wait_open"),
    "the stream's volume": (volume, "set_stream_volume"),
    "the keeper": (watch, "hurry"),
    "a thread": (threads, "start"),
}


@pytest.mark.parametrize("what", RECONNECTS)
def test_a_microphone_comes_back_after_a_fault(
    server: SoundServer,
    record: Record,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    what: str,
) -> None:
    with vmic.create_microphone_device("mic", 48000) as microphone:
        fault = Fault(monkeypatch, *RECONNECTS[what])
        server.kill()
        server.answer()
        fault.await_raised(1)
        fault.correct()
        programs.await_that(lambda: microphone.stats.reconnects, "it is back", 20)
        recorder = record(microphone)
        microphone.write_frames(numbered(4800))
        recorder.await_frames(4800)
    assert "is broken" in caplog.text


def test_completions_are_called_after_a_fault(
    server: SoundServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    called: list[int] = []
    with vmic.create_microphone_device("mic", 48000, non_blocking=True) as microphone:
        fault = Fault(monkeypatch, PlaybackStream, "wait_consumed")
        for _ in range(2):
            microphone.write_frames(numbered(480), called.append)
        fault.await_raised(2)
        fault.correct()
        programs.await_that(lambda: called == [480, 480], "both are called", 10)
    assert "is broken" in caplog.text


BROKEN_KEEPER = """
import sys
from vmic._keeper import guard, __main__
look, react, failures = guard.Guard.look, guard.Guard.react, iter(range(3))

def fail(*arguments):
    for _ in failures:
        raise RuntimeError("the guard is broken")
    return {0}(*arguments)

guard.Guard.{0} = fail
__main__.main(sys.argv[1:])
"""


@pytest.mark.parametrize("what", ["look", "react"])
def test_a_keeper_survives_a_fault_and_its_owner_logs_it(
    server: SoundServer,
    pulse: pulsectl.Pulse,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    what: str,
) -> None:
    script = programs.script(BROKEN_KEEPER.format(what))
    monkeypatch.setattr(process, "command", lambda _module: script)
    with vmic.create_microphone_device("mic", 48000) as microphone:

        def is_logged() -> bool:
            wake(microphone)
            return "the guard is broken" in caplog.text

        programs.await_that(is_logged, "it is logged")
        pulse.volume_set_all_chans(pulse.get_source_by_name("mic"), 0.5)
        programs.await_that(
            lambda: pulse.get_source_by_name("mic").volume.value_flat == 1.0, "the keeper keeps", 10
        )
    assert "cannot start the keeper" not in caplog.text


@pytest.fixture
def lasting(server: SoundServer) -> Iterator[OwnerlessKeeper]:
    """Run the keeper of microphone "mic" on a thread of this process."""
    create_lasting_device("mic", 48000, 1, replace=False)
    keeper = OwnerlessKeeper(MicrophoneSpec("mic", "mic", 48000, 1))
    thread = threading.Thread(target=keeper.follow, args=("vmic-keeper-mic",), daemon=True)
    thread.start()
    yield keeper
    vmic.remove_microphone_device("mic")
    thread.join(10)
    assert not thread.is_alive()


@pytest.mark.parametrize(
    ("place", "name"), [(guard.Guard, "look"), (registry, "find_microphones"), (connection, "connect")]
)
def test_a_lasting_keeper_makes_its_microphone_again_after_a_fault(
    server: SoundServer, lasting: OwnerlessKeeper, monkeypatch: pytest.MonkeyPatch, place: Any, name: str
) -> None:
    def is_there() -> bool:
        with server.client() as pulse:
            clients = {client.name for client in pulse.client_list()}
            return {"vmic-keeper-mic"} <= clients and "mic" in {source.name for source in pulse.source_list()}

    programs.await_that(is_there, "it is kept")
    fault = Fault(monkeypatch, place, name)
    server.kill()
    server.answer()
    fault.await_raised(3)
    fault.correct()
    programs.await_that(is_there, "it is back", 10)
    programs.await_that(lambda: not lasting._is_to_be_made, "it is kept again", 10)
