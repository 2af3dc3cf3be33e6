"""Sound servers of the tests: each runs in a temporary folder, and is ended by its remembered process ids."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import needs
import pulsectl
import pytest

# Debian's default.pa without hardware and D-Bus, plus what a machine with a sound card has.
PULSEAUDIO_SCRIPT = """\
load-module module-device-restore
load-module module-stream-restore
load-module module-card-restore
load-module module-augment-properties
load-module module-switch-on-port-available
load-module module-native-protocol-unix
load-module module-default-device-restore
load-module module-always-sink
load-module module-intended-roles
load-module module-suspend-on-idle
load-module module-position-event-sounds
load-module module-role-cork
load-module module-filter-heuristics
load-module module-filter-apply
"""
START_TIMEOUT = 20.0

# What PipeWire 0.3 logs about a quantum that was missed or not finished; and 1.4 about the graph, and a node.
STEP_MISSED = (b" client missed ", b" graph not finished: ", b" graph xrun ", b"debug_xrun_target()] ")
BREAKS = ("Assertion ", "This should never happen")
# The signals that end a process because of its own fault.
FAULTS = {signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSEGV}


class SoundServer:
    """A sound server in a folder of its own; a context manager.

    Attributes:
        kind: "pulseaudio" or "pipewire".
        before: The beginning of the command line of each of its processes.
        long_quantum: Whether PipeWire processes 1024 frames at a time, and not the 256 that vmic asks for.
            It then misses nothing when the machine stands still for some milliseconds.
        clock: PipeWire's settings for its clock, such as "default.clock.rate = 44100".
        was_frozen: Whether `frozen` has been called: the server then misses quanta in any case.
        env: The environment in which a program finds this server and no other.
    """

    kind: str
    reported_name: str  # how the name that the server reports begins
    parts: tuple[str, ...]  # its processes; the first one answers on the socket

    def __init__(self, rate: int = 48000) -> None:
        self.rate = rate
        # The path is short, because a socket's path has 107 characters at most.
        self.root = Path(tempfile.mkdtemp(prefix="vmic-"))
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.long_quantum = False
        self.clock = ""
        self.was_frozen = False
        self._missed_by_loss = 0
        self._told_before_loss: int | None = None
        self.before: tuple[str, ...] = ()
        runtime = self.root / "run"
        home = self.root / "home"
        (runtime / "pulse").mkdir(parents=True, mode=0o700)
        home.mkdir()
        self.socket = runtime / "pulse" / "native"
        self.env = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("PULSE_", "PIPEWIRE_", "XDG_"))},
            "XDG_RUNTIME_DIR": str(runtime),
            "HOME": str(home),
            "PULSE_SERVER": f"unix:{self.socket}",
            "VMIC_AUTOSTART": "0",
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={runtime / 'bus'}",
        }

    def __enter__(self) -> SoundServer:
        with contextlib.ExitStack() as unfinished:
            unfinished.push(self)
            self.start()
            unfinished.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.root, ignore_errors=True)

    def start(self) -> None:
        raise NotImplementedError

    def answer(self) -> None:
        """Start the process that answers on the socket, and the processes it needs that do not run."""
        self._bring_back()
        if self._told_before_loss is not None:
            self._missed_by_loss += self._told() - self._told_before_loss
            self._told_before_loss = None

    def _bring_back(self) -> None:
        raise NotImplementedError

    def kill(self, *, whole: bool = False) -> None:
        """Kill the process that answers, as a crash does, or all with `whole`; `answer` restarts them."""
        self.lose(self.parts[0])
        for part in self.parts if whole else ():
            self.lose(part)

    def lose(self, part: str, how: signal.Signals = signal.SIGKILL) -> None:
        """End one of the server's processes; `answer` restarts it."""
        if self._told_before_loss is None:
            self._told_before_loss = self._told()
        process = self.processes[part]
        process.send_signal(how)
        process.wait(10)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop the process that answers, so that it hangs until the end of the block."""
        self.was_frozen = True
        self.main_process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.main_process.pid, os.WSTOPPED)  # a thread may go on for a moment
        try:
            yield
        finally:
            self.main_process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End what `start` began, last first, and wait for each process."""
        while self.processes:
            _, process = self.processes.popitem()
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    @property
    def main_process(self) -> subprocess.Popen[bytes]:
        """Return the process that answers on the socket."""
        return self.processes[self.parts[0]]

    def adopt(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Point this process to the server too."""
        for name, value in self.env.items():
            monkeypatch.setenv(name, value)
        for name in ("PULSE_SOURCE", "PULSE_SINK"):
            monkeypatch.delenv(name, raising=False)

    def elects_ours(self) -> bool:
        """Return whether a vmic microphone becomes the default where there is no other."""
        return True

    def shows_quotes(self) -> bool:
        """Return whether the server shows a speaker's name with both kinds of quotes."""
        return True

    def pausing(self) -> set[str]:
        """Return the parts without which streams only pause; without any other part they end."""
        return set()

    @property
    def steps_missed(self) -> int:
        """Return how many quanta the server reports as missed or unfinished: it may have lost their sound.

        A quantum is missed when the machine lets the server wait for longer than its 5 ms (PipeWire). Those
        between a `lose` and its `answer` do not count.
        """
        return self._told() - self._missed_by_loss

    @property
    def broke(self) -> bool:
        """Return whether the server ended, or reports that it ends, because of its own fault.

        PulseAudio 16.1 does so now and then when a program is killed whose sound it holds (memblock.c).
        """
        if any(-_code_of(process) in FAULTS for process in self.processes.values()):
            return True
        logs = [path.read_text(errors="replace") for path in self.root.glob("*.log")]
        return any(said in log for log in logs for said in BREAKS)

    def _told(self) -> int:
        logs = [path.read_bytes() for path in self.root.glob("pipewire*.log")]
        return sum(log.count(said) for log in logs for said in STEP_MISSED)

    def log(self) -> str:
        return "\n".join(f"--- {p.name}\n{p.read_text(errors='replace')}" for p in self.root.glob("*.log"))

    def spawn(self, name: str, argv: Sequence[str], **env: str) -> subprocess.Popen[bytes]:
        with (self.root / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [*self.before, *argv],
                env={**self.env, **env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.processes[name] = process
        return process

    def await_socket(self, path: Path, owner: subprocess.Popen[bytes]) -> None:
        """Wait until a process listens at `path`; raise with the logs if `owner` ends first."""
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            with socket.socket(socket.AF_UNIX) as probe, contextlib.suppress(OSError):
                probe.connect(str(path))
                return
            with contextlib.suppress(subprocess.TimeoutExpired):
                raise RuntimeError(f"{owner.args!r} ended with {owner.wait(0.02)}:\n{self.log()}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"nobody listens at {path}:\n{self.log()}")

    @contextlib.contextmanager
    def client(self, name: str = "vmic-tests") -> Iterator[pulsectl.Pulse]:
        with pulsectl.Pulse(name, server=self.env["PULSE_SERVER"]) as pulse:
            yield pulse

    def listen_on_tcp(self, host: str) -> str:
        """Make the server listen at `host` too, and return the address for PULSE_SERVER."""
        with socket.socket() as probe:
            probe.bind(("", 0))
            port = probe.getsockname()[1]
        with self.client() as pulse:
            pulse.module_load("module-native-protocol-tcp", f"listen={host} port={port}")
        return f"tcp:{host}:{port}"

    def assert_identity(self) -> None:
        """Assert that this server is the one that answers, by the name it reports and by its process."""
        code = self.main_process.poll()
        assert code is None, f"the server ended with {code}: {self.log()}"
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(self.socket))
            peer = struct.unpack("3i", probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
        assert peer == self.main_process.pid
        try:
            with self.client() as pulse:
                answered = pulse.server_info().server_name
        except pulsectl.PulseError as error:
            raise AssertionError(f"the server does not answer: {self.log()}") from error
        assert answered.startswith(self.reported_name), answered


class PulseAudio(SoundServer):
    kind = "pulseaudio"
    reported_name = "pulseaudio"
    parts = ("pulseaudio",)

    def start(self) -> None:
        script = self.root / "script.pa"
        script.write_text(PULSEAUDIO_SCRIPT)
        config = self.root / "daemon.conf"
        config.write_text(f"default-sample-rate = {self.rate}\nrlimit-nofile = 4096\n")
        self.answer()

    def _bring_back(self) -> None:
        argv = [
            "pulseaudio",
            "-n",
            "--daemonize=no",
            "--use-pid-file=no",
            "--exit-idle-time=-1",
            "-F",
            str(self.root / "script.pa"),
        ]
        process = self.spawn("pulseaudio", argv, PULSE_CONFIG=str(self.root / "daemon.conf"))
        self.await_socket(self.socket, process)


class PipeWire(SoundServer):
    kind = "pipewire"
    reported_name = "PulseAudio (on PipeWire"
    parts = ("pipewire-pulse", "wireplumber", "pipewire")

    def start(self) -> None:
        clock = "default.clock.min-quantum = 1024" if self.long_quantum else self.clock
        if clock:
            settings = Path(self.env["HOME"], ".config/pipewire/pipewire.conf.d/quantum.conf")
            settings.parent.mkdir(parents=True)
            settings.write_text(f"context.properties = {{ {clock} }}\n")
        run = Path(self.env["XDG_RUNTIME_DIR"])
        bus = run / "bus"
        self.await_socket(
            bus, self.spawn("dbus", ["dbus-daemon", "--session", "--nofork", f"--address=unix:path={bus}"])
        )
        self.answer()

    def _bring_back(self) -> None:
        # The debug settings make two of the processes log the quanta that they missed.
        if not self._runs("pipewire"):
            path = Path(self.env["XDG_RUNTIME_DIR"]) / "pipewire-0"
            self.await_socket(path, self.spawn("pipewire", ["pipewire"], PIPEWIRE_DEBUG="2,pw.node:4"))
        if not self._runs("wireplumber"):
            self.spawn("wireplumber", ["wireplumber"])
        if not self._runs("pipewire-pulse"):
            process = self.spawn("pipewire-pulse", ["pipewire-pulse"], PIPEWIRE_DEBUG="2,pw.node:3")
            self.await_socket(self.socket, process)
        self.await_session_manager()

    def lose(self, part: str, how: signal.Signals = signal.SIGKILL) -> None:
        super().lose(part, how)
        if part == "pipewire":
            # The other processes end with it, or are ended here, as systemd does.
            for other in self.parts[:2]:
                self.processes[other].terminate()
                super().lose(other)

    def elects_ours(self) -> bool:
        # Before 1.6 the monitor of an output comes first.
        return self._version() >= (1, 6)

    def shows_quotes(self) -> bool:
        return self._version() >= (1, 4)

    def pausing(self) -> set[str]:
        # A session manager that restarts moves streams of 0.3, which ends them, and links those of 1.4.
        return {"wireplumber"} if self._version() >= (1, 4) else set()

    def _version(self) -> tuple[int, ...]:
        with self.client() as pulse:
            found = re.search(r"PipeWire (\d+)\.(\d+)", pulse.server_info().server_name)
        assert found
        return tuple(map(int, found.groups()))

    def _runs(self, part: str) -> bool:
        return part in self.processes and self.processes[part].poll() is None

    def await_session_manager(self) -> None:
        """Wait until the session manager has chosen a default output: only then are streams linked."""
        deadline = time.monotonic() + START_TIMEOUT
        with self.client() as pulse:
            pulse.event_mask_set("all")
            pulse.event_callback_set(lambda _: pulse.event_listen_stop())
            while pulse.server_info().default_sink_name.startswith("@"):
                pulse.event_listen(timeout=0.2)
                if time.monotonic() > deadline:
                    raise RuntimeError(f"no default output:\n{self.log()}")
                # Once WirePlumber (0.4.13) chose none after two losses of pipewire-pulse within 0.4 s. It
                # chooses again when an output comes.
                if time.monotonic() > deadline - START_TIMEOUT / 2:
                    pulse.module_unload(pulse.module_load("module-null-sink", "sink_name=another"))


def _code_of(process: subprocess.Popen[bytes]) -> int:
    """Return the process's exit code; 0 while it runs. Its connections end shortly before it does."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        return process.wait(0.1)
    return 0


KINDS: dict[str, type[SoundServer]] = {c.kind: c for c in (PulseAudio, PipeWire)}


def available_servers() -> list[str]:
    """Return both kinds, except one that would have replaced the user's own (see scripts/setup)."""
    return [kind for kind in KINDS if kind not in needs.missing()]


def new_server(request: pytest.FixtureRequest, kinds: Mapping[str, type[SoundServer]] = KINDS) -> SoundServer:
    """Return the sound server that a fixture's parameter names, with the quantum that its test asks for."""
    server = kinds[request.param]()
    own = request.node.get_closest_marker("own_quantum")
    server.long_quantum = not own and not request.config.getoption("--long")
    if mark := request.node.get_closest_marker("clock"):
        server.clock = mark.args[0]
    return server


PARTS = [(kind, part) for kind in available_servers() for part in KINDS[kind].parts]
# For tests whose result does not depend on the kind of server.
one_server = pytest.mark.parametrize("server", available_servers()[:1], indirect=True)
