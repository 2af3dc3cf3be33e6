"""The fallback sink exists as long as there are devices, and consumes sound at the pace of a sound card."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import programs
import pulsectl
from audio_signals import tone
from servers import SoundServer

import vmic
from vmic._device import fallback_sink
from vmic._pulse import connection, server_profiles

PLAY = ["pacat", "--raw", "--rate=48000", "--channels=1", "--latency-msec=20", "--device=vmic-silence"]


def fallback_sinks(pulse: pulsectl.Pulse) -> list[int]:
    """Return the server's numbers of the fallback sinks."""
    return [sink.index for sink in pulse.sink_list() if sink.name.startswith(fallback_sink.NAME)]


def await_sinks(pulse: pulsectl.Pulse, *numbers: int) -> None:
    """Wait until these are the fallback sinks, and no others."""
    programs.await_that(lambda: fallback_sinks(pulse) == [*numbers], f"the fallback sinks are {numbers}")


def unload_module_with(pulse: pulsectl.Pulse, argument: str) -> None:
    (module,) = [module for module in pulse.module_list() if argument in (module.argument or "")]
    pulse.module_unload(module.index)


def provide() -> int:
    with connection.connect() as server:
        return int(fallback_sink.provide(server, server_profiles.of(server)).index)


def test_what_plays_there_is_not_held_up(
    server: SoundServer, record_property: Callable[[str, object], None]
) -> None:
    sound = tone(440, 0.5, 48000).tobytes()
    with vmic.create_microphone_device("mic", 48000):
        begin = time.monotonic()
        done = programs.run(PLAY, server.env, sound)
        took = time.monotonic() - begin
    assert done.returncode == 0, done.stderr
    record_property("half a second is played in, s", round(took, 2))
    assert 0.4 < took < 1.5


def test_one_that_is_being_removed_does_not_count(pulse: pulsectl.Pulse) -> None:
    # PipeWire still shows it.
    for _ in range(10):
        removed = provide()
        unload_module_with(pulse, f"sink_name={fallback_sink.NAME} ")
        provided = provide()
        assert provided != removed
        await_sinks(pulse, provided)


def test_processes_that_begin_at_the_same_moment_share_one(pulse: pulsectl.Pulse) -> None:
    for _ in range(10):
        with ThreadPoolExecutor() as pool:
            provided = {future.result() for future in [pool.submit(provide) for _ in range(3)]}
        assert len(provided) == 1
        await_sinks(pulse, *provided)
        unload_module_with(pulse, f"sink_name={fallback_sink.NAME} ")
        await_sinks(pulse)


def test_it_stays_when_the_only_microphone_is_replaced(server: SoundServer, pulse: pulsectl.Pulse) -> None:
    with vmic.create_microphone_device("mic", 48000):
        before = fallback_sinks(pulse)
        with vmic.create_microphone_device("mic", 48000, replace=True):
            assert fallback_sinks(pulse) == before
    await_sinks(pulse)


def test_it_stays_when_a_microphone_is_closed_that_was_replaced(
    server: SoundServer, pulse: pulsectl.Pulse
) -> None:
    replaced = vmic.create_microphone_device("mic", 48000)
    with vmic.create_microphone_device("mic", 48000, replace=True):
        before = fallback_sinks(pulse)
        replaced.close()
        assert fallback_sinks(pulse) == before
    await_sinks(pulse)


def test_it_stays_when_the_only_microphone_is_created_again(
    server: SoundServer, pulse: pulsectl.Pulse
) -> None:
    with vmic.create_microphone_device("mic", 48000) as microphone:
        before = fallback_sinks(pulse)
        (old,) = [source.index for source in pulse.source_list() if source.name == microphone.source_name]
        unload_module_with(pulse, f"source_name={microphone.source_name} ")
        programs.await_that(
            lambda: (
                old not in [source.index for source in pulse.source_list()]
                and microphone.source_name in [source.name for source in pulse.source_list()]
            ),
            "the microphone is there again",
        )
        assert fallback_sinks(pulse) == before


def test_nothing_is_left_when_a_microphone_ends_that_lost_a_half(
    server: SoundServer, pulse: pulsectl.Pulse
) -> None:
    with vmic.create_microphone_device("mic", 48000) as microphone:
        unload_module_with(pulse, f"source_name={microphone.source_name} ")
    await_sinks(pulse)
