"""Sound written at its own pace has no silence inside, whatever the rate and the length of a write.

tests/native/test_paced.c tests the same in every phase and without the noise of the machine.
"""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from listening import Listener
from servers import SoundServer

import vmic

RATES = (8000, 11025, 16000, 22050, 24000, 44100, 48000)
# The cases that had silences inside: 44100 and 22050 Hz because of their period, 1024 frames because they are
# not a whole number of periods.
SHORT = ((44100, 882), (22050, 441), (48000, 1024))
DEVICES = 3
SECONDS = 1.0
LEVEL = 1000
# On an idle virtual machine one attempt of twelve has a gap of 5 to 15 ms, though no write is later than
# 1.4 ms. With a wrong period seven of eight have one.
ATTEMPTS = 3


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.config.getoption("--long"):
        shapes = [(rate, chunk) for rate in RATES for chunk in (rate // 100, rate // 50, 1024)]
        metafunc.parametrize(("rate", "chunk"), shapes)
    else:
        metafunc.parametrize(("rate", "chunk"), SHORT)


def speak(microphone: vmic.VirtualMicrophoneDevice, chunk: int) -> None:
    """Write constant sound at its own pace."""
    begin = time.monotonic()
    for count in range(int(SECONDS * microphone.sample_rate / chunk)):
        due = begin + count * chunk / microphone.sample_rate
        time.sleep(max(0.0, due - time.monotonic()))
        microphone.write_frames(np.full(chunk, LEVEL, np.int16))


def silence_inside(recording: np.ndarray) -> int:
    """Return how many frames within the sound are silence or a fade to silence."""
    sound = np.flatnonzero(np.abs(recording) > LEVEL / 2)
    inside = recording[sound[0] : sound[-1] + 1]
    return int(np.count_nonzero(np.abs(inside) <= LEVEL / 2))


@pytest.mark.timing
@pytest.mark.parametrize("server", ["pulseaudio"], indirect=True)
def test_no_silence_is_inside(server: SoundServer, rate: int, chunk: int) -> None:
    """PulseAudio only: on PipeWire a write that is 1.6 ms late may cause a gap of 10 to 21 ms (0.3.65)."""
    attempts: list[list[int]] = []
    while len(attempts) < ATTEMPTS and (not attempts or any(attempts[-1])):
        attempts.append(silences_side_by_side(rate, chunk))
    assert not any(attempts[-1]), attempts


def silences_side_by_side(rate: int, chunk: int) -> list[int]:
    """Write to several microphones, and return the frames of silence inside each recording."""
    microphones = [vmic.create_microphone_device(f"mic {i}", rate, non_blocking=True) for i in range(DEVICES)]
    listeners = [Listener(microphone).__enter__() for microphone in microphones]
    threads = [threading.Thread(target=speak, args=(m, chunk)) for m in microphones]
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
    return silences
