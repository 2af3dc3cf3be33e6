"""A microphone and a speaker work in environments that games, container images and desktop files set up."""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections.abc import Callable

import pytest
from audio_signals import numbered
from recording import Recorder
from servers import SoundServer

import vmic

Record = Callable[..., Recorder]


@pytest.mark.timing
@pytest.mark.own_quantum
@pytest.mark.parametrize("milliseconds", ["1", "200"])
def test_bursts_are_heard_whole_and_at_once(
    server: SoundServer, record: Record, monkeypatch: pytest.MonkeyPatch, milliseconds: str
) -> None:
    """Other programs would buffer this sound for PULSE_LATENCY_MSEC before they play it."""
    monkeypatch.setenv("PULSE_LATENCY_MSEC", milliseconds)
    with vmic.create_microphone_device("mic", 48000, non_blocking=True) as microphone:
        # The recorder stands for another application, for which the variable is not meant either.
        recorder = record(microphone, env={"PULSE_LATENCY_MSEC": "20"})
        for burst in range(10):
            microphone.write_frames(numbered(4800, first=4800 * burst))
            microphone.drain(timeout=1)
            recorder.await_frames(4800 * (burst + 1))
            assert microphone.stats.heard == 4800 * (burst + 1)
            threading.Event().wait(0.05)  # silence between two bursts
    recorder.await_end()
    heard = recorder.heard()
    heard.assert_exact(48000, gaps=9)
    assert os.environ["PULSE_LATENCY_MSEC"] == milliseconds


@pytest.mark.parametrize("milliseconds", ["1", "1000"])
def test_a_speaker_hears_at_once(
    server: SoundServer, monkeypatch: pytest.MonkeyPatch, milliseconds: str
) -> None:
    """With fragments of that length up to a second would pass between two of them."""
    monkeypatch.setenv("PULSE_LATENCY_MSEC", milliseconds)
    with vmic.create_speaker_device("speaker", 48000) as speaker:
        speaker.read_frames(4800)
        waits = []
        for _ in range(20):
            begin = time.monotonic()
            speaker.read_frames(4800)
            waits.append(time.monotonic() - begin)
    assert statistics.median(waits) > 0.05
    assert max(waits) < 0.5
    assert os.environ["PULSE_LATENCY_MSEC"] == milliseconds
