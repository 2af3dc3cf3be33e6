"""Importing vmic does no work, needs only libpulse, and reports where that is missing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest
from programs import ROOT

NOWHERE = {**os.environ, "PULSE_SERVER": "unix:/nonexistent"}

WATCHED_IMPORT = """
import json, os, sys, threading

def sockets():
    links = (os.path.join("/proc/self/fd", fd) for fd in os.listdir("/proc/self/fd"))
    return sum(os.readlink(link).startswith("socket:") for link in links if os.path.islink(link))

events = []
sys.addaudithook(lambda event, _: events.append(event))
before = sockets()
from vmic import *
doings = ("socket.", "subprocess.", "os.fork", "os.posix_spawn", "os.exec", "os.system", "os.putenv")
print(json.dumps({
    "sockets": sockets() - before,
    "threads": [thread.name for thread in threading.enumerate()],
    "native threads": len(os.listdir("/proc/self/task")),
    "events": sorted({event for event in events if event.startswith(doings)}),
    "modules": sorted({name.partition(".")[0] for name in sys.modules}),
}))
"""


@pytest.fixture(scope="module")
def imported() -> dict[str, Any]:
    """Return the state of a process that imports vmic, and what it has done."""
    out = subprocess.run(
        [sys.executable, "-c", WATCHED_IMPORT], env=NOWHERE, stdout=subprocess.PIPE, check=True, timeout=30
    )
    return dict(json.loads(out.stdout))


def test_import_starts_and_opens_nothing(imported: dict[str, Any]) -> None:
    assert imported["threads"] == ["MainThread"]
    assert imported["native threads"] == 1
    assert imported["sockets"] == 0
    assert imported["events"] == []


def test_import_leaves_out_what_only_the_command_or_an_array_needs(imported: dict[str, Any]) -> None:
    assert "pulsectl" in imported["modules"]
    heavy = {"click", "rich", "soundfile", "soxr", "sounddevice", "numpy", "asyncio"}
    assert heavy.isdisjoint(imported["modules"])


LATER = """
import sys, vmic
# What a program registers at its exit after this runs before vmic's own.
print("vmic._atexit" in sys.modules, "pulsectl" in sys.modules)
from vmic import _errors
print(_errors.DeviceError.__module__)
"""


def test_what_cannot_wait_for_the_first_use_does_not() -> None:
    argv = [sys.executable, "-c", LATER]
    out = subprocess.run(argv, env=NOWHERE, stdout=subprocess.PIPE, check=True, text=True)
    assert out.stdout.split() == ["True", "False", "vmic"]


@pytest.fixture(scope="module")
def hiding(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build an auditor for the dynamic loader, which hides a library from one process."""
    library = tmp_path_factory.mktemp("hiding") / "hide_library.so"
    source = Path(__file__).with_name("hide_library.c")
    compiler = shutil.which("cc") or "gcc"
    subprocess.run([compiler, "-Wall", "-Werror", "-shared", "-fPIC", "-o", library, source], check=True)
    return library


def import_without(hiding: Path, library: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from vmic import *"],
        env={**NOWHERE, "LD_AUDIT": str(hiding), "HIDDEN_LIBRARY": library},
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=30,
    )


# pulsectl loads the first library, the native module the second; one package contains both.
@pytest.mark.parametrize("library", ["libpulse.so.0", "libpulse-simple.so.0"])
def test_a_missing_libpulse_is_named_with_its_package(hiding: Path, library: str) -> None:
    run = import_without(hiding, library)
    last = run.stderr.splitlines()[-1]
    assert last.startswith("ImportError: cannot load the PulseAudio client library (")
    assert f"({library}: cannot open shared object file" in last
    assert "apt install libpulse0 (Debian" in last
    assert run.returncode == 1


def test_nothing_is_missed_with_libpulse(hiding: Path) -> None:
    assert (import_without(hiding, "libpulse-of-nobody").stderr) == ""


BROKEN = """
import sys
sys.modules["pulsectl"] = None  # as if it were not installed
from vmic import *
"""


def test_another_missing_module_is_not_taken_for_libpulse() -> None:
    run = subprocess.run(
        [sys.executable, "-c", BROKEN],
        env=NOWHERE,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=30,
    )
    assert "pulsectl" in run.stderr.splitlines()[-1]
    assert "libpulse0" not in run.stderr


def test_source_that_is_not_installed_says_how_to_install_it(tmp_path: Path) -> None:
    # As in a clone: the folder in which Python starts comes before the installed packages.
    source = tmp_path / "vmic"
    shutil.copytree(ROOT / "vmic", source, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    # Without site, the packages are there as an install leaves them, but an editable vmic is not.
    run = subprocess.run(
        [sys.executable, "-S", "-c", "from vmic import *"],
        cwd=tmp_path,
        env={**NOWHERE, "PYTHONPATH": sysconfig.get_path("purelib")},
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=30,
    )
    last = run.stderr.splitlines()[-1]
    assert last.startswith("ImportError: vmic._blocking not found: ")
    assert f"{source} contains the source of vmic" in last
    assert f"pip install -e {tmp_path})" in last
