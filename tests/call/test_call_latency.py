"""The time from a write to the microphone until the far end of a call hears it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from burst_latency import latency_of
from call.endpoint import Endpoint
from call.event_log import EventLog, join, microphone
from servers import SoundServer

import vmic


@pytest.mark.timing
@pytest.mark.own_quantum
def test_a_far_end_hears_it_soon(
    server: SoundServer,
    endpoint: Endpoint,
    new_client: Callable[..., vmic.CallClient],
    mic: vmic.VirtualMicrophoneDevice,
    record_property: Callable[[str, object], None],
) -> None:
    event_log = EventLog()
    join(new_client(event_log), event_log, endpoint.url, inputs=microphone(mic.name))
    call = endpoint.await_call()
    latency = latency_of(mic, call.heard)
    # 60 ms of it are spent in aiortc's jitter buffer (1.16), which starts with four packets.
    record_property(f"latency, ms, WHIP, aiortc, {server.kind}", round(1000 * latency))
    assert latency < 1.5
