"""One wheel serves every Python and uses the machine's libpulse; a build names what it lacks."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from programs import ROOT

# Each flag warns about structures of ours; a user's compiler may warn about anything.
WARNING_FLAGS = "-Wpadded"


def build_wheel(folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    pip = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet", "-w", str(folder), str(ROOT)]
    return subprocess.run(pip, env={**os.environ, **env}, capture_output=True, text=True, check=False)


def configure(folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Let CMake look for the requirements of the build."""
    cmake = ["cmake", "-S", str(ROOT / "native"), "-B", str(folder)]
    return subprocess.run(cmake, env={**os.environ, **env}, capture_output=True, text=True, check=False)


def assert_packages_are_named(failed: subprocess.CompletedProcess[str], what: str) -> None:
    said = failed.stdout + failed.stderr
    assert failed.returncode != 0
    assert f"vmic cannot be built: {what} not found" in said
    assert "apt install gcc libc6-dev pkg-config libpulse-dev python3-dev\n" in said


def test_there_is_one_abi3_wheel_with_the_machines_libpulse(tmp_path: Path) -> None:
    built = build_wheel(tmp_path, CFLAGS=WARNING_FLAGS)
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.iterdir()
    assert "-cp310-abi3-linux" in wheel.name
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extract("vmic/_blocking.abi3.so", tmp_path)
    binaries = [name for name in names if ".so" in name]
    assert sorted(binaries) == ["vmic/_blocking.abi3.so", "vmic/_nonblocking.abi3.so"]
    assert {
        "vmic/py.typed",
        "vmic/_nonblocking.pyi",
        "vmic/pulseaudio/default.pa",
        "vmic/pulseaudio/daemon.conf",
    } <= {*names}
    page = {path.name for path in (ROOT / "vmic/room/page").iterdir()}
    assert {f"vmic/room/page/{name}" for name in page} <= {*names}
    assert not [name for name in names if name.startswith(("tests", "scripts", "native"))]
    dynamic = subprocess.run(
        ["objdump", "-p", tmp_path / "vmic/_blocking.abi3.so"], capture_output=True, text=True, check=True
    ).stdout
    needed = {line.split()[1] for line in dynamic.splitlines() if line.strip().startswith("NEEDED")}
    assert "libpulse-simple.so.0" in needed
    assert not [name for name in needed if name.startswith("libpython")]


@pytest.mark.parametrize(
    ("hidden", "what"),
    [
        ({"CC": "/nonexistent/cc"}, "a working C compiler was"),
        ({"PKG_CONFIG_LIBDIR": "/nonexistent"}, "the headers of libpulse were"),
    ],
    ids=["compiler", "libpulse"],
)
def test_a_build_names_the_packages_that_it_needs(tmp_path: Path, hidden: dict[str, str], what: str) -> None:
    assert_packages_are_named(configure(tmp_path, **hidden), what)


# Through pip: CMake older than 3.26 finds the headers with the help of scikit-build-core.
def test_pip_shows_the_packages_that_a_build_needs(tmp_path: Path) -> None:
    failed = build_wheel(tmp_path, CMAKE_ARGS="-DPython_INCLUDE_DIR=/nonexistent")
    assert_packages_are_named(failed, "the headers of Python 3.10 or newer were")
