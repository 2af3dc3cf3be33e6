"""scripts/demo distinguishes frames that came late from frames that were lost."""

from __future__ import annotations

import demo
import numpy as np
import pytest
from audio_signals import Samples, numbered

WORDS = 48000


@pytest.fixture
def written() -> Samples:
    speech = (8000 * np.sin(np.arange(WORDS) / 10)).astype(np.int16)
    return np.stack([np.pad(speech, (0, 24000)), numbered(WORDS + 24000)[:, 0]], axis=1)


def silence(count: int) -> Samples:
    return np.zeros((count, 2), np.int16)


def report(written: Samples, *heard: Samples, capsys: pytest.CaptureFixture[str]) -> tuple[bool, str]:
    recording = np.concatenate([silence(500), *heard, silence(500)])
    exact = demo.report(demo.Comparison.of(written, recording), WORDS, np.array([]))
    return exact, capsys.readouterr().out


def test_frames_that_come_late_are_not_lost(written: Samples, capsys: pytest.CaptureFixture[str]) -> None:
    # There is silence within the speech; the silence between it and the chunks is no gap.
    heard = [written[:9000], silence(4800), written[9000:WORDS], silence(9600), written[WORDS:]]
    exact, said = report(written, *heard, capsys=capsys)
    assert exact
    assert "heard       72,000 frames" in said
    assert "lost        0 frames; repeated or out of order 0\n" in said
    assert "delayed     by gaps: 1, 100.0 ms in all" in said


def test_frames_that_do_not_come_are_lost(written: Samples, capsys: pytest.CaptureFixture[str]) -> None:
    exact, said = report(written, written[:9000], written[9100:], capsys=capsys)
    assert not exact
    assert "lost        100 frames; repeated or out of order 0\n" in said
    assert "delayed     by gaps: 0" in said
    assert "NOT every frame" in said


def test_frames_that_are_altered_count_as_lost(written: Samples, capsys: pytest.CaptureFixture[str]) -> None:
    heard = written.copy()
    heard[100:110, 0] += 1
    exact, said = report(written, heard, capsys=capsys)
    assert not exact
    assert "lost        10 frames" in said


def test_frames_that_come_twice_are_told(written: Samples, capsys: pytest.CaptureFixture[str]) -> None:
    exact, said = report(written, written[:2000], written[1000:], capsys=capsys)
    assert not exact
    assert "lost        0 frames; repeated or out of order 1\n" in said


def test_nothing_heard_is_all_lost(written: Samples, capsys: pytest.CaptureFixture[str]) -> None:
    exact, said = report(written, capsys=capsys)
    assert not exact
    assert "lost        72,000 frames" in said
