"""vmic doctor counts each frame that was lost, altered or heard twice, but no ramp around silence."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from audio_signals import Samples

from vmic.cli.system import loopback_trial

WRITTEN = [0.01 * number for number in range(200)]
FRAMES = loopback_trial._frames(np.arange(96000))
SILENCE = np.zeros((4800, 2), np.int16)


class ParecOutput:
    """A recording in which each frame arrived 10 ms after its position."""

    def __init__(self, *parts: Samples) -> None:
        self._frames = np.concatenate(parts)

    def frames(self) -> Samples:
        return self._frames

    def arrival(self, frame: int) -> float:
        return frame / 48000 + 0.01


def judged(*parts: Samples) -> loopback_trial.LoopbackResult:
    return loopback_trial._judge(WRITTEN, ParecOutput(*parts))  # type: ignore[arg-type]


def ramp(start: Samples, end: Samples) -> Samples:
    """Return a ramp between the two like vmic's: 3t^2 - 2t^3 in 72 steps."""
    t = np.arange(1, 72)[:, None] / 72
    slope = 3 * t**2 - 2 * t**3
    return (start + slope * (end.astype(int) - start)).astype(np.int16)


def test_what_came_as_it_was_written_is_right() -> None:
    heard = judged(SILENCE, ramp(SILENCE[0], FRAMES[0]), FRAMES, SILENCE)
    assert (heard.frames, heard.wrong) == (96000, 0)
    assert len(heard.latencies) == 200
    assert heard.latencies == pytest.approx([0.01 + 4871 / 48000] * 200)


def test_a_gap_takes_no_frame_away() -> None:
    before, after = FRAMES[:1234], FRAMES[1234:]
    down, up = ramp(before[-1], SILENCE[0]), ramp(SILENCE[0], after[0])
    assert judged(before, down, SILENCE, up, after).wrong == 0


@pytest.mark.parametrize("at", [0, 1, 28000, 95744])
def test_what_is_lost_is_counted(at: int) -> None:
    assert judged(FRAMES[:at], FRAMES[at + 256 :]).wrong == 256


def test_what_is_altered_or_heard_twice_is_counted() -> None:
    altered = FRAMES.copy()
    altered[500] += 1
    assert judged(altered).wrong == 1
    assert judged(FRAMES[:1000], FRAMES[900:]).wrong == 100
    assert judged(SILENCE).wrong == 96000


def test_a_signal_that_comes_as_parec_starts_is_the_only_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parec = tmp_path / "parec"
    parec.write_text("#!/bin/sh\nexec cat /dev/zero\n")
    parec.chmod(0o755)
    others = set(threading.enumerate())
    start = threading.Thread.start

    def start_then_interrupt(thread: threading.Thread) -> None:
        start(thread)
        raise KeyboardInterrupt

    faults: list[object] = []
    monkeypatch.setattr(threading, "excepthook", faults.append)
    monkeypatch.setattr(threading.Thread, "start", start_then_interrupt)
    with pytest.raises(KeyboardInterrupt), loopback_trial._listening(str(parec), "mic"):
        pass
    for thread in set(threading.enumerate()) - others:
        thread.join(10)
        assert not thread.is_alive()
    assert faults == []
