"""A microphone on another machine's sound server works over the network."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator

import audio_signals
import numpy as np
import programs
import pytest
from audio_signals import HeardSignal
from networks import NEAR, Hosts
from owner_programs import OwnerProgram
from servers import SoundServer, available_servers, new_server
from timed_recording import TimedRecorder

pytestmark = [
    pytest.mark.either_server,  # libpulse carries the sound over TCP
    pytest.mark.needs("namespaces"),
    pytest.mark.guarantee("another machine"),
]

SECONDS = 3
# Ten times the measured values.
LATENCY = 0.15
BYTES_A_SECOND = 1_500_000


@pytest.fixture
def hosts() -> Iterator[Hosts]:
    with Hosts() as both:
        yield both


@pytest.fixture(params=available_servers())
def server(request: pytest.FixtureRequest, hosts: Hosts) -> Iterator[SoundServer]:
    """Start a sound server on the near machine."""
    near = new_server(request)
    near.before = hosts.near
    with near:
        yield near


@pytest.fixture
def far_owner(server: SoundServer, hosts: Hosts) -> Iterator[OwnerProgram]:
    """Start a program on the far machine that has a microphone on the near machine's server."""
    far_home = server.root / "far"
    far_home.mkdir()
    env = {
        **server.env,
        "HOME": str(far_home),
        "XDG_RUNTIME_DIR": str(far_home),
        "PULSE_SERVER": server.listen_on_tcp(NEAR),
        "PULSE_COOKIE": f"{server.env['HOME']}/.config/pulse/cookie",
    }
    with OwnerProgram(env, before=hosts.far) as owner:
        yield owner


@pytest.mark.timing
@pytest.mark.own_quantum
def test_it_is_heard_there(
    hosts: Hosts, server: SoundServer, far_owner: OwnerProgram, record_property: Callable[[str, object], None]
) -> None:
    with TimedRecorder(far_owner, server.env) as listener:
        calls = np.array(json.loads(far_owner.ask("speak(20, 0.2)")))
        listener.await_silence(4800)
        latencies = listener.latencies(calls, 480, gaps=19)
        received, begin = hosts.received(), time.monotonic()
        far_owner.ask(f"mic.write_frames(numbered({SECONDS} * 48000)), mic.drain()")
        rate = (hosts.received() - received) / (time.monotonic() - begin)
        listener.await_silence(4800)
        heard = HeardSignal.in_recording(listener.frames())
    assert (heard.frames, heard.foreign, heard.gaps) == (20 * 480 + SECONDS * 48000, 0, 20)
    record_property("latency p50 (ms)", round(1000 * float(np.median(latencies)), 1))
    record_property("bytes per second", float(round(rate)))
    assert np.median(latencies) < LATENCY
    assert rate < BYTES_A_SECOND
    assert far_owner.ask("mic.stats.reconnects, mic.stats.lost") == "(0, 0)"


def test_it_comes_back_when_the_cable_was_cut(
    hosts: Hosts, server: SoundServer, far_owner: OwnerProgram, record_property: Callable[[str, object], None]
) -> None:
    with TimedRecorder(far_owner, server.env) as listener:
        far_owner.ask("mic.write_frames(numbered(10 * 48000))")
        listener.await_frames(24000)
        with hosts.cut():
            time.sleep(5)
        begin = time.monotonic()
        before = len(listener.frames())
        programs.await_that(lambda: np.any(listener.frames()[before:]), "it is heard again")
        record_property("heard again after (s)", round(time.monotonic() - begin, 2))
        assert far_owner.ask("mic.drain()") == "None"
        assert far_owner.ask("mic.stats.reconnects") == "1"
        heard = HeardSignal.in_recording(listener.frames())
        after = HeardSignal.in_recording(listener.frames()[before:])
    # The rest is heard whole; frames in transit when the cable was cut are lost.
    assert (heard.repeated, heard.foreign) == (0, 0)
    assert after.lost == 0
    assert after.gaps <= audio_signals.default_gaps
    record_property("frames lost", heard.lost)
    assert heard.lost < 48000
