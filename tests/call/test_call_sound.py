"""On each sound server, the far end of a call hears the chosen microphone and no other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import programs
import pytest
from audio_signals import tone, usual_quality
from call.endpoint import RATE, Endpoint
from call.event_log import EventLog, join, microphone
from call.tone_checks import await_tone, endless
from servers import SoundServer

import vmic

NewClient = Callable[..., vmic.CallClient]

DOCUMENTED = """
import sys, threading
from vmic import *

def on_joined(data, error):
    print("joined", error, flush=True)
    joined.set()

joined = threading.Event()
Daily.init()
mic = Daily.create_microphone_device("my-virtual-microphone", sample_rate=16000, channels=1)
client = CallClient()
client.update_subscription_profiles({"base": {"camera": "unsubscribed", "microphone": "unsubscribed"}})
client.join(sys.argv[1], completion=on_joined, client_settings={
    "inputs": {
        "camera": False,
        "microphone": {"isEnabled": True, "settings": {"deviceId": "my-virtual-microphone"}},
    },
    "publishing": {"microphone": {"isPublishing": True, "sendSettings": {"channelConfig": "mono"}}},
})
joined.wait()
mic.write_frames(open(sys.argv[2], "rb").read())
client.leave()
client.release()
"""


def test_the_documented_program_is_heard(server: SoundServer, endpoint: Endpoint, tmp_path: Path) -> None:
    sound = tmp_path / "sound.raw"
    sound.write_bytes(tone(1000, 3, 16000).tobytes())
    done = programs.run(programs.script(DOCUMENTED, endpoint.url, str(sound)), server.env)
    assert (done.stdout, done.stderr) == (b"joined None\n", b"")
    frequency, decibels = usual_quality(endpoint.last.heard(), RATE)
    assert frequency == pytest.approx(1000, rel=0.01)
    assert decibels > 20
    assert endpoint.methods()[-1] == "DELETE"


def test_the_microphone_is_switched_in_the_call(
    endpoint: Endpoint, client: vmic.CallClient, event_log: EventLog, mic: vmic.VirtualMicrophoneDevice
) -> None:
    with vmic.create_microphone_device("other", 16000, 1, True) as other:
        mic.write_frames(endless(1000))
        other.write_frames(endless(500, 16000))
        join(client, event_log, endpoint.url, inputs=microphone(mic.name))
        call = endpoint.await_call()
        await_tone(call, 1000)
        client.update_inputs(microphone("other"))
        await_tone(call, 500)
        client.update_inputs({"microphone": False})
        event_log.wait("inputs_updated", 3)
        programs.await_that(lambda: not mic.listeners and not other.listeners, "nobody records")
        client.update_inputs({"microphone": True})
        await_tone(call, 500)
        other.flush()
    assert endpoint.methods().count("POST") == 1


def test_two_clients_hear_their_own_microphone(
    server: SoundServer, new_client: NewClient, mic: vmic.VirtualMicrophoneDevice
) -> None:
    with (
        vmic.create_microphone_device("other", 48000, 1, True) as other,
        Endpoint() as one,
        Endpoint() as two,
    ):
        for device, frequency, endpoint in ((mic, 1000, one), (other, 500, two)):
            event_log = EventLog()
            device.write_frames(endless(frequency))
            join(new_client(event_log), event_log, endpoint.url, inputs=microphone(device.name))
        await_tone(one.last, 1000)
        await_tone(two.last, 500)
        assert [listener.application for listener in mic.listeners] == ["vmic call"]
        other.flush()


def test_a_microphone_that_is_none_vmics(
    server: SoundServer, endpoint: Endpoint, client: vmic.CallClient, event_log: EventLog, headset: None
) -> None:
    join(client, event_log, endpoint.url, inputs=microphone("headset"))
    call = endpoint.await_call()
    programs.await_that(lambda: np.abs(call.heard()).max(initial=0) > 3000, "the headset is heard")
