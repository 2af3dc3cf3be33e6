"""Runs every test that proves a guarantee, again and again, and prints what came of each."""

from __future__ import annotations

import argparse
import contextlib
import statistics
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from numbers import Real

import pytest


@dataclass
class Outcome:
    """The results of one guarantee's tests.

    Attributes:
        ends: How often they passed, failed, or were run again because the machine had stood still.
        numbers: What they measured, by name.
    """

    ends: Counter[str] = field(default_factory=Counter)
    numbers: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def row(self) -> str:
        """Return two cells of a table."""
        ends = ", ".join(f"{count:,} {end}" for end, count in sorted(self.ends.items(), reverse=True))
        return f"{ends} | {'; '.join(described(*number) for number in sorted(self.numbers.items()))}"


def described(name: str, values: list[float]) -> str:
    """Describe the numbers of one kind in words."""
    if all(isinstance(value, int) for value in values):
        zeros = sum(value == 0 for value in values)
        return f"{name}: total {sum(values):,}, maximum {max(values):,}, zero in {zeros:,} of {len(values):,}"
    return f"{name}: median {statistics.median(values):g}, maximum {max(values):g} ({len(values):,} values)"


class Collector:
    """Collects pytest's reports."""

    def __init__(self) -> None:
        self.outcomes: dict[str, Outcome] = defaultdict(Outcome)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count the end of one part of a test."""
        guarantee = dict(report.user_properties).get("guarantee")
        if guarantee is None or (report.when != "call" and report.passed):
            return
        outcome = self.outcomes[str(guarantee)]
        # pytest-rerunfailures adds an outcome of its own: the server had missed a quantum.
        end: str = report.outcome
        outcome.ends["repeated" if end == "rerun" else end] += 1
        if report.passed:
            for name, value in report.user_properties:
                if isinstance(value, Real):
                    outcome.numbers[_place(report.nodeid, name)].append(value)  # type: ignore[arg-type]


def _place(test: str, name: str) -> str:
    server = "PipeWire" if "pipewire" in test else "PulseAudio"
    return f"{name}, {server}{' busy' if 'busy' in test else ''}"


def main() -> int:
    """Run the tests as scripts/test does, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1, help="how often to run all of them")
    parser.add_argument("--chaos", type=float, default=30, help="seconds of chaos on each server")
    options = parser.parse_args()
    collector = Collector()
    with contextlib.redirect_stdout(sys.stderr):
        codes = [pytest.main(arguments, [collector]) for arguments in _runs(options.runs, options.chaos)]
    print("| guarantee | tests | measured |\n| --- | --- | --- |")
    for guarantee, outcome in sorted(collector.outcomes.items()):
        print(f"| {guarantee} | {outcome.row()} |")
    return max(codes)


def _runs(count: int, chaos: float) -> Iterator[list[str]]:
    common = ["-q", "--long", "-p", "no:cacheprovider", f"--chaos={chaos:g}", "tests"]
    for _ in range(count):
        yield ["-n", "2", "-m", "guarantee and not timing", *common]
        yield ["-m", "guarantee and timing", *common]


if __name__ == "__main__":
    sys.exit(main())
