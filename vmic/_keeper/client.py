"""Starting keepers, and this process's end of its own one.

A keeper counts once it has answered: in a program that embeds Python `sys.executable` may be anything.
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
from vmic._pulse import wait
from vmic._pulse.bindings import pulsectl

# What a keeper says first.
GREETING = "keeps"
# It takes 0.2 s, on a busy machine 1 s; a server that hangs is not waited for.
_ANSWERS_WITHIN = 10.0
# Of one that has just been started, or has lost its connection.
_CONNECTS_WITHIN = 2.0


class KeeperClient:
    """The keeper of this process's microphones.

    Attributes:
        descriptor: Something can be read there when the keeper tells something, or has ended.
        since: When it was started; `time.monotonic()`.
        program: What was started.
        has_answered: Whether it is a keeper.
    """

    def __init__(self, owner: Owner, note_overdue: Callable[[], None]) -> None:
        """Start one for the `owner`, which is this process; does not wait until it is there.

        Args:
            owner: This process.
            note_overdue: Is called when it has not answered within 10 s.

        Raises:
            OSError: There is no Python, or no room for a process.
        """
        self.since = time.monotonic()
        self.has_answered = False
        self._is_due = False
        self._note_overdue = note_overdue
        self._socket, its = process.sockets()
        with its:
            command = [*process.command("vmic._keeper"), str(owner)]
            self.program = command[0]
            self._process: subprocess.Popen[bytes] = subprocess.Popen(
                command,
                stdin=its.fileno(),
                stdout=its.fileno(),
                stderr=subprocess.DEVNULL,
                cwd="/",
                env=process.environment(),
                start_new_session=True,
            )
        self.descriptor = self._socket.fileno()
        self._rest = b""
        self._answered = threading.Event()
        threads.start(self._await_answer, "vmic-keeper-answer")

    def hear(self) -> list[tuple[str, str]] | None:
        """What it has told, as tokens of devices and events; None when it has ended.

        Raises:
            ValueError: It says what no keeper does.
        """
        told = b""
        # So it is reported when the keeper ended with something unread.
        with contextlib.suppress(ConnectionResetError):
            told = os.read(self.descriptor, 1 << 16)
        if not told:
            return None
        *lines, self._rest = (self._rest + told).split(b"\n")
        said = [json.loads(line) for line in lines]
        if not self.has_answered and said:
            if said.pop(0) != GREETING:
                raise ValueError("it does not greet as a keeper does")
            self.has_answered = True
            self._answered.set()
        return [(str(token), str(event)) for token, event in said]

    @property
    def is_overdue(self) -> bool:
        """Whether it has not answered in time; what nobody has read yet may be its answer."""
        return self._is_due and not self.has_answered and not select.select([self._socket], [], [], 0)[0]

    def _await_answer(self) -> None:
        if not self._answered.wait(_ANSWERS_WITHIN):
            self._is_due = True
            self._note_overdue()

    def hurry(self) -> None:
        """Let it look at the server now, also when it waits to connect to it again."""
        # One that stands still, or has just ended, misses it.
        with contextlib.suppress(OSError):
            self._socket.send(b"\n", socket.MSG_DONTWAIT)

    def end(self) -> int:
        """End it, when it has not; for when there is no microphone any more. Returns with what it ended."""
        self._answered.set()
        self._process.kill()
        self._socket.close()
        return self._process.wait()


def start_lasting(spec: MicrophoneSpec) -> None:
    """Start the keeper of a microphone of ``vmic create``: it outlives the caller, and its terminal.

    Blocks until it keeps, at most 10 s.

    Raises:
        DeviceError: It does not.
        OSError: There is no Python, or no room for a process.
    """
    command = [*process.command("vmic._keeper"), *map(str, dataclasses.astuple(spec))]
    keeper = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env=process.environment(),
        start_new_session=True,
    )
    assert keeper.stdout
    with keeper.stdout:
        came = select.select([keeper.stdout], [], [], _ANSWERS_WITHIN)[0]
        if came and os.read(keeper.stdout.fileno(), 4096) == f"{json.dumps(GREETING)}\n".encode():
            keeper.wait()  # the keeper is a child of this one (see _keeper)
            return
    keeper.kill()
    how = "ended" if came else f"did not answer within {_ANSWERS_WITHIN:g} s"
    raise DeviceError(
        f"no keeper guards microphone {spec.name!r}: {command[0]} {how} (exit code {keeper.wait()}); it "
        "must be Python, and the sound server must answer"
    )


def is_guarded(pulse: pulsectl.Pulse, device: Device) -> bool:
    """Return whether a microphone has a keeper; one of ``vmic create`` may take 2 s to connect (again).

    The keeper of a program's is that program's to replace, and half a microphone is to be removed.
    """
    if device.owner is not None or not device.complete:
        return True
    return wait.await_client(pulse, names.keeper_client(device.name), _CONNECTS_WITHIN)


def replace_lost(device: Device) -> None:
    """Start a keeper for a microphone of ``vmic create`` that has none, and warn."""
    identity = device.properties
    spec = MicrophoneSpec(device.name, device.source.description, identity.sample_rate, identity.channels)
    try:
        start_lasting(spec)
    except OSError as error:
        message = f"microphone {device.name!r} has no keeper, and none can be started: {error}"
    else:
        message = f"microphone {device.name!r} had no keeper: another one is started"
    warnings.warn(message, RuntimeWarning, stacklevel=3)
