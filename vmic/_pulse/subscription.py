"""Following the server: one connection, and a look after each change."""

from __future__ import annotations

import contextlib
import select
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from typing import Any

from vmic._base.backoff import Backoff
from vmic._base.exception_log import LoggedCall
from vmic._errors import DeviceError, VmicError
from vmic._pulse import connection
from vmic._pulse.bindings import pulsectl, stop_waiting

# The server, or our connection to it, has gone.
_LOSS = (VmicError, *connection.GOES)


def _never(_seconds: float) -> None:
    """Pause for no time."""


class Follower(ABC):
    """Looks at the server again and again, until `end`.

    It polls the connection's sockets itself, together with descriptors of its own: so it costs nothing while
    nothing happens, and these interrupt every wait, even when the server hangs. No exception ends it: it is
    logged, and what raised it is called again.
    """

    def __init__(self, facilities: Collection[str]) -> None:
        """Of the server's `facilities`, as pulsectl names them."""
        self._facilities = facilities
        self._wakes: dict[int, LoggedCall[[]]] = {}
        self._react = LoggedCall(self.react, pause=_never)  # the next event may be another
        self._look = LoggedCall(self.look, *_LOSS)
        self._lose = LoggedCall(self.lose)
        self._ended = False
        self._changed = False

    @abstractmethod
    def react(self, pulse: pulsectl.Pulse, event: Any) -> None:
        """This has happened, as pulsectl tells it, perhaps during a look: must not wait for an answer."""

    @abstractmethod
    def look(self, pulse: pulsectl.Pulse) -> None:
        """The server has changed, or has just been reached."""

    @abstractmethod
    def lose(self) -> None:
        """The server has gone."""

    def wake_by(self, descriptor: int, woken: Callable[[], None]) -> None:
        """Call `woken` when there is something to read, and look again after it."""
        self._wakes[descriptor] = LoggedCall(woken)

    def ignore(self, descriptor: int) -> None:
        """Wake by it no more."""
        self._wakes.pop(descriptor, None)

    def end(self) -> None:
        """Let `follow` return; to be called by `look`, or when woken."""
        self._ended = True

    def follow(self, client_name: str) -> None:
        """Follow the server, connected to it under that name, and again when it comes back."""
        backoff = Backoff()
        connect = LoggedCall(self._connect, *_LOSS)
        while True:
            with contextlib.suppress(*_LOSS):
                connect(client_name, backoff)
            if self._ended:
                return
            self._lose()
            self._poll({}, backoff.next())

    def _connect(self, client_name: str, backoff: Backoff) -> None:
        with connection.connect(client_name, self._make_wakeable) as pulse:
            backoff.reset()
            self._look_after_each_change(pulse)

    def _look_after_each_change(self, pulse: pulsectl.Pulse) -> None:

        def note(event: Any) -> None:
            self._changed = True
            self._react(pulse, event)
            raise pulsectl.PulseLoopStop

        pulse.event_callback_set(note)
        pulse.event_mask_set(*self._facilities)
        self._changed = True
        while pulse.connected and not self._ended:
            if not self._changed:
                pulse.event_listen()
                continue
            # A change may come during the look.
            self._changed = False
            # Something went during the look; that is a change of its own.
            with contextlib.suppress(pulsectl.PulseIndexError, pulsectl.PulseOperationFailed, DeviceError):
                if not self._look(pulse):
                    self._changed = True

    def _make_wakeable(self, pulse: pulsectl.Pulse) -> None:
        """Let our descriptors interrupt every wait for the server (pulsectl's own way loses calls)."""

        def poll(waited_for: list[Any], timeout: float) -> int:
            ready, woken = self._poll({one.fd: one.events for one in waited_for}, timeout)
            for one in waited_for:
                one.revents = ready.get(one.fd, 0)
            if woken:
                self._changed = True
                stop_waiting(pulse)
            if self._ended:
                # Ends what pulsectl waits for, with an error; no answer may be looked for after that.
                pulse.connected = False
            return sum(one.revents != 0 for one in waited_for)

        pulse.set_poll_func(poll)

    def _poll(self, sockets: dict[int, int], timeout: float) -> tuple[dict[int, int], bool]:
        """Wait for the sockets, and for our descriptors, whose call it makes.

        Returns:
            What came of which, and whether any of ours was among them.
        """
        poller = select.poll()
        for descriptor in self._wakes:
            poller.register(descriptor, select.POLLIN)
        for socket, events in sockets.items():
            poller.register(socket, events)
        ready = dict(poller.poll(None if timeout < 0 else timeout * 1000))
        woken = self._wakes.keys() & ready.keys()
        for descriptor in woken:
            if descriptor in self._wakes:  # one before it may have ignored it
                self._wakes[descriptor]()
        return ready, bool(woken)
