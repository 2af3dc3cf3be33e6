"""Follow the server over one connection, and look at it after each change."""

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
from vmic._pulse.server import Server

# Raised when the server, or our connection to it, is lost.
_LOSS = (VmicError, *connection.GOES)


def _never(_seconds: float) -> None:
    """Return at once, without a pause."""


class ServerObserver(ABC):
    """Looks at the server after each change, until `end`.

    An observer polls the connection's sockets itself, together with its own descriptors. It therefore costs
    nothing while nothing happens, and the descriptors interrupt every wait, even if the server hangs. No
    exception ends an observer: exceptions are logged, and the method that raised is called again.
    """

    def __init__(self, kinds: Collection[str]) -> None:
        """Follow these `kinds` of objects (see `Server.follow`)."""
        self._kinds = kinds
        self._wakes: dict[int, LoggedCall[[]]] = {}
        # The next event or object may be a different one.
        self._react = LoggedCall(self.react, pause=_never)
        self._note_object = LoggedCall(self.note, pause=_never)
        self._look = LoggedCall(self.look, *_LOSS)
        self._lose = LoggedCall(self.lose)
        self._ended = False
        self._is_due = False

    def react(self, server: Server, event: Any) -> None:  # noqa: B027 (most events can wait)
        """Handle an event of pulsectl at once, possibly during a look. Must not wait for an answer."""

    def note(self, server: Server, kind: str, index: int, info: Any) -> None:  # noqa: B027 (likewise)
        """Handle what the server shows of an object, at once. Must not wait for an answer.

        `info` is None if the server no longer has it.
        """

    def work(self, server: Server) -> None:  # noqa: B027 (most observers only look)
        """Do what other threads have requested."""

    @abstractmethod
    def look(self, server: Server) -> None:
        """Look at the server, which has changed or has just been reached."""

    @abstractmethod
    def lose(self) -> None:
        """Handle the loss of the server."""

    def wake_by(self, descriptor: int, woken: Callable[[], None]) -> None:
        """Call `woken` when `descriptor` is readable, and look again afterwards."""
        self._wakes[descriptor] = LoggedCall(woken)

    def ignore(self, descriptor: int) -> None:
        """Stop watching `descriptor`."""
        self._wakes.pop(descriptor, None)

    def end(self) -> None:
        """Make `follow` return. To be called by `look`, or when woken."""
        self._ended = True

    def follow(self, client_name: str) -> None:
        """Follow the server, connected as `client_name`, and reconnect when it comes back."""
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
        with connection.connect(client_name, self._make_wakeable) as server:
            backoff.reset()
            server.on_event = lambda event: self._react(server, event)
            server.on_object = lambda kind, index, info: self._note_object(server, kind, index, info)
            server.follow(*self._kinds)
            self._look_after_each_change(server)

    def _look_after_each_change(self, server: Server) -> None:
        self._is_due = True
        seen = server.changes
        while server.connected and not self._ended:
            if not self._is_due and server.changes == seen:
                server.event_listen()
                continue
            self._is_due = False
            self.work(server)
            # A change may arrive during the look.
            seen = server.changes
            # An object was removed during the look, which causes a change event of its own.
            with contextlib.suppress(pulsectl.PulseIndexError, pulsectl.PulseOperationFailed, DeviceError):
                with server.current():
                    looked = self._look(server)
                if not looked:
                    self._is_due = True

    def _make_wakeable(self, server: Server) -> None:
        """Let our descriptors interrupt every wait for the server (pulsectl's own method loses calls)."""

        def poll(waited_for: list[Any], timeout: float) -> int:
            ready, woken = self._poll({one.fd: one.events for one in waited_for}, timeout)
            for one in waited_for:
                one.revents = ready.get(one.fd, 0)
            if woken:
                self._is_due = True
                stop_waiting(server)
            if self._ended:
                # This ends the wait of pulsectl with an error. vmic must not read an answer after that.
                server.connected = False
            return sum(one.revents != 0 for one in waited_for)

        server.set_poll_func(poll)

    def _poll(self, sockets: dict[int, int], timeout: float) -> tuple[dict[int, int], bool]:
        """Wait for the sockets and for our descriptors, and make the calls of ready descriptors.

        Returns:
            The events of each ready descriptor, and whether any of ours was among them.
        """
        poller = select.poll()
        for descriptor in self._wakes:
            poller.register(descriptor, select.POLLIN)
        for socket, events in sockets.items():
            poller.register(socket, events)
        ready = dict(poller.poll(None if timeout < 0 else timeout * 1000))
        woken = self._wakes.keys() & ready.keys()
        for descriptor in woken:
            if descriptor in self._wakes:  # an earlier call may have ignored it
                self._wakes[descriptor]()
        return ready, bool(woken)
