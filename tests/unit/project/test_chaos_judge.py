"""The judge of what was heard finds the faults that it must find."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from audio_signals import Samples, ramp_to
from chaos.frames import FOREIGN, PERIOD, frames
from chaos.judge import Verdict, judge

N = 48000
FIRST = 3 * PERIOD - 10000  # so that a period ends within the signal


def judged(recording: Samples, turned: tuple[int, int] | None = None, speaker: int = 1) -> Verdict:
    """Return the verdict on frames that arrived one by one, some of them while the volume was turned."""
    times = np.arange(len(recording), dtype=np.float64)
    return judge(recording, times, speaker, [turned] if turned else [])


def said(first: int = FIRST, count: int = N) -> Samples:
    return frames(1, first, count)


def turn(part: Samples, gain: float | npt.NDArray[np.float64] = 0.3) -> Samples:
    turned: Samples = np.rint(part * gain).astype(np.int16)
    return turned


def test_what_was_said_is_right() -> None:
    silence = np.zeros((5000, 2), np.int16)
    verdict = judged(np.concatenate((silence, said(), silence, said(FIRST + N), silence)))
    assert verdict == Verdict(heard=2 * N, first=FIRST, last=FIRST + 2 * N - 1)


def test_a_ramp_to_what_was_taken_back_is_no_frame() -> None:
    silence = np.zeros((5000, 2), np.int16)
    lone = ramp_to(said(FIRST + N, 1)[0], 48000)
    for part in (lone[:-1], lone[:40], lone[20:-4]):
        verdict = judged(np.concatenate((said(), silence, part, silence)))
        assert (verdict.heard, verdict.altered, verdict.disordered) == (N, 0, [])
    askew = np.concatenate((lone[:30], lone[31:60]))
    assert judged(np.concatenate((said(), silence, askew, silence))).altered > 0


@pytest.mark.parametrize("cut", [5, 40, 71])
def test_a_ramp_that_a_missed_step_cuts_is_no_frame(cut: int) -> None:
    step = np.zeros((256, 2), np.int16)
    up, down = ramp_to(said(count=1)[0], 48000), ramp_to(said(count=N)[-1], 48000)[::-1]
    recording = np.concatenate((step, up[:cut], step, up[cut:], said(), down[:cut], step, down[cut:], step))
    assert judged(recording) == Verdict(heard=N, first=FIRST, last=FIRST + N - 1)


def test_a_ramp_beneath_another_programs_sound_is_no_frame() -> None:
    down = ramp_to(said(count=N)[-1], 48000)[::-1]
    mixed = (down[45:].astype(np.int32) + FOREIGN).astype(np.int16)
    verdict = judged(np.concatenate((said(), down[:45], mixed)))
    assert (verdict.heard, verdict.altered, verdict.disordered) == (N, 0, [])


@pytest.mark.parametrize("channel", [0, 1])
def test_frames_of_one_channel_are_halved(channel: int) -> None:
    halved = said()
    halved[1000:1256, channel] = 0
    verdict = judged(halved)
    assert (verdict.heard, verdict.halved, verdict.altered) == (N - 256, 256, 0)
    assert verdict.skipped == [(FIRST + 1000, FIRST + 1256, 0)]


@pytest.mark.parametrize(("first", "last"), [(FIRST + 1000, FIRST + N + 999), (0, N - 1)])
def test_frames_that_come_again_or_late_are_disordered(first: int, last: int) -> None:
    verdict = judged(np.concatenate((said(), frames(1, first, N))))
    assert (len(verdict.disordered), verdict.last) == (1, last)


def test_frames_that_are_missing_are_skipped() -> None:
    recording = np.concatenate((said(), said(FIRST + N + 256)))
    assert judged(recording).skipped == [(FIRST + N, FIRST + N + 256, 0)]


def test_another_speakers_frames_are_altered() -> None:
    assert judged(np.concatenate((said(), frames(0, 0, 7)))).altered == 7


@pytest.mark.parametrize("gain", [0.3, 1.2])
def test_another_program_is_foreign_at_any_volume_and_in_a_mix(gain: float) -> None:
    foreign = turn(np.full((240, 2), FOREIGN), gain if gain < 1 else 1)
    mix = (turn(said(count=240), gain).astype(np.int32) + FOREIGN).astype(np.int16)
    verdict = judged(np.concatenate((said(), foreign, np.zeros((N, 2), np.int16), mix)))
    assert [(count, origin) for _, count, origin in verdict.foreign] == [(240, "a foreign stream")] * 2
    assert verdict.heard == N


@pytest.mark.parametrize("gain", [0.3, 0.7, 1.2, np.linspace(1, 0.3, N)[:, None]])
def test_turned_frames_are_right_when_in_order(gain: float | npt.NDArray[np.float64]) -> None:
    recording = np.concatenate((said(), turn(said(FIRST + N), gain), said(FIRST + 2 * N)))
    verdict = judged(recording, (N, 2 * N - 1))
    assert (verdict.heard, verdict.turned) == (2 * N, N)
    assert (verdict.altered, verdict.disordered, verdict.skipped) == (0, [], [])


def test_turned_frames_that_come_again_or_are_missing_are_found() -> None:
    turned = turn(said(FIRST + N))
    again = np.concatenate((said(), turned[:30000], turned[29000:], said(FIRST + 2 * N)))
    assert len(judged(again, (N, 2 * N + 999)).disordered) == 1
    less = np.concatenate((said(), turned[:30000], turned[31000:], said(FIRST + 2 * N)))
    ((begin, end, came),) = judged(less, (N, 2 * N - 1001)).skipped
    assert end - begin - came == 1000
    outside = judged(np.concatenate((said(), turned)), (0, 1))
    assert outside.altered + len(outside.disordered) > 0


def test_leaps_forwards_among_turned_frames_are_not_taken_for_backwards() -> None:
    # Each leap is longer than half a period, so a single frame of it proves nothing.
    turned = [turn(said(FIRST + N + leap * 12000)) for leap in range(4)]
    leaping = np.concatenate((said(), *(part[:3000] for part in turned), said(FIRST + 4 * N)))
    verdict = judged(leaping, (N, N + 4 * 3000 - 1))
    assert verdict.disordered == []
    assert len(verdict.skipped) == 1
