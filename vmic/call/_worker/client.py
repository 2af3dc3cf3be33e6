"""The program's side of the worker process."""

from __future__ import annotations

import importlib.util
import itertools
import logging
import socket
import subprocess
import threading
from collections.abc import Callable
from typing import Any

from vmic._base import process
from vmic._errors import VmicError
from vmic.call._worker.protocol import Message, Unpacker, packed

_NEEDED = ("aiohttp", "aiortc")
# The worker leaves the call within 5 s, and then closes its audio streams.
_ENDS_WITHIN = 10.0

_log = logging.getLogger("vmic")


class WorkerClient:
    """The worker process of one client."""

    def __init__(
        self, told: Callable[[Message, bytes], None], ended: Callable[[WorkerClient, int], None]
    ) -> None:
        """Start the process, without waiting until it is ready.

        Args:
            told: Called with each message and its sound, on a thread of this object.
            ended: Called with this object and the exit code when the process has exited, on the same thread.

        Raises:
            VmicError: A package that a call needs is not installed, or the process cannot be started.
        """
        if missing := [name for name in _NEEDED if importlib.util.find_spec(name) is None]:
            raise VmicError(f"calls need the packages {' and '.join(missing)}: pip install 'vmic[call]'")
        self._told, self._ended = told, ended
        self._numbers = itertools.count()
        self._sending = threading.Lock()
        level = str(_log.getEffectiveLevel())
        is_loud = _log.isEnabledFor(logging.DEBUG)
        try:
            self._socket, its = process.sockets()
        except OSError as error:
            raise VmicError(f"cannot create a socket to the call process: {error}") from error
        try:
            with its:
                # ALSA and PortAudio print messages to standard error that are not errors.
                stderr = None if is_loud else subprocess.DEVNULL
                self._process = process.start("vmic.call._worker", level, stdin=its.fileno(), stderr=stderr)
        except OSError as error:
            self._socket.close()
            raise VmicError(f"cannot start the call process: {error}") from error
        self._listening = threading.Thread(target=self._listen, name="vmic-call-sound", daemon=True)
        self._listening.start()

    def send(self, what: str, **arguments: Any) -> int:
        """Send a command without waiting, and return the number that its answer will have.

        If the process has exited, the command is dropped: `ended` has been called or will be.
        """
        number = next(self._numbers)
        with self._sending:
            try:
                self._socket.sendall(packed({"do": what, "number": number, **arguments}))
            except OSError as error:
                _log.debug("cannot send the command %s to the call process: %s", what, error)
        return number

    def end(self) -> None:
        """Let the process leave the call and exit, and wait for it. `ended` is called before this returns."""
        with self._sending:
            try:
                self._socket.shutdown(socket.SHUT_WR)
            except OSError as error:
                _log.debug("the call process has already exited: %s", error)
        try:
            self._process.wait(_ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._listening.join()

    def _listen(self) -> None:
        unpacker = Unpacker()
        while data := self._receive():
            for message, sound in unpacker.take(data):
                self._told(message, sound)
        code = self._process.wait()
        with self._sending:
            self._socket.close()
        self._ended(self, code)

    def _receive(self) -> bytes:
        try:
            return self._socket.recv(1 << 16)
        except OSError:  # the process exited with unread data
            return b""
