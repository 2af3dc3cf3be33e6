"""The latencies of sinks are asked for when the recordings of a sink have changed, and only then."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pulsectl
import pytest

from vmic._monitor.playback_timing import SinkLatencies

SINK, MONITOR, SOURCE = 3, 4, 5
MICROPHONE: Any = SimpleNamespace(
    sink=SimpleNamespace(index=SINK, monitor_source=MONITOR), source=SimpleNamespace(index=SOURCE)
)


class FakeServer:
    """A server with one microphone."""

    def __init__(self, name: str = "pulseaudio") -> None:
        self.name = name
        self.recordings: list[Any] = []
        self.latency = 5000
        self.asked = 0
        self.fails = False

    def server_info(self) -> Any:
        return SimpleNamespace(server_name=self.name)

    def source_output_list(self) -> list[Any]:
        return self.recordings

    def sink_info(self, index: int) -> Any:
        assert index == SINK
        self.asked += 1
        if self.fails:
            raise pulsectl.PulseOperationFailed(index)
        return SimpleNamespace(configured_latency=self.latency)


def look(latencies: SinkLatencies, server: FakeServer) -> dict[int, int]:
    pulse: Any = server
    return latencies.look(pulse, [MICROPHONE])


@pytest.mark.parametrize("recorded", [MONITOR, SOURCE])
def test_a_recording_that_comes_or_goes_is_a_reason_to_ask(recorded: int) -> None:
    server, latencies = FakeServer(), SinkLatencies()
    assert look(latencies, server) == {SINK: 5000}
    assert look(latencies, server) == {SINK: 5000}
    assert server.asked == 1
    server.recordings = [SimpleNamespace(index=8, source=recorded)]
    server.latency = 2000
    assert look(latencies, server) == look(latencies, server) == {SINK: 2000}
    assert server.asked == 2
    server.recordings, server.latency = [], 5000
    assert look(latencies, server) == {SINK: 5000}
    assert server.asked == 3


def test_a_recording_of_something_else_is_none() -> None:
    server, latencies = FakeServer(), SinkLatencies()
    look(latencies, server)
    server.recordings = [SimpleNamespace(index=8, source=77)]
    look(latencies, server)
    assert server.asked == 1


def test_it_asks_again_after_a_failure() -> None:
    server, latencies = FakeServer(), SinkLatencies()
    server.fails = True
    with pytest.raises(pulsectl.PulseOperationFailed):
        look(latencies, server)
    server.fails = False
    assert look(latencies, server) == {SINK: 5000}


def test_pipewire_is_not_asked() -> None:
    server = FakeServer("PulseAudio (on PipeWire 0.3.65)")
    assert look(SinkLatencies(), server) == {}
    assert server.asked == 0
