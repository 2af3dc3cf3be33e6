"""The listeners are all applications that record, whenever they start or stop, and no others."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import programs
import pytest
from audio_signals import numbered
from libpulse_streams import METER, METER_RATE, START_CORKED, stream
from recording import Recorder, parec
from servers import SoundServer

import vmic
from vmic._monitor import monitor as _watch

Record = Callable[..., Recorder]
Start = Callable[..., subprocess.Popen[str]]


class Changes:
    """The changes that a microphone reports to its callback."""

    def __init__(self, microphone: vmic.VirtualMicrophoneDevice) -> None:
        self.all: list[tuple[vmic.Listener, ...]] = []
        self._changed = threading.Condition()
        microphone.on_listeners_changed(self)

    def __call__(self, listeners: tuple[vmic.Listener, ...]) -> None:
        with self._changed:
            self.all.append(listeners)
            self._changed.notify_all()

    def await_that(self, wanted: Callable[[tuple[vmic.Listener, ...]], object]) -> tuple[vmic.Listener, ...]:
        """Wait until the last change is as wanted, and return it."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.all and wanted(self.all[-1]), 10), self.all
            return self.all[-1]

    def await_pids(self, *pids: int) -> tuple[vmic.Listener, ...]:
        return self.await_that(lambda listeners: [listener.pid for listener in listeners] == [*pids])


@pytest.fixture
def microphone(server: SoundServer) -> Iterator[vmic.VirtualMicrophoneDevice]:
    with vmic.create_microphone_device("mic", 48000) as device:
        yield device


def server_streams(server: SoundServer) -> list[Any]:
    with server.client() as pulse:
        return list(pulse.source_output_list())


def connections(server: SoundServer) -> int:
    with server.client() as pulse:
        names = [client.name for client in pulse.client_list()]
    return sum(name.startswith("vmic") and name != "vmic-tests" for name in names)


def test_a_recorder_comes_and_goes(microphone: vmic.VirtualMicrophoneDevice, record: Record) -> None:
    assert list(microphone.listeners) == []
    changes, before = Changes(microphone), time.time()
    recorder = record(microphone)
    assert microphone.wait_for_listener(10)
    (listener,) = microphone.listeners
    assert listener.application == "parec"
    assert listener.pid == recorder.process.pid
    assert not listener.muted
    assert before <= listener.since <= time.time()
    changes.await_pids(recorder.process.pid)
    recorder.stop()
    changes.await_pids()
    assert not microphone.listeners
    assert changes.all == [(listener,), ()]


def test_two_are_told_apart_and_keep_their_time(
    microphone: vmic.VirtualMicrophoneDevice, record: Record
) -> None:
    changes = Changes(microphone)
    first = record(microphone)
    (alone,) = changes.await_pids(first.process.pid)
    second = record(microphone)
    both = changes.await_pids(first.process.pid, second.process.pid)
    assert both[0] == alone
    assert both[1].since >= alone.since
    first.stop()
    assert changes.await_pids(second.process.pid) == both[1:]


def test_one_that_knows_only_the_servers_own_protocol(
    server: SoundServer, microphone: vmic.VirtualMicrophoneDevice, start: Start
) -> None:
    own = ["pw-record", "--target", microphone.source_name, "/dev/null"]
    argv = own if server.kind == "pipewire" else parec(microphone, 20)
    program = start(*argv)
    (listener,) = Changes(microphone).await_pids(program.pid)
    assert listener.application == argv[0]


def test_a_muted_one_does_not_hear(
    server: SoundServer, microphone: vmic.VirtualMicrophoneDevice, record: Record
) -> None:
    changes = Changes(microphone)
    pid = record(microphone).process.pid
    changes.await_pids(pid)
    (ours,) = (s for s in server_streams(server) if s.proplist.get("application.name") == "parec")
    with server.client() as pulse:
        pulse.mute(ours)
        (muted,) = changes.await_that(lambda listeners: listeners and listeners[0].muted)
        assert muted.pid == pid
        assert not microphone.wait_for_listener(0.1)
        pulse.mute(ours, mute=False)
        assert microphone.wait_for_listener(10)


def test_a_paused_recording_is_none_until_it_goes_on(
    server: SoundServer, microphone: vmic.VirtualMicrophoneDevice, record: Record
) -> None:
    changes = Changes(microphone)
    with stream(server, microphone, START_CORKED) as paused:
        pid = record(microphone).process.pid
        assert len(changes.await_pids(pid)) == 1
        paused.uncork()
        changes.await_pids(pid, os.getpid())
    changes.await_pids(pid)


def test_a_level_meter_is_none(
    server: SoundServer, microphone: vmic.VirtualMicrophoneDevice, record: Record
) -> None:
    changes = Changes(microphone)
    with stream(server, microphone, METER, METER_RATE):
        changes.await_pids(record(microphone).process.pid)
        assert len(changes.all) == 1


def test_one_that_records_the_monitor_is_none(
    server: SoundServer, microphone: vmic.VirtualMicrophoneDevice, record: Record, start: Start
) -> None:
    changes = Changes(microphone)
    with server.client() as pulse:
        (monitor,) = (s.name for s in pulse.source_list() if s.name.startswith("vmic-sink-"))
    program = start("parec", f"--device={monitor}", "--raw")
    programs.await_that(lambda: str(program.pid) in pids(server), "it records")
    changes.await_pids(record(microphone).process.pid)
    assert len(changes.all) == 1


def pids(server: SoundServer) -> list[str]:
    return [s.proplist.get("application.process.id", "") for s in server_streams(server)]


def test_each_microphone_has_its_own(
    server: SoundServer, microphone: vmic.VirtualMicrophoneDevice, record: Record
) -> None:
    with (
        vmic.create_microphone_device("other", 48000) as other,
        vmic.open_microphone_device("mic") as same,
    ):
        changes = [Changes(one) for one in (microphone, other, same)]
        # One for each writer, one for all of them, and one for their keeper: a server accepts few.
        programs.await_that(lambda: connections(server) == 3 + 2, "it is connected", 10)
        pid, another = record(microphone).process.pid, record(other).process.pid
        for change, wanted in zip(changes, (pid, another, pid), strict=True):
            change.await_pids(wanted)
        same.close()
        other.close()
        assert microphone.listeners == changes[0].all[-1]
    microphone.close()
    programs.await_that(lambda: connections(server) == 0, "nothing is left connected", 10)


def test_it_costs_next_to_nothing(microphone: vmic.VirtualMicrophoneDevice) -> None:
    def watchers() -> list[threading.Thread]:
        return [thread for thread in threading.enumerate() if thread.name.startswith("vmic-listeners")]

    assert microphone.listeners == ()
    (watcher,) = watchers()
    assert watcher.ident
    clock = time.pthread_getcpuclockid(watcher.ident)
    begin = time.clock_gettime(clock)
    assert not microphone.wait_for_listener(1)
    assert time.clock_gettime(clock) - begin < 0.01
    microphone.close()
    assert watchers() == []


def test_who_listens_after_the_server_has_come_back(
    server: SoundServer, microphone: vmic.VirtualMicrophoneDevice, record: Record
) -> None:
    changes = Changes(microphone)
    changes.await_pids(record(microphone).process.pid)
    server.kill()
    changes.await_pids()
    assert not microphone.wait_for_listener(0.1)
    server.answer()
    programs.await_that(lambda: microphone.stats.reconnects == 1, "the microphone is back", 10)
    after = record(microphone)
    listeners = changes.await_that(lambda now: after.process.pid in [listener.pid for listener in now])
    assert microphone.wait_for_listener(10)
    assert microphone.listeners == listeners


def test_one_whose_name_was_taken_over_has_none(server: SoundServer, record: Record) -> None:
    with (
        vmic.create_microphone_device("mic", 48000) as first,
        vmic.create_microphone_device("mic", 48000, replace=True) as second,
    ):
        changes = Changes(second)
        assert first.listeners == ()
        changes.await_pids(record(second).process.pid)
        assert first.listeners == ()


def test_close_ends_the_wait(microphone: vmic.VirtualMicrophoneDevice) -> None:
    errors: list[vmic.ClosedError] = []

    def wait() -> None:
        try:
            microphone.wait_for_listener()
        except vmic.ClosedError as error:
            errors.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    programs.await_that(lambda: "vmic-listeners" in {t.name for t in threading.enumerate()}, "it waits")
    microphone.close()
    thread.join(1)
    assert str(errors[0]) == "microphone 'mic' is closed"
    for use in (
        lambda: microphone.listeners,
        microphone.wait_for_listener,
        lambda: microphone.on_listeners_changed(print),
    ):
        with pytest.raises(vmic.ClosedError, match="'mic' is closed"):
            use()


WAITING = """
import vmic
with vmic.create_microphone_device("mic", 48000) as microphone:
    microphone.listeners
    try:
        print("ready", flush=True)
        microphone.wait_for_listener()
    except KeyboardInterrupt:
        print("noticed", flush=True)
        raise
"""


@pytest.mark.either_server
@pytest.mark.parametrize("frozen", [False, True])
def test_ctrl_c_ends_the_wait(server: SoundServer, start: Start, frozen: bool) -> None:
    program = start(*programs.script(WAITING))
    assert programs.answer(program) == "ready"
    if frozen:
        with server.frozen():
            interrupt(program)
    else:
        interrupt(program)
    assert programs.end(program)[0] == -signal.SIGINT


def interrupt(program: subprocess.Popen[str]) -> None:
    begin = time.monotonic()
    program.send_signal(signal.SIGINT)
    assert programs.answer(program) == "noticed"
    assert time.monotonic() - begin < 1


def test_a_callback_may_raise_sleep_and_use_the_microphone(
    microphone: vmic.VirtualMicrophoneDevice, record: Record, caplog: pytest.LogCaptureFixture
) -> None:
    called, release = threading.Semaphore(0), threading.Event()
    told: list[int] = []

    def callback(listeners: tuple[vmic.Listener, ...]) -> None:
        told.append(len(listeners))
        called.release()
        assert threading.current_thread().name == "vmic-listeners-changed"
        assert release.wait(10)
        microphone.write_frames(numbered(480))
        raise RuntimeError("a user's mistake")

    microphone.on_listeners_changed(callback)
    first = record(microphone)
    assert called.acquire(timeout=10)
    # The callback sleeps, and delays no other thread.
    second = record(microphone)
    programs.await_that(lambda: len(microphone.listeners) == 2, "both are seen")
    second.stop()
    programs.await_that(lambda: len(microphone.listeners) == 1, "one has gone")
    assert microphone.wait_for_listener(1)
    release.set()
    first.await_frames(480)
    first.stop()
    assert called.acquire(timeout=10)
    # The second listener came and left during the first call.
    assert told == [1, 0]
    programs.await_that(lambda: len(caplog.records) == 2, "both mistakes are logged")
    assert {(record.name, record.levelname) for record in caplog.records} == {("vmic.program", "ERROR")}
    assert "the callback <function" in caplog.text
    assert "a user's mistake" in caplog.text


def test_a_callback_replaces_the_one_before_and_hears_of_who_is_there(
    microphone: vmic.VirtualMicrophoneDevice, record: Record
) -> None:
    first = Changes(microphone)
    recorder = record(microphone)
    first.await_pids(recorder.process.pid)
    second = Changes(microphone)
    second.await_pids(recorder.process.pid)
    microphone.on_listeners_changed(None)
    recorder.stop()
    programs.await_that(lambda: microphone.listeners == (), "it has gone")
    Changes(microphone)
    assert (len(first.all), len(second.all)) == (1, 1)


def test_a_callback_may_close(server: SoundServer, microphone: vmic.VirtualMicrophoneDevice) -> None:
    closed = threading.Event()

    def close(_: tuple[vmic.Listener, ...]) -> None:
        microphone.close()
        closed.set()

    microphone.on_listeners_changed(close)
    # It may end before its first frame.
    recorder = Recorder(server, microphone)
    assert closed.wait(10)
    recorder.process.wait(10)
    assert vmic.list_microphone_devices() == []


@pytest.mark.either_server
def test_a_frozen_server_holds_nobody_up(server: SoundServer, record: Record) -> None:
    with (
        vmic.create_microphone_device("mic", 48000) as microphone,
        vmic.create_microphone_device("other", 48000) as other,
    ):
        with server.frozen():
            begin = time.monotonic()
            assert not other.wait_for_listener(0.1)
            assert time.monotonic() - begin < 1
        # The monitor continues by itself.
        changes = Changes(other)
        pid = record(other).process.pid
        changes.await_pids(pid)
        with server.frozen():
            begin = time.monotonic()
            assert other.listeners == changes.all[-1]
            assert other.wait_for_listener()
            assert not microphone.wait_for_listener(0.1)
            assert time.monotonic() - begin < 1
            (watcher,) = (t for t in threading.enumerate() if t.name == "vmic-listeners")
            microphone.close()
            other.close()
        # The monitor thread stays for the keeper, until the server has removed the devices.
        programs.await_that(lambda: not watcher.is_alive(), "nobody watches")


@pytest.mark.either_server
@pytest.mark.usefixtures("server")
def test_a_server_that_does_not_say(monkeypatch: pytest.MonkeyPatch) -> None:
    join = _watch.join
    # The creation needs the monitor. The microphone's observers hear nothing.
    monkeypatch.setattr(_watch, "join", lambda *watcher, owns=False: owns and join(*watcher, owns=True))
    with (
        vmic.create_microphone_device("mic", 48000) as microphone,
        pytest.raises(
            vmic.ServerError, match=r"the listeners of microphone 'mic': .* did not answer within 5 s"
        ),
    ):
        assert microphone.listeners


def test_a_forked_child_may_not_ask(server: SoundServer, record: Record) -> None:
    with vmic.create_microphone_device("mic", 48000) as microphone:
        record(microphone)
        assert microphone.wait_for_listener(10)
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                microphone.listeners  # noqa: B018
            except vmic.DeviceError as error:
                os.write(writer, str(error).encode())
            finally:
                os._exit(0)
        os.waitpid(pid, 0)
        os.close(writer)
        with os.fdopen(reader, "rb") as said:
            assert b"belongs to process" in said.read()
        assert len(microphone.listeners) == 1


def test_bad_arguments_are_told(microphone: vmic.VirtualMicrophoneDevice) -> None:
    with pytest.raises(
        TypeError, match="listeners callback must be a function of one argument, or None, got 5"
    ):
        microphone.on_listeners_changed(5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="timeout must be 0 seconds or more, got -1"):
        microphone.wait_for_listener(-1)
    with pytest.raises(TypeError, match="timeout must be a number of seconds, got '5'"):
        microphone.wait_for_listener("5")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "marks",
    [
        "vmic.name=other",
        "vmic.name=other vmic.format=loud",
        "vmic.name=other vmic.format=8000x1 vmic.owner=1",
    ],
)
def test_a_source_with_marks_that_are_not_vmics_is_nobodys(
    server: SoundServer, microphone: vmic.VirtualMicrophoneDevice, record: Record, marks: str
) -> None:
    with server.client() as pulse:
        pulse.module_load("module-null-sink", "sink_name=other")
        pulse.module_load(
            "module-remap-source", f"source_name=strange master=other.monitor source_properties='{marks}'"
        )
        # On PipeWire the source appears some time after the module.
        programs.await_that(
            lambda: any(s.proplist.get("vmic.name") == "other" for s in pulse.source_list()),
            "the strange source",
        )
    changes = Changes(microphone)
    changes.await_pids(record(microphone).process.pid)
    assert [info.name for info in vmic.list_microphone_devices()] == ["mic"]
