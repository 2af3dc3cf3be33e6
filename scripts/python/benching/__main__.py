"""Measures vmic, and what one would take instead, on a PulseAudio and a PipeWire of the bench's own.

Each contestant writes numbered frames from a process of its own; another captures them and notes when each
came. The README's tables (Markdown) go to standard output, the progress to standard error.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import random
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from servers import KINDS

from benching import goals, machine, native, plot, report, running, soaking
from benching.contestants import CONTESTANTS
from benching.running import Run
from benching.workloads import SOAK, WORKLOADS, Workload

RUNS = 5
# The time to start and end a server, once a round.
ROUND = 3.0


def main() -> None:
    """Measure and report; exit with an error if a run failed, or if something grew in the soak."""
    options = parse()
    kinds = list(KINDS) if options.server == "both" else [options.server]
    for name in native.PROGRAMS:
        native.program(name)
    runs = [run for path in options.read for run in read(path)]
    tasks = list(plan(kinds, options))
    total = sum(ROUND + sum(workload.estimate for workload, _ in pairs) for _, pairs in tasks)
    tell(f"{sum(len(pairs) for _, pairs in tasks)} runs, about {total / 60:.0f} minutes")
    began = time.monotonic()
    for kind, pairs in tasks:
        for run in go(kind, pairs):
            runs.append(run)
            minutes = (time.monotonic() - began) / 60
            tell(f"{minutes:5.1f} min  {run.server}  {run.workload}  {run.contestant}: {run}")
        # Save after each run, because a measurement may take hours.
        if options.json:
            write(options.json, runs)
    print(whole_report(runs))
    if options.plot:
        plot.draw(runs, options.plot)
    sys.exit(any(run.error or is_growing(run) for run in runs))


def parse() -> argparse.Namespace:
    """Parse the command line."""
    minutes = len(KINDS) * RUNS * sum(w.estimate * len(w.contestants) for w in WORKLOADS.values()) / 60
    parts = "\n".join(f"  {w.name}: {w.what}; {', '.join(w.contestants)}" for w in WORKLOADS.values())
    names = "\n".join(f"  {c.name}: {c.what}" for c in CONTESTANTS.values())
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description=__doc__,
        epilog=f"Without options it takes {minutes:.0f} minutes; --runs 1 a {RUNS}th of that.\n\n"
        f"workloads, and who takes part unless told otherwise:\n{parts}\n\ncontestants:\n{names}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--server", choices=[*KINDS, "both"], default="both")
    parser.add_argument("--workload", nargs="+", choices=WORKLOADS, default=list(WORKLOADS), metavar="NAME")
    parser.add_argument("--contestant", nargs="+", choices=CONTESTANTS, default=[], metavar="NAME")
    parser.add_argument("--runs", type=int, default=RUNS, help=f"of each on each server ({RUNS})")
    parser.add_argument("--seconds", type=float, help="of sound in each run, instead of the workload's own")
    parser.add_argument("--soak", action="store_true", help="ten minutes of vmic on each server, and no more")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every run's numbers there")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw latencies there (PNG)")
    parser.add_argument(
        "--read", type=Path, nargs="+", default=[], metavar="FILE", help="report these (of --json) too"
    )
    return parser.parse_args()


def plan(
    kinds: Sequence[str], options: argparse.Namespace
) -> Iterator[tuple[str, list[tuple[Workload, str]]]]:
    """Yield for each round and server the workloads to run there, each with its contestant."""
    workloads = [SOAK] if options.soak else [WORKLOADS[name] for name in options.workload]
    if options.seconds:
        workloads = [dataclasses.replace(workload, seconds=options.seconds) for workload in workloads]
    for _ in range(1 if options.soak else options.runs):
        for kind in kinds:
            pairs = []
            for workload in workloads:
                contestants = list(options.contestant or workload.contestants)
                # A contestant leaves traces on the server; each time another one should meet them.
                random.shuffle(contestants)
                pairs += [(workload, contestant) for contestant in contestants]
            yield kind, pairs


def go(kind: str, pairs: Sequence[tuple[Workload, str]]) -> Iterator[Run]:
    """Run all pairs on one server; start a new server after a failure, because a failure leaves traces."""
    waiting = list(pairs)
    while waiting:
        with KINDS[kind]() as server:
            name = machine.server_name(server)
            while waiting:
                run = running.run(server, name, *waiting.pop(0))
                yield run
                if run.error:
                    break


def whole_report(runs: Sequence[Run]) -> str:
    """Return the whole report."""
    done = [run for run in runs if run.workload == SOAK.name and not run.error]
    parts = [report.markdown(machine.described(), runs), goals.markdown(runs), *map(soaking.markdown, done)]
    return "\n\n".join(part for part in parts if part)


def is_growing(run: Run) -> bool:
    """Return whether `run` is a soak that is not flat."""
    return run.workload == SOAK.name and not run.error and bool(soaking.growth(soaking.parts(run)))


def write(path: Path, runs: Sequence[Run]) -> None:
    """Save all runs in a file."""
    path.write_text(
        json.dumps({"machine": machine.described(), "runs": [dataclasses.asdict(run) for run in runs]})
    )


def read(path: Path) -> list[Run]:
    """Load the runs of such a file."""
    return [Run(**run) for run in json.loads(path.read_text())["runs"]]


def tell(line: str) -> None:
    """Print a line of progress."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
