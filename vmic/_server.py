"""The sound server: reach it, or start one where there is none."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import subprocess
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

import pulsectl
from pulsectl import _pulsectl as _libpulse

from vmic._errors import ServerError

T = TypeVar("T")

# A server on the same machine answers within milliseconds; one that takes longer than this hangs.
TIMEOUT = 5.0
_ACCESS_DENIED = 1  # PA_ERR_ACCESS
_CONFIGURATION = Path(__file__).with_name("server")
_SESSIONS = Path("/run/user")

HOW_TO_GET_ONE = (
    "start one (systemctl --user start pipewire-pulse, or pulseaudio --start); "
    "where PulseAudio is installed (apt install pulseaudio), creating a microphone starts it"
)


class _Call(threading.Thread, Generic[T]):
    """One conversation with the server, on a thread: libpulse waits for a hung server without limit."""

    def __init__(self, operation: Callable[[pulsectl.Pulse], T], undo: Callable[[pulsectl.Pulse, T], object]):
        super().__init__(name="vmic-server", daemon=True)
        self._operation, self._undo = operation, undo
        self._lock = threading.Lock()
        self._abandoned = False
        self.result: T
        self.error: BaseException | None = None
        self.connected = False
        self.finished = threading.Event()

    def run(self) -> None:
        try:
            with connect() as pulse:
                self.connected = True
                result = self._operation(pulse)
                with self._lock:
                    self.result = result
                    self.finished.set()
                    abandoned = self._abandoned
                if abandoned:
                    self._undo(pulse, result)
        except BaseException as error:  # noqa: BLE001 (it is raised in the thread that asked)
            self.error = error
        finally:
            self.finished.set()

    def abandon(self) -> None:
        """Nobody waits any more: what comes of the operation is undone."""
        with self._lock:
            if not self.finished.is_set():
                self._abandoned = True


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
    """
    conversation = _Call(operation, undo)
    conversation.start()
    with contextlib.ExitStack() as unanswered:
        unanswered.callback(conversation.abandon)
        if not conversation.finished.wait(timeout):
            raise ServerError(
                f"the sound server at {address()} did not answer within {timeout:g} s: it hangs, restart it"
            )
        unanswered.pop_all()
    if isinstance(conversation.error, pulsectl.PulseError):
        raise ServerError(
            f"the sound server at {address()} broke off: {conversation.error or 'connection lost'}"
        ) from conversation.error
    if conversation.error is not None:
        raise conversation.error
    return conversation.result


def connect(prepare: Callable[[pulsectl.Pulse], object] = lambda _: None) -> pulsectl.Pulse:
    """Connect to the server, after `prepare`; the connection closes with its context."""
    pulse = pulsectl.Pulse("vmic", server=_desktop_server(), connect=False)
    try:
        prepare(pulse)
        pulse.connect(autospawn=False)
    except pulsectl.PulseError:
        code = _libpulse.pa.context_errno(pulse._ctx)
        pulse.close()
        raise _refusal(code) from None
    return pulse


def server_for_writer() -> str | None:
    """The server in the form that libpulse takes; None for its own choice."""
    return _desktop_server()


def address() -> str:
    """Where the server is looked for, for messages."""
    return os.environ.get("PULSE_SERVER") or _desktop_server() or "the default place"


def error_text(code: int) -> str:
    """What libpulse calls error `code`."""
    return str(_libpulse.pa.strerror(code))


def last_error(pulse: pulsectl.Pulse) -> str:
    """What the server said of the last operation (pulsectl's own errors tell nothing)."""
    return error_text(_libpulse.pa.context_errno(pulse._ctx))


def _desktop_server() -> str | None:
    """The socket of the user's own session, where the environment does not lead to it (ssh, su, cron)."""
    if os.environ.get("PULSE_SERVER") or os.environ.get("XDG_RUNTIME_DIR"):
        return None
    socket = _SESSIONS / str(os.getuid()) / "pulse" / "native"
    return f"unix:{socket}" if socket.exists() else None


class _RefusedError(ServerError):
    """Nobody listens, as opposed to: somebody does and says no."""


def _refusal(code: int) -> ServerError:
    said = f"no sound server answers at {address()}: {error_text(code)}"
    if code == _ACCESS_DENIED:
        return ServerError(
            f"{said}; it is another user's, or its cookie is another: "
            "run as that user, or set PULSE_COOKIE to its cookie file"
        )
    return _RefusedError(f"{said}; {HOW_TO_GET_ONE}")


def ensure_running() -> None:
    """See that a server answers; start PulseAudio when none does and we may.

    It is started at the default place of this user, so every application of the user finds it without any
    setting; when no server has clients for a minute it ends by itself. Never when PULSE_SERVER is set or
    VMIC_AUTOSTART is "0". Two processes that do this at the same moment get one server: PulseAudio locks.

    Raises:
        ServerError: None answers, and none could be started.
    """
    try:
        call(lambda _: None)
    except _RefusedError as refused:
        _start(refused)
        call(lambda _: None)
    _warn_root_beside_user()


_started_here = False


def started_here() -> bool:
    """Whether this process has started the server: only then it may start it again."""
    return _started_here


def _start(refused: ServerError) -> None:
    global _started_here  # noqa: PLW0603 (a fact about the process)
    if os.environ.get("PULSE_SERVER"):
        raise ServerError(f"{refused} (vmic starts none because PULSE_SERVER is set)") from refused
    if os.environ.get("VMIC_AUTOSTART") == "0":
        raise ServerError(f"{refused} (vmic starts none because VMIC_AUTOSTART is 0)") from refused
    pulseaudio = shutil.which("pulseaudio")
    if pulseaudio is None:
        raise ServerError(f"{refused} (vmic could start none: there is no program pulseaudio)") from refused
    argv = [pulseaudio, "--start", "-n", "-F", str(_CONFIGURATION / "default.pa"), "--log-target=null"]
    try:
        subprocess.run(
            argv,
            env={**os.environ, "PULSE_CONFIG": str(_CONFIGURATION / "daemon.conf")},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            timeout=30,
            check=True,
            cwd="/",
        )
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or str(error)
        raise ServerError(
            f"no sound server answers, and PulseAudio would not start: {str(said).strip()} "
            f"(tried: {' '.join(argv)})"
        ) from error
    _started_here = True


def _warn_root_beside_user() -> None:
    if os.getuid() != 0 or os.environ.get("PULSE_SERVER"):
        return
    with contextlib.suppress(OSError):
        for runtime in _SESSIONS.iterdir():
            if runtime.name != "0" and (runtime / "pulse" / "native").exists():
                warnings.warn(
                    f"the microphone belongs to root's sound server: the applications of user {runtime.name} "
                    "will not see it. Run vmic as that user for those.",
                    RuntimeWarning,
                    stacklevel=4,
                )
                return


def kill_recorder(pulse: pulsectl.Pulse, index: int) -> None:
    """End a recording stream: the application gets an end instead of another microphone."""
    _kill(pulse, _libpulse.pa.context_kill_source_output, index)


def kill_player(pulse: pulsectl.Pulse, index: int) -> None:
    """End a playing stream: its program learns of it, instead of playing to another output."""
    # pulsectl knows every call but this one.
    kill = ctypes.CDLL("libpulse.so.0").pa_context_kill_sink_input
    kill.argtypes = [ctypes.c_void_p, ctypes.c_uint32, _libpulse.PA_CONTEXT_SUCCESS_CB_T, ctypes.c_void_p]
    _kill(pulse, kill, index)


def _kill(pulse: pulsectl.Pulse, kill: Callable[..., object], index: int) -> None:
    # It fails when the stream has just ended by itself.
    with contextlib.suppress(pulsectl.PulseOperationFailed), pulse._pulse_op_cb() as done:
        kill(pulse._ctx, index, done, None)
