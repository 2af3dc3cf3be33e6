"""The sound server: where it is, and conversations with it that end in time."""

from __future__ import annotations

import ctypes
import os
import pwd
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from vmic._base import threads
from vmic._base.exception_log import log, log_exception
from vmic._errors import ServerError
from vmic._pulse import refusals, tcp
from vmic._pulse.bindings import context, libpulse, pulsectl

T = TypeVar("T")

# What pulsectl raises when the server goes in the middle of something.
GOES = (pulsectl.PulseError, pulsectl.PulseDisconnected, libpulse.pa.CallError)

# A server on the same machine answers within milliseconds; one that takes longer than this hangs.
TIMEOUT = 5.0
_UNDONE_WITHIN = 1.0
SESSIONS = Path("/run/user")

_HOW_TO_GET_ONE = (
    "start one (systemctl --user start pipewire-pulse, or pulseaudio --start); "
    "where PulseAudio is installed (apt install pulseaudio), creating a microphone starts it"
)
_HOW_TO_GET_THAT_ONE = "PULSE_SERVER leads there: start that server, or unset PULSE_SERVER for the user's own"


class _Call(Generic[T]):
    """One conversation with the server, on a thread: libpulse waits for a hung server without limit."""

    def __init__(self, operation: Callable[[pulsectl.Pulse], T], undo: Callable[[pulsectl.Pulse, T], object]):
        self._operation, self._undo = operation, undo
        self._is_wanted = False
        self._settled = threading.Event()
        self.result: T
        self.error: BaseException | None = None
        self.finished = threading.Event()
        self._thread = threads.start(self._run, "vmic-server")

    def _run(self) -> None:
        try:
            with connect() as pulse:
                self.result = self._operation(pulse)
                self.finished.set()
                self._settled.wait()
                if not self._is_wanted:
                    self._undo(pulse, self.result)
        except BaseException as error:  # noqa: BLE001 (it is raised in the thread that asked)
            if self.finished.is_set():
                log_exception(log, "%s could not be undone", self._operation)
            self.error = error
        finally:
            self.finished.set()

    def join(self, timeout: float) -> None:
        """Wait for its end, at most so many seconds."""
        self._thread.join(timeout)

    def settle(self, *, is_wanted: bool) -> None:
        """Decide, whether or not the operation has ended, if what comes of it is kept or undone."""
        self._is_wanted = is_wanted
        self._settled.set()


def call(
    operation: Callable[[pulsectl.Pulse], T],
    *,
    undo: Callable[[pulsectl.Pulse, T], object] = lambda _pulse, _result: None,
    timeout: float = TIMEOUT,
) -> T:
    """Connect, run `operation` and disconnect; blocks at most `timeout` seconds.

    Args:
        operation: What to do with the connection. It runs on a thread of its own.
        undo: Undoes what `operation` did, when it ends after nobody waits for it any more.
        timeout: Seconds, for all of it.

    Raises:
        ServerError: No server answers.
        DeviceError: Python's threads have been replaced.
    """
    threads.require_native()
    conversation = _Call(operation, undo)
    try:
        answered = conversation.finished.wait(timeout)
    except BaseException:  # Ctrl-C: what is half done is undone before the process ends
        conversation.settle(is_wanted=False)
        conversation.join(_UNDONE_WITHIN)
        raise
    conversation.settle(is_wanted=answered)
    if not answered:
        raise ServerError(
            f"the sound server at {address()} did not answer within {timeout:g} s: it hangs, restart it"
        )
    if isinstance(conversation.error, GOES):
        raise ServerError(
            f"the sound server at {address()} broke off: {conversation.error or 'connection lost'}"
        ) from conversation.error
    if conversation.error is not None:
        raise conversation.error
    return conversation.result


def connect(
    client_name: str = "vmic-call", prepare: Callable[[pulsectl.Pulse], object] = lambda _: None
) -> pulsectl.Pulse:
    """Connect to the server under that name, after `prepare`; the connection closes with its context."""
    pulse = pulsectl.Pulse(client_name, server=_desktop_server(), connect=False)
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


def for_streams(pulse: pulsectl.Pulse) -> str | None:
    """Where this connection leads, for libpulse's other connections: they start no server then.

    Without an address libpulse starts PulseAudio itself where none answers (not as root), unless client.conf
    forbids it. None where no address can lead there, for libpulse parts them at blanks.
    """
    place = found_at(pulse)
    return None if place.split() != [place] else place


def lead_others(pulse: pulsectl.Pulse) -> None:
    """Lead what else uses libpulse in this process there too, as PortAudio does, so that it starts no server.

    For vmic's own processes: a program's environment is the program's.
    """
    if place := for_streams(pulse):
        os.environ["PULSE_SERVER"] = place


def address() -> str:
    """Where the server is looked for, for messages."""
    return os.environ.get("PULSE_SERVER") or _desktop_server() or "the default place"


def found_at(pulse: pulsectl.Pulse) -> str:
    """Where the server of a connection is, as PULSE_SERVER takes it."""
    get = ctypes.CDLL("libpulse.so.0").pa_context_get_server
    get.argtypes, get.restype = [ctypes.c_void_p], ctypes.c_char_p
    place = str(get(context(pulse)).decode())
    return f"unix:{place}" if place.startswith("/") else place


def last_error(pulse: pulsectl.Pulse) -> int:
    """Why the last operation failed, for `_refusals` (pulsectl's own errors tell nothing)."""
    return int(libpulse.pa.context_errno(context(pulse)))


def _desktop_server() -> str | None:
    """The socket of the user's own session, where the environment does not lead to it (ssh, su, cron)."""
    if os.environ.get("PULSE_SERVER") or os.environ.get("XDG_RUNTIME_DIR"):
        return None
    native = SESSIONS / str(os.getuid()) / "pulse" / "native"
    return f"unix:{native}" if native.exists() else None


class NobodyListensError(ServerError):
    """Nobody listens, as opposed to: somebody does and says no."""


def _refusal(code: int) -> ServerError:
    if other := _whose_session():
        return ServerError(
            f"no sound server can be reached: XDG_RUNTIME_DIR ({os.environ['XDG_RUNTIME_DIR']}) is that of "
            f"user {other}, and libpulse uses no other user's. Run vmic as that user (without sudo), or "
            "let this user have a server of its own: unset XDG_RUNTIME_DIR (sudo without -E)"
        )
    said = f"no sound server answers at {address()}: {refusals.of_connection(code)}"
    if code != refusals.REFUSED:
        return ServerError(said)
    if _is_forbidden(_socket()):
        return ServerError(f"{said}; this user may not open its socket: run as the user whose server it is")
    cure = _HOW_TO_GET_THAT_ONE if os.environ.get("PULSE_SERVER") else _HOW_TO_GET_ONE
    return NobodyListensError(f"{said}; {cure}")


def _whose_session() -> str | None:
    """Whose session libpulse is led to, when it is another user's: it does not look there."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if os.environ.get("PULSE_SERVER") or not runtime:
        return None
    try:
        owner = Path(runtime).stat().st_uid
        return None if owner == os.getuid() else pwd.getpwuid(owner).pw_name
    except OSError:  # it is not there, which libpulse says
        return None
    except KeyError:  # of a user without a name
        return str(owner)


def _socket() -> str:
    """Where the server's socket would be, when it has one here."""
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
