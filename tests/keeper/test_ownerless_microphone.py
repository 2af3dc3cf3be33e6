"""A microphone made by ``vmic create`` belongs to no program. Its keeper holds the guarantees of all."""

from __future__ import annotations

import functools
from collections.abc import Callable

import programs
import pulsectl
import pytest
from owner_programs import unload
from player_programs import PlayerProgram, is_there
from programs import command
from recording import Recorder
from servers import PARTS, SoundServer

import vmic
from vmic._device import registry
from vmic._pulse import connection


@pytest.mark.guarantee("comes back")
@pytest.mark.parametrize(("server", "part"), PARTS, indirect=["server"])
def test_it_outlives_a_restart_and_is_removed(
    server: SoundServer, part: str, record: Callable[..., Recorder]
) -> None:
    command("create", "mic", "--rate", "48000", "--channels", "2")
    server.lose(part)
    server.answer()

    def is_back() -> bool:
        with server.client() as pulse:
            return is_there(pulse, "mic")

    programs.await_that(is_back, "it is back")
    (info,) = vmic.list_microphone_devices()
    assert (info.name, info.sample_rate, info.channels, info.pid) == ("mic", 48000, 2, None)
    recorder = record(info)
    with vmic.open_microphone_device("mic") as microphone:
        microphone.write_frames(b"\1\1" * 2 * 4800)
        recorder.await_frames(4800)
    with server.client() as pulse:
        assert_guarded(pulse)
    command("remove", "mic")
    assert not is_back()


@pytest.mark.guarantee("nothing else")
def test_a_foreign_stream_is_moved_away_and_a_volume_is_full(
    play: Callable[..., PlayerProgram], pulse: pulsectl.Pulse
) -> None:
    command("create", "mic")
    sink = next(sink.name for sink in pulse.sink_list() if sink.name.startswith("vmic-sink-"))
    play(sink).await_place(pulse, "vmic-silence")
    assert_guarded(pulse)


def assert_guarded(pulse: pulsectl.Pulse) -> None:
    """Assert that the keeper of microphone "mic" restores its volume."""
    pulse.volume_set_all_chans(pulse.get_source_by_name("mic"), 0.5)
    programs.await_that(lambda: pulse.get_source_by_name("mic").volume.value_flat == 1.0, "it is full again")


def test_a_half_is_left_to_the_keeper(pulse: pulsectl.Pulse) -> None:
    """A writer does not remove the half of a microphone that may be just what the keeper creates."""
    command("create", "mic")
    (keeper,) = [client for client in pulse.client_list() if client.name == "vmic-keeper-mic"]
    with vmic.open_microphone_device("mic", non_blocking=True) as microphone:
        (sink,) = [sink for sink in pulse.sink_list() if sink.name.startswith("vmic-sink-mic")]
        with programs.stopped(int(keeper.proplist["application.process.id"])):
            unload(pulse, "source_name=mic ")
            connection.call(functools.partial(registry.end_streams, sink_name=sink.name))
            programs.await_that(lambda: microphone._reconnection.trouble, "the writer has looked for it")
            assert sink.index in [sink.index for sink in pulse.sink_list()]


def test_when_a_half_is_unloaded_the_rest_goes(server: SoundServer, pulse: pulsectl.Pulse) -> None:
    before = {thing.name for thing in (*pulse.sink_list(), *pulse.source_list())}
    command("create", "mic")
    for module in pulse.module_list():
        if "source_name=mic " in (module.argument or ""):
            pulse.module_unload(module.index)
    programs.await_that(
        lambda: {thing.name for thing in (*pulse.sink_list(), *pulse.source_list())} == before,
        "all is as it was",
    )
