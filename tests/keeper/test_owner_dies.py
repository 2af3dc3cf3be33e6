"""The microphone of a dead owner is removed, however the owner died; that of a live owner never is."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import programs
import pulsectl
import pytest
from owner_programs import OwnerProgram
from player_programs import PlayerProgram, is_there
from programs import command
from recording import Recorder
from servers import SoundServer

import vmic
from vmic._device import create
from vmic._device import owner as owners
from vmic._device.spec import MicrophoneSpec
from vmic._pulse import connection

pytestmark = pytest.mark.guarantee("dead program")

Record = Callable[..., Recorder]
GONE_WITHIN = 2.0


def names(server: SoundServer) -> set[str]:
    """Return the names of all sinks and sources, without a call to vmic, which would remove orphans."""
    with server.client() as pulse:
        return {thing.name for thing in (*pulse.sink_list(), *pulse.source_list())}


def has_exited(server: SoundServer) -> bool:
    return not any(name == "mic" or name.startswith("vmic-") for name in names(server))


def await_removal(server: SoundServer) -> None:
    """Wait until the server has removed all. PipeWire still lists for a moment what has been unloaded."""
    programs.await_that(lambda: has_exited(server), "the microphone has gone")


def become_another(owner: OwnerProgram) -> None:
    """Run another program in the owner's process."""
    assert owner.process.stdin
    owner.process.stdin.write("__import__('os').execv('/bin/sleep', ['sleep', '1000'])\n")
    owner.process.stdin.flush()


def kill_beside_child(owner: OwnerProgram) -> None:
    """Kill the owner while a child that it forked lives on."""
    owner.ask("__import__('os').fork() or __import__('time').sleep(1000)")
    owner.process.kill()


WAYS: dict[str, Callable[[OwnerProgram], object]] = {
    "killed": lambda owner: owner.process.send_signal(signal.SIGKILL),
    "its group killed": lambda owner: os.killpg(owner.process.pid, signal.SIGKILL),
    "asked to end": lambda owner: owner.process.send_signal(signal.SIGTERM),
    "another program in its place": become_another,
    "killed beside its child": kill_beside_child,
}


@pytest.mark.parametrize("way", WAYS)
def test_a_dead_owners_microphone_goes(
    server: SoundServer, record: Record, way: str, record_property: Callable[[str, object], None]
) -> None:
    before = names(server)
    with OwnerProgram(server.env) as owner:
        recorder = record(owner)
        begin = time.monotonic()
        WAYS[way](owner)
        programs.await_that(lambda: has_exited(server), "the microphone has gone", 10 * GONE_WITHIN)
        took = time.monotonic() - begin
        record_property("removed after (s)", round(took, 3))
        assert took < 10 * GONE_WITHIN
        assert not recorder.await_end().any()
    programs.await_that(lambda: names(server) == before, "all is as it was")


def test_what_nobody_was_left_to_remove_goes_at_the_next_use(server: SoundServer) -> None:
    with OwnerProgram(server.env) as owner:
        owner.kill_all()
    assert "mic" in names(server)
    assert vmic.list_microphone_devices() == []
    await_removal(server)


def test_a_half_that_was_being_made_goes_at_the_next_use(server: SoundServer) -> None:
    with OwnerProgram(server.env) as owner:
        owner.kill_all()
    with server.client() as pulse:
        for module in pulse.module_list():
            if "source_name=mic " in (module.argument or ""):
                pulse.module_unload(module.index)
    with pytest.raises(vmic.DeviceError, match="microphone 'mic' not found"):
        vmic.open_microphone_device("mic")
    await_removal(server)


def test_a_keeper_that_dies_is_replaced(server: SoundServer) -> None:
    with OwnerProgram(server.env) as owner:
        first = owner.guarding_keeper()
        time.sleep(2.1)  # a keeper that exits at once is not replaced
        os.kill(first, signal.SIGKILL)
        programs.await_that(lambda: owner.keepers() - {first}, "there is another keeper")
        owner.process.kill()
        await_removal(server)


@pytest.mark.needs("namespaces")
@pytest.mark.parametrize("kept", [True, False])
def test_in_another_namespace_only_its_connection_tells_that_it_lives(
    server: SoundServer, kept: bool
) -> None:
    unshare = ("unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc", "--kill-child")
    with OwnerProgram(server.env, before=unshare) as owner:
        assert owner.ask("__import__('os').getpid()") == "1"
        if kept:
            assert [device.name for device in vmic.list_microphone_devices()] == ["mic"]
            assert command("list").stdout.count(b"mic") > 0
            return
        # The exit of its first process ends every process in the namespace, the keeper too.
        owner.process.kill()
        owner.process.wait()
        programs.await_that(lambda: vmic.list_microphone_devices() == [], "it is not taken for a living one")
    await_removal(server)


@contextlib.contextmanager
def made_by(server: SoundServer, owner: owners.Owner) -> Iterator[None]:
    """Create a microphone of `owner`, whose connection ends with the block."""
    with server.client(owner.client_name), connection.connect() as pulse:
        create.make(
            pulse, MicrophoneSpec("mic", "mic", 48000, 1), owner=owner, volume_guard=True, replace=False
        )
        yield


def test_a_recycled_process_id_is_not_its_owner(server: SoundServer) -> None:
    owner = dataclasses.replace(owners.Owner.this_process(), started=1)
    with made_by(server, owner):
        assert "mic" in names(server)
        assert vmic.list_microphone_devices() == []
        await_removal(server)


def test_on_another_machine_a_connection_may_be_lost_for_a_second(server: SoundServer) -> None:
    owner = dataclasses.replace(owners.Owner.this_process(), pid_scope="elsewhere", started=1)
    with made_by(server, owner):
        pass
    with contextlib.ExitStack() as back:
        timer = threading.Timer(1, lambda: back.enter_context(server.client(owner.client_name)))
        timer.start()
        assert [device.name for device in vmic.list_microphone_devices()] == ["mic"]
        timer.join()


def test_another_programs_stream_outlives_what_was_left(
    server: SoundServer, play: Callable[..., PlayerProgram], pulse: pulsectl.Pulse
) -> None:
    pulse.module_load("module-null-sink", "sink_name=speakers")
    programs.await_that(lambda: is_there(pulse, "speakers"), "the output is there")
    with OwnerProgram(server.env) as owner:
        os.kill(owner.guarding_keeper(), signal.SIGSTOP)
        player = play()
        programs.await_that(lambda: player.place(pulse) not in (None, "vmic-silence"), "it plays")
        sink = next(sink for sink in pulse.sink_list() if sink.name.startswith("vmic-sink-"))
        pulse.sink_input_move(player.stream(pulse).index, sink.index)
        player.await_place(pulse, sink.name)
        owner.kill_all()
    assert vmic.list_microphone_devices() == []
    programs.await_that(lambda: player.place(pulse) == "speakers", "it plays elsewhere")


def test_on_another_machine_only_its_connection_tells_that_it_lives(server: SoundServer) -> None:
    owner = dataclasses.replace(owners.Owner.this_process(), pid_scope="elsewhere", started=1)
    with made_by(server, owner):
        assert [device.name for device in vmic.list_microphone_devices()] == ["mic"]
    programs.await_that(lambda: vmic.list_microphone_devices() == [], "it is not taken for a living one")
    await_removal(server)


CLEAN = "import vmic; vmic.list_microphone_devices()"


@pytest.mark.either_server
def test_programs_that_clean_up_at_once_do_no_harm(server: SoundServer) -> None:
    with server.client() as pulse:
        pulse.module_load("module-null-sink", "sink_name=speakers")
    with vmic.create_microphone_device("alive", 48000):
        for _ in range(3):
            with OwnerProgram(server.env) as owner:
                owner.kill_all()
            cleaners = [subprocess.Popen([sys.executable, "-c", CLEAN], env=server.env) for _ in range(4)]
            assert [cleaner.wait(60) for cleaner in cleaners] == [0] * 4
            assert {"alive", "speakers"} <= names(server)
            assert "mic" not in names(server)
