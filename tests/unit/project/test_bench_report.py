"""The bench's report of runs whose numbers are known."""

from __future__ import annotations

import math

import pytest
from benching import goals, report, soaking
from benching.contestants import CONTESTANTS
from benching.running import Run
from benching.workloads import WORKLOADS


def run(workload: str, contestant: str, error: str = "", **values: float) -> Run:
    return Run("PulseAudio 16.1", workload, contestant, values, error=error)


def rows(markdown: str) -> dict[str, list[str]]:
    """Return the cells of each line of a table, by the line's first cell."""
    lines = [line.strip("| ").split(" | ") for line in markdown.splitlines() if line.startswith("|")]
    return {line[0]: line[1:] for line in lines}


def test_a_cell_is_the_median_and_the_worst() -> None:
    runs = [run("idle", "vmic", lost=lost) for lost in (0, 3, 1)]
    assert report.Column("lost", "frames lost").cell(runs) == "1 (3)"
    assert report.Column("lost", "frames lost").cell(runs[:1]) == "0"
    assert report.Column("gaps", "gaps").cell(runs) == "-"


@pytest.mark.parametrize("workload", WORKLOADS.values(), ids=WORKLOADS)
def test_each_workload_has_a_table(workload: object) -> None:
    name = getattr(workload, "name", "")
    ours = run(
        name, "vmic", latency_p50=7.25, opened=7.25, cpu=7.25, write_us_p50=7.25, help=7.25, second=7.25
    )
    runs = [ours, run(name, "pacat", error="it is ill")]
    text = report.markdown("a machine", runs)
    assert f"**{name}**" in text
    assert "failed: it is ill" in text
    assert any(cell.startswith("7.2") for cell in text.split("| "))


def test_goals_name_contestants_and_workloads_that_there_are() -> None:
    asked = []

    def pick(workload: str, contestant: str) -> list[Run]:
        asked.append((workload, contestant))
        return [run(workload, contestant)]

    for goal in goals.GOALS:
        assert all(map(math.isnan, goal.of(pick))), goal.what
    for workload, contestant in asked:
        assert contestant in WORKLOADS[workload].contestants
    assert {contestant for _, contestant in asked} <= set(CONTESTANTS)


def test_goals_are_judged_by_the_median_and_lost_frames_by_the_worst() -> None:
    runs = [run("idle", "vmic", latency_p50=p50, latency_p99=11, lost=0, repeated=0) for p50 in (5, 7, 20)]
    runs += [run("idle", "floor", latency_p50=4, latency_p99=10, lost=9, repeated=0)]
    runs += [
        run("busy", "vmic", latency_p99=75, bare_late_max=70, seconds=12, gaps_after=3, lost=0, repeated=1)
    ]
    runs[0].values["missed_steps"] = runs[-1].values["missed_steps"] = 0
    found = rows(goals.markdown(runs))
    assert found["idle, p50 (ms)"][1:] == ["8", "7.00", "20.00", "yes"]
    assert found["idle, p99 (ms)"][1:] == ["10", "11.00", "11.00", "NO"]
    assert found["idle, p50 divided by the floor's"][1:] == ["1.25", "1.75", "5.00", "NO"]
    assert found["busy, vmic, p99 minus L (ms)"][1:] == ["15", "5.00", "5.00", "yes"]
    assert found["busy, vmic, gaps per 10 s after the first 2 s"][1:] == ["1", "3.00", "3.00", "NO"]
    lost = "any workload, frames lost, repeated or out of order"
    assert found[lost][1:] == ["0", "0.00", "1.00", "NO"]


def test_what_a_server_lost_that_missed_a_step_is_told_apart() -> None:
    runs = [run("idle", "vmic", lost=256, repeated=0, missed_steps=1)]
    runs += [run("idle", "vmic", lost=0, repeated=0, missed_steps=0)]
    found = rows(goals.markdown(runs))
    lost = "any workload, frames lost, repeated or out of order"
    assert found[lost][-1] == "NO"
    assert found[f"{lost}, in runs without a missed quantum"][-1] == "yes"


def soak(latency: list[float], memory: list[float]) -> Run:
    """Return a soak whose ten parts have these latencies, and these memories at their ends."""
    result = run("soak", "vmic", seconds=600, gaps=0, lost=0, repeated=0)
    result.latencies = [value for value in latency for _ in range(100)]
    result.memories = [(value, 10.0) for value in memory for _ in range(4)]
    return result


def test_a_soak_is_flat_or_says_what_grew() -> None:
    flat, rising = [8.0] * 10, [8.0 + 0.3 * part for part in range(10)]
    filling = [30.0, *[35.0] * 9]
    assert soaking.growth(soaking.parts(soak(flat, filling))) == []
    assert soaking.growth(soaking.parts(soak(rising, filling))) == ["latency (ms) grew by 2.70"]
    assert soaking.growth(soaking.parts(soak(flat, rising))) == ["memory (MB) grew by 2.40"]
    assert "flat; 0 gaps" in soaking.markdown(soak(flat, filling))
