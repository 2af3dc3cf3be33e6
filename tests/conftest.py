"""Fixtures: a sound server of each kind, and programs that record from it."""

from __future__ import annotations

import os
import subprocess
import time
import warnings
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import audio_signals
import machine_speed
import needs
import parameter_selection
import programs
import pulsectl
import pytest
from audio_signals import numbered
from deferral import Deferral
from hypothesis import settings
from machine_stalls import MachineStoodStillError, watch
from player_programs import PlayerProgram, is_there, set_defaults
from recording import Recorder
from servers import SoundServer, available_servers, new_server

import vmic

settings.register_profile("long", max_examples=2000)
# Whether the test's function raised.
RAISED = pytest.StashKey[bool]()


class ServerBrokeError(Exception):
    """The server ended because of its own fault; the test is run again in this case too."""


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Iterator[None]:
    """Tell failures that the server or the machine explains from failures of vmic."""
    servers = [used for used in pyfuncitem.funcargs.values() if isinstance(used, SoundServer)]
    stalls = watch() if servers else None
    before = [server.steps_missed for server in servers]
    begin = time.monotonic()
    pyfuncitem.stash[RAISED] = False
    try:
        return (yield)
    except Exception as error:
        pyfuncitem.stash[RAISED] = True
        if any(server.broke for server in servers):
            raise ServerBrokeError(f"the server says that it broke; {error}") from error
        if not isinstance(error, AssertionError):
            raise
        missed = [server.steps_missed > steps for server, steps in zip(servers, before, strict=True)]
        if any(late and not server.was_frozen for server, late in zip(servers, missed, strict=True)):
            raise MachineStoodStillError(f"the server missed a step meanwhile; {error}") from error
        if stalls and (longest := stalls.longest(begin)):
            raise MachineStoodStillError(
                f"a process waited {1000 * longest:.0f} ms to run; {error}"
            ) from error
        raise


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--long", action="store_true", help="every combination of parameters, and the long tests"
    )
    parser.addoption("--chaos", type=float, help="seconds of chaos on each server (6; 30 with --long)")
    parser.addoption(
        "--defer", type=Path, help="leave what the machine disturbed to another run: pytest @FILE"
    )


def pytest_xdist_auto_num_workers() -> int:
    """Return how many test processes `-n auto` starts."""
    return machine_speed.process_count()


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--long"):
        audio_signals.default_gaps = 0
    path = config.getoption("--defer")
    if path and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Deferral(path))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests that do not run here, and add to each report the guarantee that its test proves."""
    kept = needs.possible(items)
    if not config.getoption("--long"):
        kept = parameter_selection.chosen(kept, by_name=any("::" in argument for argument in config.args))
    config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
    items[:] = kept
    for item in items:
        if mark := item.get_closest_marker("guarantee"):
            item.user_properties.append(("guarantee", mark.args[0]))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests have measured (record_property), why tests ran again, and what this machine lacks."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name != "guarantee":
                terminalreporter.line(f"{report.nodeid}: {name}: {value}")
    for report in terminalreporter.getreports("rerun"):
        message = " ".join(report.longrepr.reprcrash.message.split())
        terminalreporter.line(f"RERUN {report.nodeid}: {message[:500]}")
    for name, reason in needs.missing().items():
        terminalreporter.line(f"NOT TESTED with {name}: {reason}")


@pytest.fixture(params=available_servers())
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoundServer]:
    """Provide a sound server of the test's own, to which the environment points."""
    with new_server(request) as running:
        running.adopt(monkeypatch)
        running.assert_identity()
        yield running
        if request.node.stash.get(RAISED, False):
            return  # the test may have ended before it started its server again
        try:
            running.assert_identity()
        except AssertionError as error:
            if running.broke:
                raise ServerBrokeError(str(error)) from error
            raise


@pytest.fixture(autouse=True)
def no_server_of_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ensure that a test that asks for no server reaches none."""
    monkeypatch.setenv("PULSE_SERVER", "unix:/nonexistent")
    monkeypatch.setenv("VMIC_AUTOSTART", "0")


@pytest.fixture
def record(server: SoundServer) -> Iterator[Callable[..., Recorder]]:
    """Provide a function that starts parec on a microphone, by its name, and returns when it records."""
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
def play(server: SoundServer) -> Iterator[Callable[..., PlayerProgram]]:
    """Provide a function that starts a player of numbered frames, on a sink or where the server puts it."""
    players: list[PlayerProgram] = []
    path = server.root / "played.raw"
    path.write_bytes(numbered(60 * 48000).tobytes())

    def begin(sink: str | None = None) -> PlayerProgram:
        players.append(PlayerProgram.of(path, sink, server.env))
        return players[-1]

    yield begin
    for player in players:
        player.end()


@pytest.fixture
def pulse(server: SoundServer) -> Iterator[pulsectl.Pulse]:
    """Provide a connection of the test's own."""
    with server.client() as client:
        yield client


@pytest.fixture
def headset(server: SoundServer, play: Callable[..., PlayerProgram], pulse: pulsectl.Pulse) -> None:
    """Provide another microphone, which has sound and is the default."""
    # Without this argument a sound is heard 2 s later.
    at_once = "norewinds=1" if server.kind == "pulseaudio" else ""
    pulse.module_load("module-null-sink", f"sink_name=room {at_once}")
    pulse.module_load("module-remap-source", "source_name=headset master=room.monitor")
    programs.await_that(lambda: is_there(pulse, "headset"), "the headset is there")
    set_defaults(pulse, source="headset")
    play("room").await_place(pulse, "room")


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Provide a function that starts a program by its arguments. No program outlives the test."""
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
    """Check after every test that each device accounts for all the frames that went into it."""
    # The references are weak: a test may want to see a device collected.
    devices: weakref.WeakSet[vmic.VirtualMicrophoneDevice | vmic.VirtualSpeakerDevice] = weakref.WeakSet()

    def watch(kind: type) -> None:
        original = vars(kind)["__init__"]

        def note(self: Any, *args: object, **kwargs: object) -> None:
            original(self, *args, **kwargs)
            devices.add(self)

        monkeypatch.setattr(kind, "__init__", note)

    watch(vmic.VirtualMicrophoneDevice)
    watch(vmic.VirtualSpeakerDevice)
    yield
    for device in list(devices):
        s = device.stats
        if isinstance(s, vmic.MicrophoneStats):
            assert s.frames_written == s.heard + s.dropped + s.lost + s.trimmed + s.queued, s
        else:
            assert s.received == s.read + s.dropped + s.skipped + s.buffered, s
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            device.close()
