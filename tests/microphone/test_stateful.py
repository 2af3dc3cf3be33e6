"""Writes, flushes, drains and pauses in any order, and then close, against a model of what was written."""

from __future__ import annotations

import threading

import numpy as np
import numpy.typing as npt
import pytest
from audio_signals import ANY, Samples, numbered, ramp_to, sounding
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from recording import Recorder
from servers import SoundServer

import vmic

# LONGEST is more than the servers hold. Both are so small that no number comes twice in an example.
LONGEST, STEPS = 4800, 12
# How inexact the end of a flush is: see test_flush_tells_what_was_heard_and_what_was_dropped.
INEXACT = 4800
# How many frames a flush may take back from the server after a completion has counted them as consumed.
IN_SERVER = 4800
# How many frames two ramps may have in common.
ALIKE = 8


class Conversation(RuleBasedStateMachine):
    """One microphone, recorded from its first frame to its end."""

    server: SoundServer

    def __init__(self) -> None:
        super().__init__()
        self.microphone: vmic.VirtualMicrophoneDevice | None = None
        self.writes: list[int] = []
        self.counts: list[int] = []
        self.flushes: list[tuple[int, int]] = []  # frames written before it, and dropped by it
        self.before: vmic.MicrophoneStats | None = None

    @property
    def written(self) -> int:
        return sum(self.writes)

    @property
    def dropped(self) -> int:
        return sum(dropped for _, dropped in self.flushes)

    @initialize(non_blocking=st.booleans())
    def create(self, non_blocking: bool) -> None:
        self.steps_missed = self.server.steps_missed
        self.microphone = vmic.create_microphone_device("mic", 48000, non_blocking=non_blocking)
        self.recorder = Recorder(self.server, self.microphone)
        self.recorder.await_first_frame()

    @rule(count=st.integers(0, LONGEST))
    def write(self, count: int) -> None:
        assert self.microphone
        accepted = self.microphone.write_frames(numbered(count, first=self.written), self.counts.append)
        assert accepted == count
        self.writes.append(count)

    @rule()
    def flush(self) -> None:
        assert self.microphone
        unheard = self.microphone.stats.queued
        # The frames of a fade do not count as written frames.
        heard, dropped = self.microphone.flush(fade_ms=0)
        assert dropped <= unheard
        assert heard + dropped <= self.written - sum(before for before, _ in self.flushes[-1:])
        self.flushes.append((self.written, dropped))

    @rule()
    def drain(self) -> None:
        assert self.microphone
        self.microphone.drain()
        assert self.microphone.stats.queued == 0

    @rule(milliseconds=st.integers(1, 60))
    def pause(self, milliseconds: int) -> None:
        threading.Event().wait(milliseconds / 1000)

    @invariant()
    def the_books_balance(self) -> None:
        if self.microphone is None:
            return
        s = self.microphone.stats
        assert s.frames_written == s.heard + s.dropped + s.lost + s.trimmed + s.queued == self.written
        assert (s.dropped, s.lost, s.reconnects) == (self.dropped, 0, 0)
        if self.before is not None:
            assert s.heard >= self.before.heard
            assert s.underruns >= self.before.underruns
        self.before = s
        assert len(self.counts) <= len(self.writes)

    def teardown(self) -> None:
        if self.microphone is None:
            return
        try:
            self.microphone.close()
            self.check_end(self.microphone)
            recording = self.recorder.await_end()
        finally:
            self.recorder.kill()
        # When PipeWire misses a step, it loses the frames in transit and logs the step.
        if self.server.steps_missed == self.steps_missed:
            self.check_recording(recording)

    def check_end(self, microphone: vmic.VirtualMicrophoneDevice) -> None:
        self.the_books_balance()
        assert microphone.stats.queued == 0
        with pytest.raises(vmic.ClosedError):
            microphone.write_frames(b"")
        assert len(self.counts) == len(self.writes)
        assert all(count <= length for count, length in zip(self.counts, self.writes, strict=True))
        taken_back = sum(self.counts) - microphone.stats.heard
        assert 0 <= taken_back <= IN_SERVER * len(self.flushes)

    def check_recording(self, recording: Samples) -> None:
        """Assert that all written frames are there in order, except those that a flush dropped."""
        numbers = (sounding(recording, gaps=ANY)[:, 0].view(np.uint16) - 1).tolist()
        start = at = 0
        for end, dropped, inexact in [*((*flush, INEXACT) for flush in self.flushes), (self.written, 0, 0)]:
            heard = 0
            while at < len(numbers) and numbers[at] == start + heard < end:
                heard, at = heard + 1, at + 1
            amiss = abs(end - start - dropped - heard)
            assert amiss <= inexact, (start, end, dropped, heard, f"then came {numbers[at : at + 100]}")
            if inexact:
                at += cut_ramp(numbers[at:], start + heard)
            start = end
        assert at == len(numbers), (at, len(numbers))


def cut_ramp(numbers: list[int], to: int) -> int:
    """Return how many of the first frames belong to a ramp up to frame `to`, or down from the one before it.

    A flush took the rest of the ramp back, and `to` with it. All ramps up begin alike. The first frames of
    this ramp may therefore have been counted for the ramp that the flush before it took back.
    """
    up, down = (ramp_to(numbered(1, first=frame)[0], 48000)[:, 0].view(np.uint16) for frame in (to, to - 1))
    up = up[up != 0]
    return max(*(alike(numbers, up[taken:]) for taken in range(ALIKE)), alike(numbers, down[::-1]))


def alike(numbers: list[int], samples: npt.NDArray[np.uint16]) -> int:
    """Return how many of the first frames have the numbers of these samples."""
    count = 0
    while count < min(len(samples), len(numbers)) and numbers[count] == int(samples[count]) - 1:
        count += 1
    return count


@pytest.mark.timeout(3600)
def test_what_was_written_and_not_dropped_is_heard(server: SoundServer) -> None:
    class OnServer(Conversation):
        pass

    OnServer.server = server
    run_state_machine_as_test(
        OnServer,
        settings=settings(
            max_examples=settings().max_examples // 8,
            stateful_step_count=STEPS,
            deadline=None,
            # An example takes a second, so the first failing example is shown without shrinking.
            phases=[Phase.reuse, Phase.generate],
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
