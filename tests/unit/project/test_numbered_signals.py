"""Which frames of a recording the tests take for written, and which for inserted."""

from __future__ import annotations

import numpy as np
import pytest
from audio_signals import HeardSignal, is_written, numbered, ramp_to, sounding, tone, tone_quality

RATE = 48000
SILENCE = np.zeros((300, 1), np.int16)


@pytest.mark.parametrize("early", [0, 1, 7, 8, 40, 72])
def test_a_ramp_down_was_not_written_though_it_came_in_two_pieces(early: int) -> None:
    before, after = numbered(500, first=20000), numbered(500, first=20500)
    down, up = ramp_to(before[-1], RATE)[::-1], ramp_to(after[0], RATE)
    recording = np.concatenate([before, down[:early], SILENCE, down[early:], SILENCE, up, after])
    assert np.array_equal(recording[is_written(recording, RATE)], np.concatenate([before, after]))


@pytest.mark.parametrize("early", [1, 2, 30, 66, 72])
def test_a_ramp_up_was_not_written_though_a_silence_is_in_or_after_it(early: int) -> None:
    before, after = numbered(500), numbered(500, first=500)
    up = ramp_to(after[0], RATE)
    up = up[up[:, 0] != 0]
    recording = np.concatenate([before, SILENCE, up[:early], SILENCE, up[early:], after])
    assert np.array_equal(recording[is_written(recording, RATE)], np.concatenate([before, after]))


def test_frames_that_are_no_ramp_were_written() -> None:
    recording = np.concatenate([numbered(500, first=20000), SILENCE, numbered(40, first=7), SILENCE])
    assert is_written(recording, RATE).sum() == 540


def test_a_gap_is_told_where_none_is_allowed() -> None:
    recording = np.concatenate([numbered(500), SILENCE, numbered(500, first=500)])
    assert len(sounding(recording, RATE, gaps=1)) == 1000
    HeardSignal.in_recording(recording).assert_exact(1000, gaps=1)
    with pytest.raises(AssertionError, match=r"silences of \[300\] frames"):
        sounding(recording, RATE, gaps=0)
    with pytest.raises(AssertionError, match="gaps=1"):
        HeardSignal.in_recording(recording).assert_exact(1000, gaps=0)


def test_a_tone_with_a_gap_is_told_where_none_is_allowed() -> None:
    recording = tone(1000, 1, RATE)[:, 0]
    assert tone_quality(recording, RATE)[0] == pytest.approx(1000, rel=0.001)
    recording[20000:20060] = 0
    assert tone_quality(recording, RATE, gaps=1)[0] == pytest.approx(1000, rel=0.001)
    with pytest.raises(AssertionError, match="silences of"):
        tone_quality(recording, RATE, gaps=0)
