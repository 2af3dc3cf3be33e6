"""Tests that the machine disturbed are listed for another run; any other failure still fails the first."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import programs
import pytest

PASSES = "def test_passes(): pass\n"
DISTURBED = (
    "import machine_stalls\ndef test_disturbed(): raise machine_stalls.MachineStoodStillError('3 ms')\n"
)
FAILS = "def test_fails(): raise AssertionError('not 3')\n"


@pytest.mark.parametrize(
    ("body", "code", "deferred"),
    [
        (PASSES, 0, ""),
        (PASSES + DISTURBED, 0, "test_it.py::test_disturbed\n"),
        (DISTURBED + FAILS, 1, "test_it.py::test_disturbed\n"),
    ],
    ids=["passes", "disturbed", "fails"],
)
def test_only_what_the_machine_disturbed_is_left_to_another_run(
    tmp_path: Path, body: str, code: int, deferred: str
) -> None:
    (tmp_path / "conftest.py").write_text(
        "import pathlib\nfrom deferral import Deferral\n"
        "def pytest_configure(config):\n"
        "    config.pluginmanager.register(Deferral(pathlib.Path('deferred')))\n"
    )
    (tmp_path / "test_it.py").write_text(body)
    argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "test_it.py"]
    environment = {**os.environ, "PYTHONPATH": programs.PYTHONPATH}
    run = subprocess.run(argv, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == code, run.stdout
    assert (tmp_path / "deferred").read_text() == deferred
