"""The picture: for each server and workload, the latency of the frames, by contestant."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.ticker import FuncFormatter

from benching.contestants import CONTESTANTS
from benching.running import Run
from benching.workloads import WORKLOADS

mpl.use("Agg")


def draw(runs: Sequence[Run], path: Path) -> None:
    """Draw a PNG with a panel for each workload (down) and server (across), from all runs together."""
    from matplotlib import pyplot  # noqa: PLC0415  # after the choice of a backend without a screen

    heard = [run for run in runs if run.latencies]
    servers = list(dict.fromkeys(run.server for run in heard))
    workloads = [name for name in WORKLOADS if any(run.workload == name for run in heard)]
    if not heard:
        return
    heights = [1.2 + len(_contestants(heard, name)) for name in workloads]
    figure, axes = pyplot.subplots(
        len(workloads),
        len(servers),
        squeeze=False,
        sharex=True,
        sharey="row",
        figsize=(7 * len(servers) + 1, 0.32 * sum(heights) + 1.2),
        gridspec_kw={"height_ratios": heights},
        layout="constrained",
    )
    for row, workload in enumerate(workloads):
        names = _contestants(heard, workload)
        for column, server in enumerate(servers):
            its = [run for run in heard if (run.server, run.workload) == (server, workload)]
            _panel(axes[row, column], names, its)
            axes[row, column].set_title(f"{workload}, {server}", loc="left", fontsize=10)
    right = axes[0, 0].get_xlim()[1]
    axes[0, 0].set_xlim(right=4 * right)  # room for the words; the panels share the limit
    for axis in axes[-1]:
        axis.set_xlabel("ms from the write to the application: p50, p99, longest")
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _contestants(runs: Sequence[Run], workload: str) -> list[str]:
    there = {run.contestant for run in runs if run.workload == workload}
    return [name for name in CONTESTANTS if name in there]


def _panel(axis: Any, names: Sequence[str], runs: Sequence[Run]) -> None:
    """Draw a line for each contestant from its median to its longest, and describe its failures in words."""
    axis.set_xscale("log")
    axis.grid(axis="x", which="both", alpha=0.25)
    axis.set_yticks(range(len(names)), names)
    axis.set_ylim(len(names) - 0.4, -0.6)
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    for y, name in enumerate(names):
        its = [run for run in runs if run.contestant == name]
        if not its:
            continue
        p50, p99, longest = np.percentile(np.concatenate([run.latencies for run in its]), (50, 99, 100))
        color = "tab:blue" if name.startswith("vmic") else "tab:green" if name == "floor" else "tab:gray"
        axis.plot([p50, p99], [y, y], color=color, linewidth=5, solid_capstyle="butt")
        axis.plot([p99, longest], [y, y], color=color, linewidth=1.2)
        axis.plot([p50], [y], marker="|", markersize=12, color="black")
        wrong = {key: sum(run.values[key] for run in its) for key in ("gaps", "lost", "repeated")}
        words = ", ".join(f"{count:,.0f} {key}" for key, count in wrong.items() if count)
        axis.annotate(words, (longest, y), (5, 0), textcoords="offset points", va="center", fontsize=8)
