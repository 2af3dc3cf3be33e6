"""The bench's measurements of recordings whose faults are known."""

from __future__ import annotations

import numpy as np
import pytest
from audio_signals import PERIOD, Samples, numbered
from benching.measuring import Capture, data_frames, frames_missing, gaps, judge, latencies, unwrapped

CHUNK = 480
FRAGMENT = 240


def silence(frames: int) -> Samples:
    return np.zeros((frames, 1), np.int16)


def captured(*parts: Samples) -> Capture:
    """Return a capture of `parts`, of which a 5 ms fragment arrives every 5 ms from time 100 on."""
    recording = np.concatenate(parts)
    ends = np.arange(FRAGMENT, len(recording) + FRAGMENT, FRAGMENT).clip(max=len(recording))
    return Capture(recording, ends, 100 + ends / 48000)


def calls(chunks: int, begin: float = 100) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return begin + np.arange(chunks) / 100


def test_a_number_is_told_after_the_period() -> None:
    count = 3 * PERIOD + 17
    _, numbers = data_frames(numbered(count))
    assert np.array_equal(numbers, np.arange(count))


def test_unwrapping_follows_losses_and_steps_back_across_the_period() -> None:
    true = np.array([PERIOD - 2, PERIOD - 1, PERIOD + 3, PERIOD + 30000, PERIOD + 29990, 2 * PERIOD - 5000])
    assert np.array_equal(unwrapped(true % PERIOD), true)
    assert len(unwrapped(np.array([], np.int64))) == 0


def test_latency_is_from_the_call_to_the_fragment_with_the_first_frame() -> None:
    # The signal is 100 frames late: each chunk begins within a fragment, which ends 140 frames later.
    waits = latencies(captured(silence(100), numbered(4800)), calls(10), CHUNK)
    assert waits == pytest.approx([FRAGMENT / 48000] * 10)


def test_latency_of_the_others_is_known_when_frames_are_missing() -> None:
    signal = numbered(100 * CHUNK)
    # Chunk 3 lacks its first frames, chunk 5 is missing, and chunk 7 follows a silence of 10 ms.
    parts = [signal[: 3 * CHUNK], silence(7), signal[3 * CHUNK + 7 : 5 * CHUNK], silence(CHUNK)]
    parts += [signal[6 * CHUNK : 7 * CHUNK], silence(CHUNK), signal[7 * CHUNK :]]
    waits = latencies(captured(*parts), calls(100), CHUNK)
    assert np.flatnonzero(np.isnan(waits)).tolist() == [3, 5]
    assert waits[[0, 1, 2, 4, 6]] == pytest.approx(FRAGMENT / 48000)
    assert waits[7:] == pytest.approx(FRAGMENT / 48000 + 0.010)


def test_a_chunk_that_comes_twice_counts_when_it_came_first() -> None:
    signal = numbered(10 * CHUNK)
    twice = captured(signal[: 4 * CHUNK], signal[2 * CHUNK :])
    assert latencies(twice, calls(4), CHUNK) == pytest.approx([FRAGMENT / 48000] * 4)


def test_chunks_after_the_end_of_the_recording_have_no_latency() -> None:
    waits = latencies(captured(numbered(3 * CHUNK)), calls(5), CHUNK)
    assert np.isnan(waits).tolist() == [False] * 3 + [True] * 2
    assert np.isnan(latencies(captured(silence(1000)), calls(5), CHUNK)).all()


def test_gaps_are_placed_and_measured() -> None:
    signal = numbered(48000)
    begins, lengths = gaps(
        captured(
            silence(99), signal[:480], silence(48), signal[480:24000], silence(480), signal[24000:]
        ).recording
    )
    assert begins == pytest.approx([0.010, 0.5])
    assert lengths == pytest.approx([0.001, 0.010])


def test_missing_frames_are_counted_at_both_ends_and_between() -> None:
    signal = numbered(100000)
    recording = np.concatenate([signal[5:40000], signal[39990:70000], signal[70003:99999]])
    assert frames_missing(recording, 100000) == 5 + 3 + 1
    assert frames_missing(silence(10), 7) == 7


def test_a_run_is_judged_over_all_its_microphones() -> None:
    signal = numbered(3 * 48000)
    whole = captured(signal, silence(480))
    broken = captured(
        signal[:4800], silence(48), signal[4800:120000], silence(240), signal[120000:130000], signal[130010:]
    )
    numbers = judge([whole, broken], np.stack([calls(300)] * 2, axis=1), CHUNK)
    assert numbers["latency_p50"] == pytest.approx(5)
    assert numbers["latency_max"] == pytest.approx(10)
    expected = {"gaps": 2, "gaps_first": 1, "gaps_after": 1, "lost": 10, "repeated": 0, "written": 288000}
    assert {name: numbers[name] for name in expected} == expected
    assert numbers["gap_ms"] == pytest.approx(6)


def test_what_comes_twice_is_repeated_and_not_lost() -> None:
    signal = numbered(4800)
    numbers = judge([captured(signal[:480], signal[240:])], calls(10)[:, None], CHUNK)
    assert (numbers["repeated"], numbers["lost"], numbers["gaps"]) == (1, 0, 0)


def test_nothing_heard_is_all_lost() -> None:
    numbers = judge([captured(silence(4800))], calls(10)[:, None], CHUNK)
    assert numbers["lost"] == numbers["written"] == 4800
    assert np.isnan(numbers["latency_p50"])
