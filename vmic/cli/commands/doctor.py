"""The command doctor: what is wrong, and what to do about it."""

from __future__ import annotations

import dataclasses
import json
import sys
from importlib.util import find_spec

import click

import vmic
from vmic.cli.system.doctor_checks import Finding, all_of_them, facts
from vmic.cli.system.loopback_trial import LoopbackResult

_SIGNS = {"good": ("✓", "green"), "note": ("·", "cyan"), "bad": ("✗", "red")}


@click.command(epilog="Example: vmic doctor --json > report.json")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs and bug reports.")
@click.option(
    "--plot",
    type=click.Path(dir_okay=False, writable=True),
    metavar="FILE.png",
    help="Save a plot of the latency distribution. Needs matplotlib.",
)
def doctor(as_json: bool, plot: str | None) -> None:
    """Find problems with microphones, and suggest remedies.

    The command creates a microphone, writes to it and records it. The exit code is 1 if it finds a problem.
    """
    if plot is not None and find_spec("matplotlib") is None:
        raise vmic.VmicError("--plot needs matplotlib (pip install matplotlib)")
    trials: list[LoopbackResult] = []
    findings = []
    if not as_json:
        click.echo("".join(f"{name}: {fact}\n" for name, fact in facts().items()))
    for finding in all_of_them(trials.append):
        findings.append(finding)
        if not as_json:
            _show(finding)
    if as_json:
        latencies = [round(1000 * latency, 3) for heard in trials for latency in heard.latencies]
        found = [dataclasses.asdict(finding) for finding in findings]
        click.echo(json.dumps({**facts(), "findings": found, "latencies_ms": latencies}, indent=2))
    if plot is not None and trials:
        _draw(trials[0], plot)
    if any(finding.kind == "bad" for finding in findings):
        sys.exit(1)


def _show(finding: Finding) -> None:
    sign, colour = _SIGNS[finding.kind]
    click.echo(click.style(sign, fg=colour) + f" {finding.what}")
    if finding.cure:
        click.echo(f"    {finding.cure}")


def _draw(heard: LoopbackResult, path: str) -> None:
    import matplotlib as mpl  # noqa: PLC0415

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figure, axes = plt.subplots(figsize=(7, 3.5), layout="constrained")
    axes.hist([1000 * latency for latency in heard.latencies], bins=30)
    axes.set_xlabel("ms from a write to the arrival of its first frame")
    axes.set_ylabel("writes")
    axes.set_title(f"{len(heard.latencies)} writes of 10 ms, heard by parec")
    figure.savefig(path, dpi=120)
