"""Start a sound server if none is running."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import warnings
from pathlib import Path

from vmic._base import process
from vmic._errors import ServerError
from vmic._pulse import connection

CONFIGURATION = Path(__file__).parents[1] / "pulseaudio"
# Identifies a server that vmic has started, also if another version of vmic has started it.
_SCRIPT = "/vmic/pulseaudio/default.pa"
_ENDS_WITHIN = 10.0


def ensure_running() -> None:
    """Ensure that a server answers: start PulseAudio if none does and vmic may start one.

    PulseAudio starts at the default place of this user, so all applications of the user find it without any
    setting. It exits by itself after a minute without clients. vmic never starts it when PULSE_SERVER is set
    or VMIC_AUTOSTART is "0". Two processes that call this at the same moment get one server: PulseAudio
    locks.

    Raises:
        ServerError: No server answers, and none could be started.
    """
    try:
        connection.call(lambda _: None)
    except connection.NobodyListensError as refused:
        _start(refused)
        connection.call(lambda _: None)
    _warn_root_beside_user()


def running(address: str) -> int | None:
    """Return the process id of the server at `address` if vmic has started it for a user, otherwise None.

    Args:
        address: The server's address, as `connection.found_at` returns it.
    """
    if not address.startswith("unix:"):
        return None
    with socket.socket(socket.AF_UNIX) as probe, contextlib.suppress(OSError):
        probe.connect(address.removeprefix("unix:"))
        pid, _, _ = struct.unpack("3i", probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        program, *arguments = Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")
        if Path(program).name == "pulseaudio" and "--start" in arguments:
            return pid if any(argument.endswith(_SCRIPT) for argument in arguments) else None
    return None


def stop(pid: int) -> None:
    """Terminate the server process `pid` and wait until it has exited.

    Raises:
        ServerError: The process does not exit.
    """
    with contextlib.suppress(ProcessLookupError), process.watching(pid) as has_ended:
        os.kill(pid, signal.SIGTERM)
        if not has_ended(_ENDS_WITHIN):
            raise ServerError(f"cannot stop PulseAudio: process {pid} does not exit. Run kill -9 {pid}")


_started_here = False


def started_here() -> bool:
    """Return whether this process has started the server. Only then it may start it again."""
    return _started_here


def _start(refused: ServerError) -> None:
    global _started_here  # noqa: PLW0603 (a fact about the process)
    if os.environ.get("PULSE_SERVER"):
        raise ServerError(f"{refused}. vmic did not start a server, because PULSE_SERVER is set") from refused
    if os.environ.get("VMIC_AUTOSTART") == "0":
        raise ServerError(f"{refused}. vmic did not start a server, because VMIC_AUTOSTART is 0") from refused
    pulseaudio = shutil.which("pulseaudio")
    if pulseaudio is None:
        raise ServerError(
            f"{refused}. vmic did not start a server, because the program pulseaudio was not found"
        ) from refused
    argv = [pulseaudio, "--start", "-n", "-F", str(CONFIGURATION / "default.pa"), "--log-target=null"]
    try:
        subprocess.run(
            argv,
            env={**os.environ, "PULSE_CONFIG": str(CONFIGURATION / "daemon.conf")},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            timeout=30,
            check=True,
            cwd="/",
        )
    except (OSError, subprocess.SubprocessError) as error:
        said = _unusable_folders() or (getattr(error, "stderr", None) or str(error)).strip()
        raise ServerError(
            f"no sound server answers, and PulseAudio did not start: {said} (command: {' '.join(argv)})"
        ) from error
    _started_here = True


def _unusable_folders() -> str:
    """Return which folders PulseAudio cannot write to, and the remedy. PulseAudio itself reports neither."""
    said = []
    for name in ("XDG_RUNTIME_DIR", "HOME"):
        folder = os.environ.get(name)
        try:
            with tempfile.TemporaryFile(dir=folder) as file:
                file.write(bytes(4096))
        except OSError as error:
            if error.errno == errno.ENOSPC:
                said.append(f"no space is left in {folder} ({name}). Delete files there")
            else:
                why = f"cannot write to {name} ({folder}): {error.strerror}"
                said.append(f"{why}. Set {name} to a folder that you can write to")
    return ". ".join(said)


def _warn_root_beside_user() -> None:
    if os.getuid() != 0 or os.environ.get("PULSE_SERVER"):
        return
    with contextlib.suppress(OSError):
        for runtime in connection.SESSIONS.iterdir():
            if runtime.name != "0" and (runtime / "pulse" / "native").exists():
                warnings.warn(
                    "vmic runs as root and uses root's sound server. Applications of user "
                    f"{runtime.name} cannot use devices on it. To create devices for them, run vmic as that "
                    "user",
                    RuntimeWarning,
                    stacklevel=4,
                )
                return
