"""Without --long each value of each parameter runs; with it each combination."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import programs

CONFTEST = """
import parameter_selection, pytest

@pytest.fixture(params=["pulseaudio", "pipewire"])
def server(request): ...

@pytest.fixture(params=["room", "janus"])
def address(request): ...

def pytest_collection_modifyitems(config, items):
    items[:] = parameter_selection.chosen(items, by_name=any("::" in argument for argument in config.args))
"""
TESTS = """
import pytest

@pytest.mark.parametrize("rate", [8000, 48000, 16000])
@pytest.mark.parametrize("load", [print, len])
def test_matrix(server, rate, load): ...

def test_each(server): ...

@pytest.mark.parametrize("rate", [8000, 48000])
@pytest.mark.parametrize("load", [print, len])
def test_without_a_server(rate, load): ...

@pytest.mark.either_server
def test_marked(server): ...

@pytest.mark.either_value("rate")
@pytest.mark.parametrize("rate", [8000, 48000, 16000])
@pytest.mark.parametrize("load", [print, len])
def test_alike(server, rate, load): ...

def test_one_of_three(address, server): ...

@pytest.mark.parametrize("rate", [8000, 48000])
def test_another_of_three(address, rate, server): ...

def test_third_of_three(address): ...

@pytest.mark.long
def test_long(server): ...
"""


def cells(folder: Path, package: str, *, name: str = "") -> list[str]:
    """Return the tests that run, of a file in tests/`package`; all, or those called `name`."""
    (folder / "conftest.py").write_text(CONFTEST)
    path = folder / "tests" / package / "test_it.py"
    path.parent.mkdir(parents=True)
    path.write_text(TESTS)
    test = str(path.relative_to(folder)) + (f"::{name}" if name else "")
    argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--collect-only", "-q", test]
    environment = {**os.environ, "PYTHONPATH": programs.PYTHONPATH}
    run = subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return [line.partition("::")[2] for line in run.stdout.splitlines() if "::" in line]


def test_each_value_runs_on_either_server(tmp_path: Path) -> None:
    names = cells(tmp_path, "microphone")
    matrix = [name for name in names if name.startswith("test_matrix")]
    assert len(matrix) == 3
    assert all(any(value in name for name in matrix) for value in ("8000", "48000", "16000", "print", "len"))
    each = {name for name in names if name.startswith("test_each")}
    assert each == {"test_each[pulseaudio]", "test_each[pipewire]"}
    assert len([name for name in names if name.startswith("test_marked")]) == 1
    alike = [name for name in names if name.startswith("test_alike")]
    assert (
        len(
            {
                rate
                for name in alike
                for rate in ("8000", "48000", "16000")
                if f"-{rate}-" in f"-{name[11:-1]}-"
            }
        )
        == 1
    )
    assert all(any(value in name for name in alike) for value in ("pulseaudio", "pipewire", "print", "len"))


def test_above_the_server_one_of_them_is_enough(tmp_path: Path) -> None:
    names = cells(tmp_path, "cli")
    assert len([name for name in names if name.startswith("test_each")]) == 1
    matrix = [name for name in names if name.startswith("test_matrix")]
    assert len(matrix) == 3
    assert len({"pipewire" in name for name in matrix}) == 1


def test_fixtures_take_turns_above_the_server(tmp_path: Path) -> None:
    names = [name for name in cells(tmp_path, "call") if "of_three" in name]
    assert len(names) == 4
    assert len([name for name in names if name.startswith("test_another")]) == 2
    assert {address for name in names for address in ("room", "janus") if address in name} == {
        "room",
        "janus",
    }
    assert len([name for name in cells(tmp_path, "microphone") if "of_three" in name]) > 4


def test_without_a_server_each_combination_runs(tmp_path: Path) -> None:
    names = cells(tmp_path, "unit")
    assert len([name for name in names if name.startswith("test_without")]) == 4
    assert not any(name.startswith("test_long") for name in names)


def test_what_is_named_runs(tmp_path: Path) -> None:
    assert len(cells(tmp_path, "cli", name="test_each")) == 2
