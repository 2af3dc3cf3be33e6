"""Random actions on each server, and what was heard meanwhile."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import programs
import pytest
from chaos.frames import SAMPLE_RATE
from chaos.judge import Verdict, judge
from chaos.random_actions import Chaos, ChaosLog, WriterReport
from servers import SoundServer

pytestmark = pytest.mark.timing
# How many foreign frames may be heard when another program plays into a microphone, or removes half of it, on
# a busy machine, as this one is meanwhile. The most measured were 85 ms.
LET_IN = 48000 // 2
# The heard count that `flush` returns is exact to some frames when the server is just consuming frames.
FLUSHES_WITHIN = 48
BACK_WITHIN = 3.0
# The least part of the recorded time, without `MAY_BE_SILENT`, in which the writer is heard. It pauses, and
# at the ends of some recordings the server is away: 0.2 to 0.9 were measured.
LEAST_HEARD = 0.1
# A second for the starts of recordings, and the longest pause of a writer.
MAY_BE_SILENT = 1 + 2
# For how many seconds after a volume change frames may still have another volume.
SETTLES = 0.05


@dataclass(frozen=True)
class JudgedRecording:
    """What one listener heard, and from when until when it recorded."""

    since: float
    until: float
    verdict: Verdict


@pytest.mark.guarantee("chaos")
@pytest.mark.timeout(1200)
def test_whatever_happens_only_the_writer_is_heard(
    request: pytest.FixtureRequest, server: SoundServer, record_property: Callable[[str, object], None]
) -> None:
    server.was_frozen = True  # missed steps excuse no failure, but they are counted
    option = request.config.getoption
    seed = random.SystemRandom().getrandbits(32)
    with Chaos(server, seed) as chaos:
        chaos.go_on(option("--chaos") or (30 if option("--long") else 6))
        said = chaos.end()
    log = chaos.log
    wrong = [f"seed {seed}"]
    totals: Counter[str] = Counter()
    longest = 0
    for writer, its in enumerate(said):
        recordings = recordings_of(chaos, writer)
        totals.update(summary(its, recordings))
        longest = max([longest, *(count for h in recordings for _, count, _ in h.verdict.foreign)])
        wrong += [f"writer {writer}: {what}" for what in faults(server, its, recordings, log)]
    slow = [seconds for seconds in log.backs if seconds > BACK_WITHIN]
    wrong += [f"back only after {slow} s"] if slow else []
    wrong += [f"left behind: {what}" for what in left_behind(server)]
    for name, value in totals.items():
        record_property(name, value)
    record_property("longest burst of foreign frames", longest)
    record_property("random actions", len(log.deeds))
    record_property("foreign streams put on a microphone", log.foreign_streams)
    record_property("server restarts", len(log.backs))
    record_property("crashes of the server by its own fault", log.breaks)
    record_property("back after at most (s)", round(max(log.backs, default=0), 2))
    assert wrong[1:] == [], "\n".join(wrong)


def recordings_of(chaos: Chaos, writer: int) -> list[JudgedRecording]:
    turnings = [(begin, end + SETTLES) for begin, end in chaos.log.turnings[writer]]
    return [
        JudgedRecording(
            listener.since, listener.until, judge(listener.frames(), listener.times(), writer, turnings)
        )
        for whose, listener in chaos.listeners
        if whose == writer
    ]


def summary(said: WriterReport, recordings: list[JudgedRecording]) -> dict[str, int]:
    verdicts = [recording.verdict for recording in recordings]
    return {
        "frames written": said.stats["frames_written"],
        "frames dropped by flush": said.stats["dropped"],
        "frames lost and counted": said.stats["lost"],
        "reconnects": said.stats["reconnects"],
        "foreign streams counted": said.stats["foreign_streams"],
        "recordings": len(verdicts),
        "frames heard": sum(v.heard for v in verdicts),
        "frames heard while the volume was changed": sum(v.turned for v in verdicts),
        "foreign frames": sum(count for v in verdicts for _, count, _ in v.foreign),
        "frames with one channel missing": sum(v.halved for v in verdicts),
        "frames altered, repeated or out of order": sum(v.altered + len(v.disordered) for v in verdicts),
        "frames missing": missing(verdicts, said),
    }


def faults(
    server: SoundServer, said: WriterReport, recordings: list[JudgedRecording], log: ChaosLog
) -> Iterator[str]:
    """Yield a description of each broken promise."""
    yield from chain.from_iterable(faults_of_one(server, h.verdict, log) for h in recordings)
    for earlier in recordings:
        for later in recordings:
            last, first = earlier.verdict.last, later.verdict.first
            if earlier.until <= later.since and last is not None and first is not None and first <= last:
                yield f"{first} was heard after {last}"
    skipped = missing([recording.verdict for recording in recordings], said)
    if skipped > said.stats["lost"] + 256 * server.steps_missed:
        yield f"{skipped} frames are missing, and {said.stats['lost']} were counted as lost"
    recorded = sum(recording.until - recording.since for recording in recordings)
    heard = sum(recording.verdict.heard for recording in recordings) / SAMPLE_RATE
    if heard < LEAST_HEARD * (recorded - MAY_BE_SILENT):
        yield f"only {heard:.1f} of {recorded:.1f} recorded seconds were heard"


def faults_of_one(server: SoundServer, verdict: Verdict, log: ChaosLog) -> Iterator[str]:
    if verdict.altered:
        yield f"{verdict.altered} frames altered"
    for when in verdict.disordered:
        yield f"disordered, after: {'; '.join(log.before(when))}"
    if verdict.halved and server.kind == "pulseaudio":
        yield f"one channel of {verdict.halved} frames"
    for when, count, origin in verdict.foreign:
        if count > LET_IN:
            yield f"{count} frames of {origin}, after: {'; '.join(log.before(when))}"


def missing(verdicts: Sequence[Verdict], said: WriterReport) -> int:
    """Return how many frames a listener did not hear although the writer did not drop them."""
    known: set[int] = set()
    # Where it is not known which frames are missing, two listeners may miss the same ones.
    unknown = 0
    for verdict in verdicts:
        its_unknown = 0
        for begin, end, came in verdict.skipped:
            skipped = set(range(begin, end))
            for first, last in said.dropped:
                skipped.difference_update(range(first - FLUSHES_WITHIN, last + FLUSHES_WITHIN))
            if came:
                its_unknown += max(0, len(skipped) - came)
            else:
                known |= skipped
        unknown = max(unknown, its_unknown)
    return len(known) + unknown


def left_behind(server: SoundServer) -> list[str]:
    """Return the devices that are left, and wait until every process except the servers has exited."""
    with server.client() as pulse:
        found = [d.name for d in (*pulse.sink_list(), *pulse.source_list()) if "mic-" in d.name]
    servers = {process.pid for process in server.processes.values()}
    its_own = f"XDG_RUNTIME_DIR={server.env['XDG_RUNTIME_DIR']}"
    programs.await_that(lambda: programs.with_setting(its_own) <= servers, "every process has ended", 10)
    return found
