"""The sound server: its address, and calls to it that end in time."""

from __future__ import annotations

import ctypes
import os
import pwd
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

from vmic._base import threads
from vmic._base.exception_log import log, log_exception
from vmic._errors import ServerError
from vmic._pulse import error_codes, tcp
from vmic._pulse.bindings import context, libpulse, pulsectl
from vmic._pulse.server import Server

T = TypeVar("T")

# The exceptions of pulsectl when the server disconnects during an operation.
GOES = (pulsectl.PulseError, pulsectl.PulseDisconnected, libpulse.pa.CallError)

# A server on the same machine answers within milliseconds. A server that takes longer than this hangs.
TIMEOUT = 5.0
_UNDONE_WITHIN = 1.0
SESSIONS = Path("/run/user")

_START_ONE = "Start a sound server (systemctl --user start pipewire-pulse, or pulseaudio --start), or "
_OR_INSTALL_IT = "install PulseAudio (apt install pulseaudio), which vmic starts when it creates a device"
_OR_LET_VMIC = "unset VMIC_AUTOSTART: vmic then starts PulseAudio when it creates a device"
_HOW_TO_GET_THAT_ONE = (
    "PULSE_SERVER is set to this address. Start a server there, or unset PULSE_SERVER to use your own server"
)


class TimedCall(Generic[T]):
    """One call to the server, whose caller may give up before it ends."""

    def __init__(self, operation: Callable[[Server], T], undo: Callable[[Server, T], object]) -> None:
        self._operation, self._undo = operation, undo
        self._lock = threading.Lock()  # guards what follows
        self._is_abandoned = self._has_result = False
        self.result: T
        self.error: BaseException | None = None
        self.ended = threading.Event()

    def run(self, server: Server) -> None:
        """Run the operation, and undo it if nobody waits for its result any more."""
        try:
            result = self._operation(server)
            with self._lock:
                self.result, self._has_result = result, not self._is_abandoned
            if not self._has_result:
                self._undo_logged(server, result)
        except BaseException as error:  # noqa: BLE001 (it is raised in the thread that asked)
            self.error = error
        finally:
            self.ended.set()

    def run_alone(self) -> None:
        """Run the operation over a connection of its own, on a separate thread."""
        threads.start(self._connect_and_run, "vmic-server")

    def abandon(self) -> None:
        """Keep no result: undo the operation when it ends, or now."""
        with self._lock:
            self._is_abandoned = True
        if self._has_result:
            undo = TimedCall(lambda server: self._undo(server, self.result), lambda _server, _result: None)
            undo.start()
            undo.ended.wait(_UNDONE_WITHIN)

    def start(self) -> None:
        """Run over the connection that this process keeps, or over another one."""
        if not (_shared and _shared(self)):
            self.run_alone()

    def _connect_and_run(self) -> None:
        try:
            with connect() as server:
                self.run(server)
        except BaseException as error:  # noqa: BLE001 (it is raised in the thread that asked)
            self.error = error
        finally:
            self.ended.set()

    def _undo_logged(self, server: Server, result: T) -> None:
        try:
            self._undo(server, result)
        except Exception:  # noqa: BLE001 (nobody waits for it)
            log_exception(log, "internal error: cannot undo %s after a timeout", self._operation)


# Takes a call over, to run it over a connection that is open already. Returns whether it has.
_shared: Callable[[TimedCall[Any]], bool] | None = None


def share(take: Callable[[TimedCall[Any]], bool] | None) -> None:
    """Let `take` run the calls of this process, over a connection that it keeps. None ends this."""
    global _shared  # noqa: PLW0603 (a fact about the process)
    _shared = take


def call(
    operation: Callable[[Server], T],
    *,
    undo: Callable[[Server, T], object] = lambda _server, _result: None,
    timeout: float = TIMEOUT,
) -> T:
    """Run `operation` on a connection to the server. Blocks up to `timeout` seconds.

    Args:
        operation: Uses the connection. It runs on a separate thread.
        undo: Undoes `operation` if that ends after the caller has stopped waiting.
        timeout: Seconds for the whole call.

    Raises:
        ServerError: No server answers.
        DeviceError: Python's functions for threads or processes have been replaced.
    """
    threads.require_native()
    timed = TimedCall(operation, undo)
    timed.start()
    try:
        answered = timed.ended.wait(timeout)
    except BaseException:  # Ctrl-C: undo a half-done operation before the process exits
        timed.abandon()
        timed.ended.wait(_UNDONE_WITHIN)
        raise
    if not answered:
        timed.abandon()
        raise ServerError(
            f"the sound server at {address()} did not answer within {timeout:g} s. Restart the sound server"
        )
    if isinstance(timed.error, GOES):
        raise ServerError(
            f"the sound server at {address()} ended the connection during a request "
            f"({timed.error or 'connection lost'}). Try again"
        ) from timed.error
    if timed.error is not None:
        raise timed.error
    return timed.result


def connect(client_name: str = "vmic-call", prepare: Callable[[Server], object] = lambda _: None) -> Server:
    """Connect to the server as `client_name`, after `prepare`. The connection closes with its context."""
    pulse = Server(client_name, _desktop_server())
    try:
        prepare(pulse)
        pulse.connect(autospawn=False)
    except pulsectl.PulseError:
        code = libpulse.pa.context_errno(context(pulse))
        pulse.close()
        raise _refusal(code) from None
    tcp.look_up()
    tcp.notice_silence()
    return pulse


def for_streams(pulse: Server) -> str | None:
    """Return the server's address for libpulse's other connections, so that they start no server.

    Without an address libpulse itself starts PulseAudio if no server answers (not as root), unless
    client.conf forbids it. Return None if the address cannot be used, because libpulse splits addresses at
    blanks.
    """
    server_address = found_at(pulse)
    return None if server_address.split() != [server_address] else server_address


def lead_others(pulse: Server) -> None:
    """Direct all other users of libpulse in this process, such as PortAudio, to this server.

    They then start no server. Only for vmic's own processes: a program's environment belongs to the program.
    """
    if server_address := for_streams(pulse):
        os.environ["PULSE_SERVER"] = server_address


def address() -> str:
    """Return the address at which vmic looks for the server, for messages."""
    return os.environ.get("PULSE_SERVER") or _desktop_server() or "the default address"


def found_at(pulse: Server) -> str:
    """Return the address of a connection's server, in the form of PULSE_SERVER."""
    get = ctypes.CDLL("libpulse.so.0").pa_context_get_server
    get.argtypes, get.restype = [ctypes.c_void_p], ctypes.c_char_p
    server_address = str(get(context(pulse)).decode())
    return f"unix:{server_address}" if server_address.startswith("/") else server_address


def last_error(pulse: Server) -> int:
    """Return the error code of the last operation. The errors of pulsectl itself give no reason."""
    return int(libpulse.pa.context_errno(context(pulse)))


def _desktop_server() -> str | None:
    """Return the socket of the user's session if the environment does not lead there (ssh, su, cron)."""
    if os.environ.get("PULSE_SERVER") or os.environ.get("XDG_RUNTIME_DIR"):
        return None
    native = SESSIONS / str(os.getuid()) / "pulse" / "native"
    return f"unix:{native}" if native.exists() else None


class NobodyListensError(ServerError):
    """No server listens, as opposed to a server that refuses the connection."""


def _refusal(code: int) -> ServerError:
    if other := _whose_session():
        return ServerError(
            f"cannot reach a sound server: XDG_RUNTIME_DIR ({os.environ['XDG_RUNTIME_DIR']}) belongs to user "
            f"{other}, and libpulse does not use a folder of another user. Run vmic as user {other} "
            "(without sudo), or unset XDG_RUNTIME_DIR (sudo without -E) to use your own sound server"
        )
    said = f"no sound server answers at {address()}: {error_codes.of_connection(code)}"
    if code != error_codes.REFUSED:
        return ServerError(said)
    if _is_forbidden(_socket()):
        return ServerError(
            f"{said}. This user does not have permission to open the server's socket. Run as the user who "
            "owns the server"
        )
    cure = _START_ONE + (_OR_LET_VMIC if os.environ.get("VMIC_AUTOSTART") == "0" else _OR_INSTALL_IT)
    cure = _HOW_TO_GET_THAT_ONE if os.environ.get("PULSE_SERVER") else cure
    return NobodyListensError(f"{said}. {cure}")


def _whose_session() -> str | None:
    """Return the other user to whose session XDG_RUNTIME_DIR leads, or None. libpulse does not look there."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if os.environ.get("PULSE_SERVER") or not runtime:
        return None
    try:
        owner = Path(runtime).stat().st_uid
        return None if owner == os.getuid() else pwd.getpwuid(owner).pw_name
    except OSError:  # the folder is missing, which libpulse reports
        return None
    except KeyError:  # the user id has no name
        return str(owner)


def _socket() -> str:
    """Return the path of the server's socket, if it has one on this machine."""
    server = os.environ.get("PULSE_SERVER") or _desktop_server() or ""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return server.removeprefix("unix:") or (f"{runtime}/pulse/native" if runtime else "")


def _is_forbidden(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except PermissionError:
            return True
        except (OSError, ValueError):
            return False
    return False
