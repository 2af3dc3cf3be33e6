"""Sound written at its own pace has no silence inside, whatever the rate and the length of a write.

tests/native/test_paced_writes.c tests the same in every phase and without the noise of the machine.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np
import pytest
from machine_stalls import MachineStoodStillError
from servers import SoundServer
from timed_recording import TimedRecorder

import vmic

RATES = (8000, 11025, 16000, 22050, 24000, 44100, 48000)
# The cases that had silences inside: 44100 and 22050 Hz because of their period, 1024 frames because they are
# not a whole number of periods, 11025 Hz because the recorder shortens the period from 55 frames to 54.
SHORT = ((44100, 882), (22050, 441), (48000, 1024), (11025, 220))
DEVICES = 3
SECONDS = 1.0
LEVEL = 1000
# A write that is later than this is a fault of the machine. An utterance has this much in reserve.
LATE = 0.003
# How often to record: one with silences and a late write proves nothing (1 of 12, beside a busy process).
RECORDINGS = 3


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.config.getoption("--long"):
        shapes = [(rate, chunk) for rate in RATES for chunk in (rate // 100, rate // 50, 1024)]
        metafunc.parametrize(("rate", "chunk"), shapes)
    else:
        metafunc.parametrize(("rate", "chunk"), SHORT)


def speak(microphone: vmic.VirtualMicrophoneDevice, chunk: int, lateness: list[float]) -> None:
    """Write constant sound at its own pace, and record how late each write is."""
    begin = time.monotonic()
    for count in range(int(SECONDS * microphone.sample_rate / chunk)):
        due = begin + count * chunk / microphone.sample_rate
        time.sleep(max(0.0, due - time.monotonic()))
        lateness.append(time.monotonic() - due)
        microphone.write_frames(np.full(chunk, LEVEL, np.int16))


def silence_inside(recording: np.ndarray) -> int:
    """Return how many frames within the sound are silence or a fade to silence."""
    sound = np.flatnonzero(np.abs(recording) > LEVEL / 2)
    inside = recording[sound[0] : sound[-1] + 1]
    return int(np.count_nonzero(np.abs(inside) <= LEVEL / 2))


def recorded(rate: int, chunk: int) -> tuple[list[int], float]:
    """Return the frames of silence inside each device's recording, and by how many s a write was late."""
    lateness: list[float] = []
    microphones = [vmic.create_microphone_device(f"mic {i}", rate, non_blocking=True) for i in range(DEVICES)]
    listeners = [TimedRecorder(microphone).__enter__() for microphone in microphones]
    threads = [threading.Thread(target=speak, args=(m, chunk, lateness)) for m in microphones]
    for thread in threads:
        thread.start()
        time.sleep(0.0037)  # each thread starts at another phase of the server's periods
    silences = []
    for thread, microphone, listener in zip(threads, microphones, listeners, strict=True):
        thread.join()
        microphone.drain()
        listener.await_silence(rate // 50)
        silences.append(silence_inside(listener.frames()[:, 0]))
        listener.end()
        microphone.close()
    return silences, max(lateness)


@pytest.mark.timing
@pytest.mark.parametrize("server", ["pulseaudio"], indirect=True)
def test_no_silence_is_inside(
    server: SoundServer, rate: int, chunk: int, record_property: Callable[[str, object], None]
) -> None:
    """PulseAudio only: on PipeWire a write that is 1.6 ms late may cause a gap of 10 to 21 ms (0.3.65)."""
    for _ in range(RECORDINGS):
        silences, late = recorded(rate, chunk)
        if late <= LATE or not any(silences):
            break
        record_property("a write was late by (ms); it is recorded again", round(1000 * late, 1))
    else:
        raise MachineStoodStillError(f"a write was {1000 * late:.1f} ms late: {silences}")
    assert silences == [0] * DEVICES
