"""The keeper: a small process beside each that owns devices, and beside each of ``vmic create``.

It keeps what is promised of them (`_guard`) while Python is busy there, and takes them away when their owner
has ended, however that was. It has a session of its own, so that what ends its owner's group or terminal does
not end it too.
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

from vmic._device import create, names, registry
from vmic._device.owner import Owner
from vmic._device.registry import Device
from vmic._device.spec import MicrophoneSpec
from vmic._errors import DeviceError, ServerError
from vmic._keeper.client import GREETING
from vmic._keeper.guard import Guard
from vmic._pulse import connection
from vmic._pulse.bindings import pulsectl
from vmic._pulse.subscription import Follower

# A server that cannot be reached for so long after the owner's end has gone, and the devices with it.
_REMOVES_WITHIN = 10
# One that is restarted is back within a second; after so long nobody is logged in any more.
_SERVER_BACK_WITHIN = 60.0
# pipewire-pulse removes its devices some ms before it ends.
_SERVER_GOES_WITHIN = 1.0

_FACILITIES = ("server", "sink", "source", "sink_input", "source_output")
_STDIN, _STDOUT = 0, 1


class OwnersKeeper(Follower):
    """Keeps the devices of one process.

    That process holds the other end of standard input: a line there lets the keeper look at the server at
    once. It kills its keeper when it needs none any more; when that end closes, or the process ends (a child
    that it forked may still hold it), what it left is taken away.
    """

    def __init__(self, owner: Owner) -> None:
        super().__init__(_FACILITIES)
        self._owner = owner
        self._guard = Guard(_tell)
        self._owner_exited = False
        self._process: int | None = None
        self.wake_by(_STDIN, self._on_stdin)
        # Before Linux 5.3, and in a Python that was built there, there is none.
        with contextlib.suppress(OSError, AttributeError):
            self._process = os.pidfd_open(owner.pid)
            self.wake_by(self._process, self._on_owner_exit)
        # When its process cannot be seen, it is not known to have ended.
        if owner.has_exited([owner.client_name]):
            self._on_owner_exit()

    def react(self, pulse: pulsectl.Pulse, event: Any) -> None:
        """Keep the promises that cannot wait."""
        self._guard.react(pulse, event)

    def look(self, pulse: pulsectl.Pulse) -> None:
        """Keep the promises; at the end take all away."""
        if not self._owner_exited:
            self._guard.look(pulse, self._is_its)
            return
        for device in registry.find_both(pulse):
            if self._is_its(device):
                registry.remove(pulse, device)
        self.end()

    def lose(self) -> None:
        """The server has gone."""
        self._guard = Guard(_tell)

    def _is_its(self, device: Device) -> bool:
        return device.owner is not None and device.owner.is_process_of(self._owner)

    def _on_stdin(self) -> None:
        said = b""
        # So it is reported when the owner ended with something unread.
        with contextlib.suppress(ConnectionResetError):
            said = os.read(_STDIN, 4096)
        if not said:
            self._on_owner_exit()

    def _on_owner_exit(self) -> None:
        self._owner_exited = True
        self.ignore(_STDIN)
        if self._process is not None:
            self.ignore(self._process)
        signal.alarm(_REMOVES_WITHIN)  # also when the server hangs


class LastingKeeper(Follower):
    """Keeps one microphone that belongs to no process; after a restart of the server it makes it again."""

    def __init__(self, spec: MicrophoneSpec) -> None:
        super().__init__(_FACILITIES)
        self._recipe = spec
        self._guard = Guard(_tell)
        self._creation: str | None = None  # of the one that is kept
        self._is_to_be_made = False
        self._lost_at: float | None = None

    def react(self, pulse: pulsectl.Pulse, event: Any) -> None:
        """Keep the promises that cannot wait."""
        self._guard.react(pulse, event)

    def look(self, pulse: pulsectl.Pulse) -> None:
        """Keep the promises, until it is removed."""
        if self._is_to_be_made:
            # After a mere loss of the connection it is there.
            there = [device for device in registry.find_all(pulse) if self._is_it(device)]
            self._creation = (there[0] if there else self._make_again()).creation
            self._is_to_be_made = False
        self._lost_at = None
        kept = [d.creation for d in self._guard.look(pulse, self._is_it) if d.source is not None]
        if self._creation is None and kept:
            self._creation = kept[0]
            _say(json.dumps(GREETING))
        # Another one of its name has a keeper of its own.
        if self._creation not in kept:
            self._see_the_server_go(pulse)
            self.end()

    def lose(self) -> None:
        """The server has gone."""
        self._guard = Guard(_tell)
        self._is_to_be_made = True
        now = time.monotonic()
        self._lost_at = self._lost_at or now
        if now - self._lost_at > _SERVER_BACK_WITHIN:
            self.end()

    def _is_it(self, device: Device) -> bool:
        return device.name == self._recipe.name and device.owner is None

    def _make_again(self) -> Device:
        """Make it.

        Raises:
            ServerError: The server does not let it be made, yet: it is tried again like one that is not back.
        """
        # On a connection of its own: it follows events too.
        with connection.connect() as other:
            try:
                return create.make(other, self._recipe, owner=None, volume_guard=True, replace=False)
            except DeviceError as error:
                raise ServerError(str(error)) from error

    def _see_the_server_go(self, pulse: pulsectl.Pulse) -> None:
        """Wait whether the microphone has gone with it, which is an error here, or by somebody's hand."""
        deadline = time.monotonic() + _SERVER_GOES_WITHIN
        while (remaining := deadline - time.monotonic()) > 0:
            pulse.event_listen(timeout=remaining)


def _tell(device: Device, what: str) -> None:
    """Tell the owner; one that does not listen misses it."""
    if device.owner is not None:
        _say(json.dumps([device.owner.token, what]))


def _say(line: str) -> None:
    with contextlib.suppress(OSError):
        os.write(_STDOUT, f"{line}\n".encode())


class _ToOwner(logging.Handler):
    """Lets the owner log what the keeper logs, which has no standard error."""

    def emit(self, record: logging.LogRecord) -> None:
        _say(json.dumps(["", self.format(record)]))


def main(arguments: list[str]) -> None:
    """Be a keeper: of the owner that the one argument says, or of the microphone that the four do."""
    # The program may block signals, and who started this does: the alarm would not end it.
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    if len(arguments) == 1:
        # What ends a whole service is to end this after its owner: it has work then.
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        os.set_blocking(_STDOUT, False)
        _say(json.dumps(GREETING))
        logging.getLogger("vmic").addHandler(_ToOwner())
        owner = Owner.parse(arguments[0])
        OwnersKeeper(owner).follow(owner.client_name)
        return
    if os.fork():
        os._exit(0)  # who started it waits for this, and not for the end of the microphone
    name, description, sample_rate, channels = arguments
    spec = MicrophoneSpec(name, description, int(sample_rate), int(channels))
    LastingKeeper(spec).follow(names.keeper_client(name))


if __name__ == "__main__":
    main(sys.argv[1:])
