"""The bench measures what it claims: vmic and its floor for half a second, on each server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from programs import ROOT
from servers import available_servers

FOLDERS = (ROOT / "tests", ROOT / "tests/support", ROOT / "scripts/python")


def bench(*arguments: str | Path, path: Sequence[Path] = ()) -> subprocess.CompletedProcess[str]:
    """Run the bench, with modules from `path` before any others."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (*path, *FOLDERS)))}
    command = [sys.executable, "-m", "benching", *map(str, arguments)]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.timing
@pytest.mark.either_value("kind")
@pytest.mark.parametrize("kind", available_servers())
def test_every_frame_is_accounted_for(kind: str, tmp_path: Path) -> None:
    numbers, picture = tmp_path / "numbers.json", tmp_path / "picture.png"
    asked = ["--server", kind, "--workload", "idle", "--contestant", "vmic", "floor", "--seconds", "0.5"]
    done = bench(*asked, "--runs", "1", "--json", numbers, "--plot", picture)
    assert done.returncode == 0, done.stderr
    runs = {run["contestant"]: run for run in json.loads(numbers.read_text())["runs"]}
    assert set(runs) == {"vmic", "floor"}
    for contestant, run in runs.items():
        values = run["values"]
        assert values["written"] == 24000
        assert values["repeated"] == 0
        # PipeWire itself loses frames when the machine stands still, and reports it.
        assert values["lost"] == 0 or values["missed_steps"], (contestant, values)
        assert len(run["latencies"]) == 50 or values["lost"]
        assert 0 < values["latency_p50"] <= values["latency_p99"] <= values["latency_max"]
        assert values["cpu"] > 0
    for word in ("vmic, non-blocking", "the floor", "Goals", "frames lost"):
        assert word in done.stdout
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("server", available_servers())
@pytest.mark.either_server
def test_a_burst_costs_what_it_takes_to_be_heard(server: str, tmp_path: Path) -> None:
    numbers = tmp_path / "numbers.json"
    asked = ["--server", server, "--workload", "burst", "--contestant", "vmic", "--runs", "1"]
    done = bench(*asked, "--json", numbers)
    assert done.returncode == 0, done.stderr
    (run,) = json.loads(numbers.read_text())["runs"]
    # The only write returns at once. Until then the server uses 0.1 %, and 4 to 7 while it plays.
    assert run["values"]["server_cpu"] > 1
    assert run["values"]["cpu"] > 0.2


def test_a_contestant_that_cannot_is_told_and_fails_the_bench(tmp_path: Path) -> None:
    (tmp_path / "pasimple.py").write_text("raise ImportError('not here')")
    numbers = tmp_path / "numbers.json"
    asked = ["--server", available_servers()[0], "--workload", "idle", "--contestant", "pasimple"]
    done = bench(*asked, "--seconds", "0.5", "--runs", "1", "--json", numbers, path=[tmp_path])
    assert done.returncode == 1
    assert "FAILED: ended; it said: ImportError: not here" in done.stderr
    (run,) = json.loads(numbers.read_text())["runs"]
    assert "ImportError" in run["error"]
