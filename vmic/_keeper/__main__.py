"""The keeper: a small process for each process that owns devices, and for each microphone of ``vmic create``.

The keeper guards the devices (`vmic._keeper.guard`) even while their owner is busy in Python. It removes them
when their owner has exited for any reason. It runs in a separate session, so that it survives the end of its
owner's process group or terminal.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import sys
import time
from typing import Any

from vmic._device import create, fallback_sink, names, registry
from vmic._device.owner import Owner
from vmic._device.registry import Device
from vmic._device.spec import MicrophoneSpec
from vmic._errors import DeviceError, ServerError
from vmic._keeper.client import GREETING, READY
from vmic._keeper.guard import Guard
from vmic._pulse import await_objects, connection
from vmic._pulse.server import Server
from vmic._pulse.subscription import ServerObserver

# Seconds after the owner's exit. A server that cannot be reached for that long is gone, with the devices.
_REMOVES_WITHIN = 10
# A server that restarts is back within a second. After this time the user has
# probably logged out.
_SERVER_BACK_WITHIN = 60.0
# pipewire-pulse removes its devices some ms before it exits.
_SERVER_GOES_WITHIN = 1.0

_KINDS = ("sink", "source", "sink_input", "source_output")
_STDIN, _STDOUT = 0, 1


class OwnerKeeper(ServerObserver):
    """The keeper of the devices of one process, the owner.

    The owner holds the other end of standard input. A line there makes the keeper look at the server at once.
    The owner kills its keeper when it needs none any more. The keeper removes the remaining devices when that
    end closes, or when the owner exits (a forked child may still hold that end then).
    """

    def __init__(self, owner: Owner) -> None:
        super().__init__(_KINDS)
        self._owner = owner
        self._guard = Guard(_tell)
        self._owner_exited = self._said_ready = False
        self._process: int | None = None
        self.wake_by(_STDIN, self._on_stdin)
        # There is no pidfd_open before Linux 5.3, or in a Python that was built there.
        with contextlib.suppress(OSError, AttributeError):
            self._process = os.pidfd_open(owner.pid)
            self.wake_by(self._process, self._on_owner_exit)
        # An owner whose process cannot be seen does not count as exited: its name is passed as connected.
        if owner.has_exited([owner.client_name]):
            self._on_owner_exit()

    def react(self, server: Server, event: Any) -> None:
        """Do what cannot wait for the next look."""
        self._guard.react(server, event)

    def note(self, server: Server, kind: str, index: int, info: Any) -> None:
        """Do what cannot wait for the next look."""
        self._guard.note(server, kind, index, info)

    def look(self, pulse: Server) -> None:
        """Guard the devices. After the owner's exit, remove them all and end."""
        if not self._owner_exited:
            self._guard.look(pulse, self._is_its)
            if not self._said_ready:
                self._said_ready = True
                _say(json.dumps(READY))
            return
        for device in registry.find_all(pulse):
            if self._is_its(device):
                registry.remove(pulse, device)
        fallback_sink.remove_idle(pulse)  # also if the devices were to be created again
        self.end()

    def lose(self) -> None:
        """Forget the state of the disconnected server."""
        self._guard = Guard(_tell)

    def _is_its(self, device: Device) -> bool:
        return device.owner is not None and device.owner.is_process_of(self._owner)

    def _on_stdin(self) -> None:
        said = b""
        # Raised if the owner exited with unread data in its end.
        with contextlib.suppress(ConnectionResetError):
            said = os.read(_STDIN, 4096)
        if not said:
            self._on_owner_exit()

    def _on_owner_exit(self) -> None:
        self._owner_exited = True
        self.ignore(_STDIN)
        if self._process is not None:
            self.ignore(self._process)
        signal.alarm(_REMOVES_WITHIN)  # ends the keeper even if the server hangs


class OwnerlessKeeper(ServerObserver):
    """The keeper of a microphone without an owner. It recreates the microphone after a server restart."""

    def __init__(self, spec: MicrophoneSpec) -> None:
        super().__init__(_KINDS)
        self._spec = spec
        self._guard = Guard(_tell)
        self._creation: str | None = None  # of the microphone that is guarded
        self._is_to_be_made = False
        self._lost_at: float | None = None

    def react(self, server: Server, event: Any) -> None:
        """Do what cannot wait for the next look."""
        self._guard.react(server, event)

    def note(self, server: Server, kind: str, index: int, info: Any) -> None:
        """Do what cannot wait for the next look."""
        self._guard.note(server, kind, index, info)

    def look(self, pulse: Server) -> None:
        """Guard the microphone until it is removed."""
        if self._is_to_be_made:
            # The microphone still exists if only the connection was lost.
            there = [device for device in registry.find_microphones(pulse) if self._is_it(device)]
            self._creation = (there[0] if there else self._make_again(pulse)).creation
            self._is_to_be_made = False
        self._lost_at = None
        kept = [d.creation for d in self._guard.look(pulse, self._is_it) if d.source is not None]
        if self._creation is None and kept:
            self._creation = kept[0]
            _say(json.dumps(GREETING))
        # Another microphone with the same name has its own keeper.
        if self._creation not in kept:
            self._see_the_server_go(pulse)
            fallback_sink.remove_idle(pulse)
            self.end()

    def lose(self) -> None:
        """Prepare to create the microphone again. End if the server is away for too long."""
        self._guard = Guard(_tell)
        self._is_to_be_made = True
        now = time.monotonic()
        self._lost_at = self._lost_at or now
        if now - self._lost_at > _SERVER_BACK_WITHIN:
            self.end()

    def _is_it(self, device: Device) -> bool:
        return device.name == self._spec.name and device.owner is None

    def _make_again(self, pulse: Server) -> Device:
        """Create the microphone again, and wait until `pulse` shows it.

        Raises:
            ServerError: The server refuses it for now. It is tried again, as for a server that is not back.
        """
        # This needs a separate connection, because the creation follows events too.
        with connection.connect() as other:
            try:
                made = create.make(other, self._spec, owner=None, volume_guard=True, replace=False)
                shown: Device = await_objects.await_listed(
                    pulse,
                    lambda: registry.find_microphones(pulse),
                    lambda device: device.complete and device.creation == made.creation,
                    self._spec.source_name,
                    f"microphone {self._spec.name!r}",
                )
                return shown
            except DeviceError as error:
                raise ServerError(str(error)) from error

    def _see_the_server_go(self, pulse: Server) -> None:
        """Wait until it is clear why the microphone was removed.

        If the server exits, this raises the error of the lost connection. If it does not, somebody removed
        the microphone.
        """
        deadline = time.monotonic() + _SERVER_GOES_WITHIN
        while (remaining := deadline - time.monotonic()) > 0:
            pulse.event_listen(timeout=remaining)


def _tell(device: Device, what: str) -> None:
    """Report an event of `device` to its owner. An owner that does not read misses it."""
    if device.owner is not None:
        _say(json.dumps([device.owner.token, what]))


def _say(line: str) -> None:
    with contextlib.suppress(OSError):
        os.write(_STDOUT, f"{line}\n".encode())


class _ToOwner(logging.Handler):
    """A handler that passes log messages to the owner, because the keeper has no standard error."""

    def emit(self, record: logging.LogRecord) -> None:
        _say(json.dumps(["", self.format(record)]))


def main(arguments: list[str]) -> None:
    """Run the keeper of the owner in the only argument, or of the microphone in the four arguments."""
    # The program may block signals, and the thread that started this process does. The alarm would then not
    # end the keeper.
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    if len(arguments) == 1:
        # Signals that end a whole service must not end the keeper: it has work after the end of its owner.
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        os.set_blocking(_STDOUT, False)
        _say(json.dumps(GREETING))
        logging.getLogger("vmic").addHandler(_ToOwner())
        owner = Owner.parse(arguments[0])
        OwnerKeeper(owner).follow(owner.client_name)
        return
    if os.fork():
        os._exit(0)  # the caller waits for this process, not for the end of the microphone
    name, description, sample_rate, channels = arguments
    spec = MicrophoneSpec(name, description, int(sample_rate), int(channels))
    OwnerlessKeeper(spec).follow(names.keeper_client(name))


if __name__ == "__main__":
    main(sys.argv[1:])
