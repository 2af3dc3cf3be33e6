"""The one connection on which this process follows the applications that use its devices.

These record its microphones and play to its speakers. The connection opens with the first device and closes
with the last one. All devices share it, because PulseAudio accepts 64 connections in all.
"""

from __future__ import annotations

import collections
import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from vmic._base import threads
from vmic._base.exception_log import log
from vmic._device import registry
from vmic._device.owner import Owner
from vmic._device.properties import MICROPHONE, SPEAKER
from vmic._monitor import playback_timing, recording_apps
from vmic._monitor.device_observer import DeviceKey, DeviceObserver, DeviceState
from vmic._monitor.keeper_supervisor import KeeperSupervisor
from vmic._pulse import connection
from vmic._pulse.connection import TimedCall
from vmic._pulse.server import Server
from vmic._pulse.subscription import ServerObserver
from vmic._stream.playback import PlaybackStream

# The thread ends within milliseconds. If it does not, it can be left running, because it is a daemon thread.
_STOP_TIMEOUT = 1.0
_MOST_UNTOLD = 100


class Monitor(ServerObserver):
    """The thread that follows the streams of the server and notifies each observer about its device.

    Its connection also shows other machines that this process is alive (see `Owner.client_name`).
    """

    def __init__(self) -> None:
        super().__init__(("sink", "source", "sink_input", "source_output"))
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self.wake_by(self._wake, self._woken)
        self._doubts = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self.wake_by(self._doubts, self._note_doubts)
        self._lock = threading.RLock()  # guards what follows; reentrant as `_joining` is
        # The set is replaced, never changed, so that reading it needs no lock. A microphone may be collected
        # on this thread, which then waits for `_joining`.
        self._observers: frozenset[DeviceObserver] = frozenset()
        self._streams: Mapping[DeviceObserver, PlaybackStream] = {}
        self._client_name = Owner.this_process().client_name
        self._stopping = False
        self._calls: collections.deque[TimedCall[Any]] = collections.deque()
        self._takes_calls = True  # while it connects for the first time, or is connected
        # Only the thread uses these.
        self._published: dict[DeviceObserver, DeviceState] = {}
        # Events of devices that have no observer yet, by their token.
        self._untold: collections.deque[tuple[str, str]] = collections.deque(maxlen=_MOST_UNTOLD)
        self._supervisor = KeeperSupervisor(self, self.hurry, self._tell)
        self._since: dict[tuple[int, int], float] = {}  # by stream and source
        self._levels = playback_timing.StreamLevels()
        self._latencies = playback_timing.SinkLatencies()
        self._thread = threads.start(self._run, "vmic-listeners")

    def add(self, observer: DeviceObserver, *, owns: bool, stream: PlaybackStream | None = None) -> None:
        """Notify `observer` as soon as the server has answered, and after each change.

        If the observer `owns` its device, a keeper runs from now on. A `stream` gets its level when it asks.
        """
        with self._lock:
            if stream is not None:
                stream.set_doubts(self._doubts)
                self._streams = {**self._streams, observer: stream}
            self._supervisor.is_wanted |= owns
            self._observers |= {observer}
            os.eventfd_write(self._wake, 1)

    @property
    def has_keeper(self) -> bool:
        """Return whether a keeper has answered."""
        keeper = self._supervisor.keeper
        return keeper is not None and keeper.has_answered

    def take(self, call: TimedCall[Any]) -> bool:
        """Run `call` over this connection, and return True; or return False if there is no connection."""
        with self._lock:
            # A microphone may be collected, and so removed, on the thread itself.
            is_own = self._thread is threading.current_thread()
            if self._stopping or not self._takes_calls or is_own:
                return False
            self._calls.append(call)
            os.eventfd_write(self._wake, 1)
            return True

    def hurry(self) -> None:
        """Look at the server at once, and let the keeper do so, even while both wait to reconnect."""
        with self._lock:
            if not self._stopping:
                os.eventfd_write(self._wake, 1)

    def remove(self, observer: DeviceObserver) -> bool:
        """Stop notifying `observer`. Return whether it was the last one, so that the thread ends."""
        with self._lock:
            self._observers -= {observer}
            self._streams = {key: stream for key, stream in self._streams.items() if key is not observer}
            if self._observers:
                return False
            self._stopping = True
            os.eventfd_write(self._wake, 1)
            return True

    def join(self) -> None:
        """Wait for the end of the thread, after `remove` has returned True."""
        # A microphone may be collected on the thread itself.
        if self._thread is not threading.current_thread():
            self._thread.join(_STOP_TIMEOUT)

    def react(self, server: Server, event: Any) -> None:
        """Do what cannot wait for the next look, while the keeper starts."""
        self._supervisor.react(server, event)

    def note(self, server: Server, kind: str, index: int, info: Any) -> None:
        """Do what cannot wait for the next look, while the keeper starts."""
        self._supervisor.note(server, kind, index, info)

    def work(self, server: Server) -> None:
        """Run the calls of other threads."""
        self._takes_calls = True
        while self._calls:
            self._calls.popleft().run(server)

    def _hand_back_calls(self) -> None:
        """Let the calls that have not begun connect by themselves."""
        with self._lock:
            self._takes_calls = False
            while self._calls:
                self._calls.popleft().run_alone()

    def look(self, pulse: Server) -> None:
        """Notify each observer about its device."""
        self._levels.look(pulse, self._streams.values())
        self._supervisor.look(pulse)
        is_needed = any(observer.key is not None for observer in self._observers)
        seen = self._find(pulse) if is_needed else {}
        published: dict[DeviceObserver, DeviceState] = {}

        def tell(observer: DeviceObserver) -> None:
            state = None if observer.key is None else seen.get(observer.key)
            if state is None and observer.key is not None:
                observer.lose()
            elif state is not None:
                if self._published.get(observer) != state:
                    observer.publish(state)
                published[observer] = state

        self._tell_each(tell)
        self._published = published
        untold = list(self._untold)
        self._untold.clear()
        for token, event in untold:
            self._tell(token, event)

    def lose(self) -> None:
        """Notify each observer that the server is away. All recordings end with it."""
        self._hand_back_calls()
        self._since, self._published = {}, {}
        self._levels, self._latencies = playback_timing.StreamLevels(), playback_timing.SinkLatencies()
        self._supervisor.lose()
        self._tell_each(lambda observer: observer.lose())

    def _tell_each(self, tell: Callable[[DeviceObserver], None]) -> None:
        """Call `tell` for each observer, including those after one that raises."""
        errors = []
        for observer in self._observers:
            try:
                tell(observer)
            except Exception as error:  # noqa: BLE001 (the last one is raised)
                errors.append(error)
        if errors:
            raise errors[-1]

    def _run(self) -> None:
        self.follow(self._client_name)
        self._hand_back_calls()
        self._supervisor.end()
        with self._lock:  # `remove` may still be about to write to it
            os.close(self._wake)
            os.close(self._doubts)

    def _woken(self) -> None:
        if self._stopping:
            self.end()
            return
        os.eventfd_read(self._wake)
        self._supervisor.attend()

    def _note_doubts(self) -> None:
        os.eventfd_read(self._doubts)

    def _tell(self, token: str, event: str) -> None:
        if not token:
            log.error("the keeper (watchdog process) of this program's devices reports: %s", event)

        def tell(observer: DeviceObserver) -> None:
            if observer in its:
                observer.tell(event)

        its = [one for one in self._observers if one.key and one.key[1] and one.key[1].token == token]
        self._tell_each(tell)
        if token and not its:
            self._untold.append((token, event))

    def _find(self, pulse: Server) -> dict[DeviceKey, DeviceState]:
        """Return the devices with the listeners of microphones, and whether speakers are played to."""
        devices = [device for device in registry.find_all(pulse) if device.complete]
        microphones = [device for device in devices if device.kind == MICROPHONE]
        streams = recording_apps.streams(pulse, {device.source.index for device in microphones})
        latencies = self._latencies.look(pulse, microphones)
        sink_inputs = pulse.sink_input_list() if len(microphones) < len(devices) else []
        played = {sink_input.sink for sink_input in sink_inputs if not sink_input.corked}
        now = time.time()
        self._since = {(s.index, s.source): self._since.get((s.index, s.source), now) for s in streams}
        heard_by = recording_apps.listeners(pulse, streams, self._since)
        return {
            (device.name, device.owner): DeviceState(
                heard_by.get(device.source.index, ()),
                bool(device.source.mute),
                device.kind == SPEAKER and device.sink.index in played,
                latencies.get(device.sink.index, 0),
            )
            for device in devices
        }


# ---- the monitor of this process ----

# Reentrant, because a microphone may be garbage-collected, and so call `leave`, wherever the collector runs.
_joining = threading.RLock()
_shared: Monitor | None = None


def join(observer: DeviceObserver, stream: PlaybackStream | None = None, *, owns: bool = False) -> None:
    """Notify `observer` about its device from now on, and give `stream` its level when it asks.

    A keeper runs as long as an observer `owns` its device. This does not wait for the server.
    """
    global _shared  # noqa: PLW0603 (a process has one)
    with _joining:
        if _shared is None:
            _shared = Monitor()
            connection.share(_shared.take)
        _shared.add(observer, owns=owns, stream=stream)


@contextlib.contextmanager
def owning() -> Iterator[None]:
    """Run the monitor and a keeper while the block creates a device that this process owns."""
    nobody = DeviceObserver()
    join(nobody, owns=True)
    try:
        yield
    finally:
        leave(nobody)


def has_keeper() -> bool:
    """Return whether a keeper removes this process's devices when the process exits."""
    with _joining:
        return _shared is not None and _shared.has_keeper


def hurry() -> None:
    """Let the keeper connect at once, before a device of this process is created again."""
    with _joining:
        if _shared is not None:
            _shared.hurry()


def leave(observer: DeviceObserver) -> None:
    """Stop notifying `observer`. After the last one, the monitor ends."""
    global _shared
    with _joining:
        if _shared is None or not _shared.remove(observer):
            return
        ending, _shared = _shared, None
        connection.share(None)
    ending.join()


def _forget_parent() -> None:
    """Forget the monitor in a forked child: the thread, the connection and the keeper are its parent's."""
    global _joining, _shared
    _joining, _shared = threading.RLock(), None
    connection.share(None)


os.register_at_fork(after_in_child=_forget_parent)
