"""A private sound server for one command."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import vmic
from vmic._pulse import autostart, connection

_STARTS_WITHIN = 10.0
_ENDS_WITHIN = 5.0


@contextlib.contextmanager
def isolated_server() -> Iterator[None]:
    """Lead this process, and all that it starts, to a private PulseAudio, which ends with the block.

    The server has a silent output and no sound card, and keeps no state.
    """
    pulseaudio = shutil.which("pulseaudio")
    if pulseaudio is None:
        raise vmic.VmicError("--isolated needs PulseAudio (apt install pulseaudio)")
    with tempfile.TemporaryDirectory(prefix="vmic-run-") as folder:
        runtime_dir = Path(folder, "pulse")
        runtime_dir.mkdir(mode=0o700)
        log = Path(folder, "log")
        server = subprocess.Popen(
            [
                *(pulseaudio, "-n", "-F", str(autostart.CONFIGURATION / "default.pa"), "--daemonize=no"),
                *("--exit-idle-time=-1", "--use-pid-file=no", f"--log-target=newfile:{log}"),
            ],
            env={
                **os.environ,
                "PULSE_CONFIG": str(autostart.CONFIGURATION / "daemon.conf"),
                "PULSE_RUNTIME_PATH": str(runtime_dir),
                "PULSE_STATE_PATH": str(runtime_dir),
                # PulseAudio creates its cookie there: the user's home may not be writable.
                "HOME": folder,
                "XDG_CONFIG_HOME": folder,
                # Only one PulseAudio (16.1) can own the name on the session bus.
                "DBUS_SESSION_BUS_ADDRESS": "disabled:",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Ctrl-C at the terminal is for the command; the server exits after it.
            start_new_session=True,
        )
        try:
            _lead_to(runtime_dir)
            _await_answer(server, log)
            yield
        finally:
            _end(server)


def _lead_to(runtime_dir: Path) -> None:
    for name in ("PULSE_SOURCE", "PULSE_SINK"):
        os.environ.pop(name, None)
    os.environ["PULSE_SERVER"] = f"unix:{runtime_dir}/native"
    os.environ["PULSE_COOKIE"] = f"{runtime_dir}/cookie"
    # Native PipeWire programs find no server here. Without this they would reach the machine's.
    os.environ["PIPEWIRE_RUNTIME_DIR"] = str(runtime_dir)


def _await_answer(server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _STARTS_WITHIN
    while True:
        try:
            connection.call(lambda _: None)
            return
        except vmic.ServerError as error:
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(0.02)
            if server.returncode is not None or time.monotonic() > deadline:
                said = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
                # The last line may be a warning about something else.
                said = [line for line in said if line.startswith("E: ")] or said
                raise vmic.ServerError(
                    f"PulseAudio did not start: {said[-1] if said else error} (command: {server.args!r})"
                ) from error


def _end(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(_ENDS_WITHIN)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
