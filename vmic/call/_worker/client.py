"""The program's end of the call's own process."""

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
# It leaves the call within 5 s, and lets go of its sound.
_ENDS_WITHIN = 10.0

_log = logging.getLogger("vmic")


class WorkerClient:
    """The process of one call."""

    def __init__(
        self, told: Callable[[Message, bytes], None], ended: Callable[[WorkerClient, int], None]
    ) -> None:
        """Start it; does not wait until it is there.

        Args:
            told: Takes what it tells, on a thread of this one's.
            ended: Is called with this and its exit code when it has ended, on the same thread.

        Raises:
            VmicError: There is nothing to run it with.
        """
        if missing := [name for name in _NEEDED if importlib.util.find_spec(name) is None]:
            raise VmicError(f"a call needs {' and '.join(missing)}: pip install 'vmic[call]'")
        self._told, self._ended = told, ended
        self._numbers = itertools.count()
        self._sending = threading.Lock()
        level = str(_log.getEffectiveLevel())
        is_loud = _log.isEnabledFor(logging.DEBUG)
        try:
            self._socket, its = process.sockets()
        except OSError as error:
            raise VmicError(f"the call's process cannot be reached: {error}") from error
        try:
            with its:
                self._process = subprocess.Popen(
                    [*process.command("vmic.call._worker"), level],
                    stdin=its.fileno(),
                    stdout=subprocess.DEVNULL,
                    # ALSA and PortAudio say there what is an error of nobody's.
                    stderr=None if is_loud else subprocess.DEVNULL,
                    cwd="/",
                    env=process.environment(),
                    start_new_session=True,
                )
        except OSError as error:
            self._socket.close()
            raise VmicError(f"the call's process cannot be started: {error}") from error
        self._listening = threading.Thread(target=self._listen, name="vmic-call-sound", daemon=True)
        self._listening.start()

    def send(self, what: str, **arguments: Any) -> int:
        """Let it do something; the number by which its answer is known. Does not wait.

        One that has ended is not told: `ended` has been called, or will be.
        """
        number = next(self._numbers)
        with self._sending:
            try:
                self._socket.sendall(packed({"do": what, "number": number, **arguments}))
            except OSError as error:
                _log.debug("the call's process was not told to %s: %s", what, error)
        return number

    def end(self) -> None:
        """Let it leave the call, and wait for its end; `ended` is called before this returns."""
        with self._sending:
            try:
                self._socket.shutdown(socket.SHUT_WR)
            except OSError as error:
                _log.debug("the call's process has ended already: %s", error)
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
        except OSError:  # it ended with something unread
            return b""
