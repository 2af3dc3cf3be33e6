"""scripts/setup installs what is missing, and notes what the tests must do without."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import programs
import pytest
from programs import ROOT

# Real programs that setup runs; of all others only the fakes below exist.
REAL = ("bash", "cat", "cp", "dirname", "env", "grep", "sed", "sha256sum")
FAKES = {
    "dpkg-query": 'case " $INSTALLED " in *" ${!#} "*) echo "install ok installed" ;; *) exit 1 ;; esac',
    "apt-cache": '[ "$2" = janus ] && [ -z "$HAS_JANUS" ] || echo "Package: $2"',
    "apt-get": 'echo "apt-get $*" >> "$LOG"',
    "python3": "exit 0",  # Python is new enough
    "id": 'echo "$USER_ID"',
    "unshare": 'exit "$UNSHARE"',
}
NO_NAMESPACES = "namespaces: this machine makes no user namespaces (a chroot never does)"
IS_DEBIAN_12 = platform.freedesktop_os_release().get("VERSION_CODENAME") == "bookworm"


class Tree:
    """A tree with a copy of scripts/setup; environment variables describe what the machine has."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.log = root / "log"
        for folder in ("scripts", "native/include", "bin", ".venv/bin"):
            (root / folder).mkdir(parents=True)
        shutil.copy(ROOT / "scripts/setup", root / "scripts")
        shutil.copy(ROOT / "pyproject.toml", root)
        (root / "native/CMakeLists.txt").touch()
        (root / "native/include/vmic.h").touch()
        for name in REAL:
            (root / "bin" / name).symlink_to(str(shutil.which(name)))
        for name, text in FAKES.items():
            self._write(root / "bin" / name, text)
        self._write(root / ".venv/bin/python", "exit 1")
        self._write(root / ".venv/bin/pip", 'echo "pip $CMAKE_ARGS" >> "$LOG"')

    def set_up(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        machine = {"INSTALLED": "", "HAS_JANUS": "", "USER_ID": "0", "UNSHARE": "0", "CI": "", **env}
        return subprocess.run(
            ["bash", str(self.root / "scripts/setup"), *arguments],
            env={"PATH": str(self.root / "bin"), "LOG": str(self.log), **machine},
            capture_output=True,
            text=True,
            check=False,
        )

    def missing(self) -> list[str]:
        return (self.root / ".venv/missing").read_text().split("\n")[:-1]

    def _write(self, path: Path, text: str) -> None:
        path.write_text(f"#!{shutil.which('bash')}\n{text}\n")
        path.chmod(0o755)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def test_what_the_distribution_has_is_installed(tree: Tree) -> None:
    done = tree.set_up("--test", HAS_JANUS="yes")
    assert done.returncode == 0, done.stderr
    update, install, pip = tree.log.read_text().splitlines()
    assert update.startswith("apt-get update")
    assert {"janus", "gcc", "pulseaudio", "pipewire-pulse"} <= set(install.split())
    assert "-DCMAKE_COMPILE_WARNING_AS_ERROR=true" in pip
    assert tree.missing() == [""]


def test_what_the_distribution_and_the_machine_lack_is_noted(tree: Tree) -> None:
    done = tree.set_up("--test", UNSHARE="1")
    assert done.returncode == 0, done.stderr
    install = tree.log.read_text().splitlines()[1]
    assert "gcc" in install.split()
    assert "janus" not in install.split()
    assert tree.missing() == [NO_NAMESPACES, "janus: apt finds no such package"]
    # The demo comes last in scripts/test, and the tests that were left out are reported after it.
    assert tree.set_up().returncode == 0
    assert tree.missing() == [NO_NAMESPACES, "janus: apt finds no such package"]


def test_ci_does_without_nothing_on_debian_12(tree: Tree) -> None:
    done = tree.set_up("--test", CI="true")
    assert done.returncode == (1 if IS_DEBIAN_12 else 0)
    said = "setup: CI on Debian 12 needs janus, but apt finds no such package\n"
    assert (said in done.stderr) == IS_DEBIAN_12


def test_a_compiler_warning_does_not_stop_a_user(tree: Tree) -> None:
    assert tree.set_up().returncode == 0
    assert "-DCMAKE_COMPILE_WARNING_AS_ERROR=false" in tree.log.read_text()


def test_without_root_and_sudo_it_says_what_to_install(tree: Tree) -> None:
    done = tree.set_up(INSTALLED="gcc libpulse-dev", USER_ID="1000")
    assert done.returncode == 1
    *_, last = done.stderr.splitlines()
    command = "setup: apt-get install --no-install-recommends "
    assert last.startswith(f"{command}libc6-dev pkg-config libportaudio2 ")
    assert not tree.log.exists()


TESTS = """
import pytest

@pytest.mark.needs("janus")
def test_marked() -> None:
    pass

@pytest.fixture
def janus() -> None:
    pass

def test_of_a_fixture(janus) -> None:
    pass

def test_without() -> None:
    pass
"""


def test_tests_of_what_is_missing_are_left_out_and_it_is_named(tmp_path: Path) -> None:
    for folder in (".venv", "tests/support"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / ".venv/missing").write_text("janus: apt finds no such package\n")
    shutil.copy(ROOT / "tests/support/needs.py", tmp_path / "tests/support")
    module = tmp_path / "tests/test_some.py"
    module.write_text(TESTS)
    path = f"{tmp_path / 'tests/support'}{os.pathsep}{programs.PYTHONPATH}"
    settings = ["-c", str(ROOT / "pyproject.toml"), f"--rootdir={tmp_path}", "-o", "pythonpath="]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *settings, "-p", "conftest", "-v", str(module)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed, 2 deselected" in done.stdout
    assert "test_without" in done.stdout
    assert "NOT TESTED with janus: apt finds no such package\n" in done.stdout
