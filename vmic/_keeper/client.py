"""The start of keepers, and the client of this process's own keeper.

A keeper counts only after it has answered. In a program that embeds Python, `sys.executable` may be anything.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import select
import socket
import subprocess
import threading
import time
import warnings
from collections.abc import Callable

from vmic._base import process, threads
from vmic._device import names
from vmic._device.owner import Owner
from vmic._device.registry import Device
from vmic._device.spec import MicrophoneSpec
from vmic._errors import DeviceError
from vmic._pulse import await_objects
from vmic._pulse.server import Server

GREETING = "keeps"  # the first message of a keeper
READY = "guards"  # its message when it has looked at the server for the first time
# An answer takes 0.2 s, or 1 s on a busy machine. A server that hangs gets no more time.
_ANSWERS_WITHIN = 10.0
# How long a keeper that has just started, or has lost its connection, may take to connect.
_CONNECTS_WITHIN = 2.0


class KeeperClient:
    """The client of the keeper of this process's microphones.

    Attributes:
        descriptor: A file descriptor that is readable when the keeper has sent something or has exited.
        since: When the keeper was started, as from `time.monotonic()`.
        program: The program that was started.
        has_answered: Whether the program has answered as a keeper.
        is_ready: Whether the keeper guards the devices.
    """

    def __init__(self, owner: Owner, note_overdue: Callable[[], None]) -> None:
        """Start a keeper for the `owner`, which is this process. This does not wait until it runs.

        Args:
            owner: This process.
            note_overdue: A function to call if the keeper does not answer within 10 s.

        Raises:
            OSError: There is no Python, or no process can be started.
        """
        self.since = time.monotonic()
        self.has_answered = self.is_ready = False
        self._is_due = False
        self._note_overdue = note_overdue
        self._socket, its = process.sockets()
        with its:
            self._process = process.start("vmic._keeper", str(owner), stdin=its.fileno(), stdout=its.fileno())
        self.program = process.command("vmic._keeper")[0]
        self.descriptor = self._socket.fileno()
        self._rest = b""
        self._answered = threading.Event()
        threads.start(self._await_answer, "vmic-keeper-answer")

    def hear(self) -> list[tuple[str, str]] | None:
        """Return what the keeper has reported, as tokens of devices and events. None if it has exited.

        Raises:
            ValueError: The answer is not that of a keeper.
        """
        told = b""
        # Raised if the keeper exited with unread data in its end.
        with contextlib.suppress(ConnectionResetError):
            told = os.read(self.descriptor, 1 << 16)
        if not told:
            return None
        *lines, self._rest = (self._rest + told).split(b"\n")
        said = [json.loads(line) for line in lines]
        if not self.has_answered and said:
            if said.pop(0) != GREETING:
                raise ValueError("the first message is not the greeting of a keeper")
            self.has_answered = True
            self._answered.set()
        self.is_ready |= READY in said
        return [(str(token), str(event)) for token, event in (one for one in said if one != READY)]

    @property
    def is_overdue(self) -> bool:
        """Return whether the keeper has not answered in time. Unread data counts as a possible answer."""
        return self._is_due and not self.has_answered and not select.select([self._socket], [], [], 0)[0]

    def _await_answer(self) -> None:
        if not self._answered.wait(_ANSWERS_WITHIN):
            self._is_due = True
            self._note_overdue()

    def hurry(self) -> None:
        """Let the keeper look at the server now, even while it waits to reconnect."""
        # A keeper that stands still, or has just exited, misses the request.
        with contextlib.suppress(OSError):
            self._socket.send(b"\n", socket.MSG_DONTWAIT)

    def end(self) -> int:
        """Kill the keeper if it still runs, when no microphone is left. Return its exit code."""
        self._answered.set()
        self._process.kill()
        self._socket.close()
        return self._process.wait()


def start_lasting(spec: MicrophoneSpec) -> None:
    """Start the keeper of a microphone of ``vmic create``. It outlives the caller and its terminal.

    This blocks until the keeper guards the microphone, up to 10 s.

    Raises:
        DeviceError: The keeper does not guard the microphone.
        OSError: There is no Python, or no process can be started.
    """
    keeper = process.start("vmic._keeper", *map(str, dataclasses.astuple(spec)), stdout=subprocess.PIPE)
    assert keeper.stdout
    with keeper.stdout:
        came = select.select([keeper.stdout], [], [], _ANSWERS_WITHIN)[0]
        if came and os.read(keeper.stdout.fileno(), 4096) == f"{json.dumps(GREETING)}\n".encode():
            keeper.wait()  # this process exits at once; the keeper is its child (see `__main__`)
            return
    keeper.kill()
    program = process.command("vmic._keeper")[0]
    how = "exited" if came else f"did not answer within {_ANSWERS_WITHIN:g} s"
    raise DeviceError(
        f"{program} {how} (exit code {keeper.wait()}). Check that {program} is a Python interpreter, and "
        "that the sound server answers"
    )


def is_guarded(pulse: Server, device: Device) -> bool:
    """Return whether a microphone has a keeper. This waits up to 2 s until the keeper is connected (again).

    Only complete microphones of ``vmic create`` are checked. A program replaces the keeper of its own
    microphones, and half a microphone must be removed.
    """
    if device.owner is not None or not device.complete:
        return True
    return await_objects.await_client(pulse, names.keeper_client(device.name), _CONNECTS_WITHIN)


def replace_lost(device: Device) -> None:
    """Start a keeper for a microphone of ``vmic create`` that has none, and warn."""
    identity = device.properties
    spec = MicrophoneSpec(device.name, device.source.description, identity.sample_rate, identity.channels)
    try:
        start_lasting(spec)
    except OSError as error:
        message = (
            f"microphone {device.name!r} is not guarded: its keeper (watchdog process) has exited, and vmic "
            f"could not start another: {error}"
        )
    else:
        message = f"the keeper (watchdog process) of microphone {device.name!r} had exited: vmic restarted it"
    warnings.warn(message, RuntimeWarning, stacklevel=3)
