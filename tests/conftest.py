"""The fixtures: a sound server of each kind, and programs that record from it."""

from __future__ import annotations

import os
import subprocess
import warnings
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import programs
import pytest
from hypothesis import settings
from recording import Recorder
from servers import KINDS, SoundServer

import vmic

ROOT = Path(__file__).parent.parent
settings.register_profile("long", max_examples=2000)


def available_servers() -> list[str]:
    """Both, but on a machine where one would have replaced the user's own (see scripts/setup)."""
    note = ROOT / ".venv" / "missing-servers"
    missing = note.read_text().split() if note.exists() else []
    if missing and os.environ.get("CI") == "true":
        raise RuntimeError(f"CI tests on both servers, and these are missing: {missing}")
    return [kind for kind in KINDS if kind not in missing]


class MachineStoodStillError(Exception):
    """What a test saw may be the machine's doing: it is run again (see addopts in pyproject.toml)."""


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Iterator[None]:
    """Tell a failure that the server itself explains from one of ours."""
    try:
        return (yield)
    except AssertionError as error:
        server = pyfuncitem.funcargs.get("server")
        if isinstance(server, SoundServer) and server.steps_missed and not server.was_hurt:
            raise MachineStoodStillError(f"the server missed a step meanwhile; {error}") from error
        raise


@pytest.fixture(params=available_servers())
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoundServer]:
    """A sound server of the test's own, which the environment leads to."""
    with KINDS[request.param]() as running:
        running.adopt(monkeypatch)
        running.assert_identity()
        yield running
        running.assert_identity()


@pytest.fixture(autouse=True)
def no_server_of_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that asks for no server reaches none."""
    monkeypatch.setenv("PULSE_SERVER", "unix:/nonexistent")
    monkeypatch.setenv("VMIC_AUTOSTART", "0")


@pytest.fixture
def record(server: SoundServer) -> Iterator[Callable[..., Recorder]]:
    """Starts parec on a microphone, picked by its name, and returns when it records."""
    recorders: list[Recorder] = []

    def start(microphone: vmic.VirtualMicrophoneDevice | vmic.MicrophoneInfo, **options: object) -> Recorder:
        recorder = Recorder(server, microphone, **options)  # type: ignore[arg-type]
        recorders.append(recorder)
        recorder.await_first_frame()
        return recorder

    yield start
    for recorder in recorders:
        recorder.kill()


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a program, by its arguments; whatever happens, it does not outlive the test."""
    started: list[subprocess.Popen[str]] = []

    def begin(*argv: str) -> subprocess.Popen[str]:
        started.append(programs.start(argv, os.environ))
        return started[-1]

    yield begin
    for program in started:
        program.kill()
        program.communicate()


@pytest.fixture(autouse=True)
def books_balance(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """After every test: written = heard + dropped + lost + queued, for each microphone that it had."""
    # Weakly: a test may want to see one collected.
    microphones: weakref.WeakSet[vmic.VirtualMicrophoneDevice] = weakref.WeakSet()
    original = vmic.VirtualMicrophoneDevice.__init__

    def note(self: vmic.VirtualMicrophoneDevice, *args: object, **kwargs: object) -> None:
        original(self, *args, **kwargs)  # type: ignore[arg-type]
        microphones.add(self)

    monkeypatch.setattr(vmic.VirtualMicrophoneDevice, "__init__", note)
    yield
    for microphone in list(microphones):
        s = microphone.stats
        assert s.frames_written == s.heard + s.dropped + s.lost + s.queued, s
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            microphone.close()
