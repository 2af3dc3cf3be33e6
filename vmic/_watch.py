"""The one connection on which this process follows who records its microphones.

It is opened for the first microphone, and goes with the last: PulseAudio takes 64 in all.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
from dataclasses import dataclass
from typing import Any, Protocol

import pulsectl
from pulsectl import _pulsectl as _libpulse

from vmic import _device, _server
from vmic._errors import VmicError
from vmic._owner import Owner

# Between tries to connect again: as the microphone itself comes back (_revival).
_FIRST_PAUSE, _LAST_PAUSE = 0.05, 1.0
# The thread ends within milliseconds; one that does not is a daemon's.
_STOP_TIMEOUT = 1.0

_LOST = (VmicError, pulsectl.PulseError, pulsectl.PulseDisconnected, _libpulse.pa.CallError)

Key = tuple[str, Owner | None]  # a microphone: its name, and whose it is


@dataclass(frozen=True)
class Listener:
    """An application that records a microphone.

    Attributes:
        application: Its name, as it gives it to the sound server.
        pid: Its process; None when it does not tell.
        muted: Whether its recording is muted on the sound server: it then hears silence.
        since: When it was first seen to record, as `time.time()` counts.
    """

    application: str
    pid: int | None
    muted: bool
    since: float


class Watcher(Protocol):
    """Who wants to know."""

    key: Key

    def publish(self, listeners: tuple[Listener, ...]) -> None:
        """Take note of who records the microphone now; does not block."""

    def lose(self) -> None:
        """Take note that the server, or the microphone, has gone; does not block."""


class Watch(threading.Thread):
    """Follows every recording stream of the server, and tells the watchers of their own.

    It polls the connection's sockets itself, together with a descriptor of its own: so it costs nothing while
    nothing happens, and `remove` ends it at once even when the server hangs.
    """

    def __init__(self) -> None:
        super().__init__(name="vmic-listeners", daemon=True)
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._lock = threading.RLock()  # guards what follows; reentrant as `_joining` is
        # Replaced, never changed, so that who reads it needs no lock: a microphone may be collected on this
        # thread, and waits for `_joining` then.
        self._watchers: frozenset[Watcher] = frozenset()
        self._stopping = False
        # The thread's own.
        self._changed = False
        self._since: dict[tuple[int, int], float] = {}  # by stream and source

    def add(self, watcher: Watcher) -> None:
        """Tell `watcher`, as soon as the server has answered and after each change."""
        with self._lock:
            self._watchers |= {watcher}
            os.eventfd_write(self._wake, 1)

    def remove(self, watcher: Watcher) -> bool:
        """Tell it no more; True when it was the last, and the thread ends."""
        with self._lock:
            self._watchers -= {watcher}
            if self._watchers:
                return False
            self._stopping = True
            os.eventfd_write(self._wake, 1)
            return True

    def run(self) -> None:
        pause = _FIRST_PAUSE
        while not self._stopping:
            with contextlib.suppress(*_LOST), _server.connect(self._make_wakeable) as pulse:
                pause = _FIRST_PAUSE
                self._follow(pulse)
            # Who recorded has gone with the server, or gets an end from it.
            self._since = {}
            for watcher in self._watchers:
                watcher.lose()
            if self._is_woken(pause):
                os.eventfd_read(self._wake)
            pause = min(2 * pause, _LAST_PAUSE)
        with self._lock:  # `remove` may still be about to write to it
            os.close(self._wake)

    def _is_woken(self, seconds: float) -> bool:
        """Wait for `add` or `remove`."""
        poller = select.poll()
        poller.register(self._wake, select.POLLIN)
        return bool(poller.poll(seconds * 1000))

    def _make_wakeable(self, pulse: pulsectl.Pulse) -> None:
        """Let `add` and `remove` interrupt every wait for the server (pulsectl's own way loses calls)."""

        def poll(waited_for: list[Any], timeout: float) -> int:
            poller = select.poll()
            poller.register(self._wake, select.POLLIN)
            for one in waited_for:
                poller.register(one.fd, one.events)
            ready = dict(poller.poll(None if timeout < 0 else timeout * 1000))
            for one in waited_for:
                one.revents = ready.get(one.fd, 0)
            if ready.pop(self._wake, 0):
                self._woken(pulse)
            return len(ready)

        pulse.set_poll_func(poll)

    def _woken(self, pulse: pulsectl.Pulse) -> None:
        self._changed = True
        pulse._loop_stop = True
        if self._stopping:
            pulse.connected = False  # ends what pulsectl waits for, with an error
        else:
            os.eventfd_read(self._wake)

    def _follow(self, pulse: pulsectl.Pulse) -> None:
        """Look after each change, until the connection breaks."""

        def note(_: Any) -> None:
            self._changed = True
            raise pulsectl.PulseLoopStop

        pulse.event_callback_set(note)
        pulse.event_mask_set("source", "source_output")
        self._changed = True
        while True:
            # A change may come during the look.
            while self._changed:
                self._changed = False
                self._publish(*self._look(pulse))
            pulse.event_listen()

    def _look(self, pulse: pulsectl.Pulse) -> tuple[set[Key], dict[Key, list[Listener]]]:
        """Which microphones there are, and who records them.

        Only its source counts: on the monitor behind it there is always the source itself.
        """
        microphones = {d.source_index: (d.info.name, d.owner) for d in _device.find_all(pulse)}
        streams = [s for s in pulse.source_output_list() if s.source in microphones and _hears(s)]
        clients = {c.index: c.proplist for c in pulse.client_list()} if streams else {}
        now = time.time()
        self._since = {(s.index, s.source): self._since.get((s.index, s.source), now) for s in streams}
        listeners: dict[Key, list[Listener]] = {}
        for stream in sorted(streams, key=lambda s: self._since[s.index, s.source]):
            properties = {**clients.get(stream.client, {}), **stream.proplist}
            listener = _listener(stream, properties, self._since[stream.index, stream.source])
            listeners.setdefault(microphones[stream.source], []).append(listener)
        return set(microphones.values()), listeners

    def _publish(self, microphones: set[Key], listeners: dict[Key, list[Listener]]) -> None:
        for watcher in self._watchers:
            if watcher.key in microphones:
                watcher.publish(tuple(listeners.get(watcher.key, ())))
            else:
                watcher.lose()


def _hears(stream: Any) -> bool:
    """Whether it takes sound: a paused one does not, and a level meter only looks at how loud it is."""
    # PulseAudio 16.1 says the one, PipeWire 0.3.65 the other, of a stream with PA_STREAM_PEAK_DETECT.
    is_meter = stream.resample_method == "peaks" or stream.proplist.get("stream.monitor") == "true"
    return not stream.corked and not is_meter


def _listener(stream: Any, properties: dict[str, str], since: float) -> Listener:
    pid = properties.get("application.process.id", "")
    return Listener(
        application=properties.get("application.name") or stream.name,
        # PipeWire's own clients (pw-record) tell it as clients only.
        pid=int(pid) if pid.isdecimal() else None,
        muted=bool(stream.mute),
        since=since,
    )


# ---- the one of this process ----

# Reentrant: a microphone may be collected, and so leave, wherever the collector happens to run.
_joining = threading.RLock()
_shared: Watch | None = None


def join(watcher: Watcher) -> None:
    """Tell `watcher` who records its microphone, from now on; does not wait for the server."""
    global _shared  # noqa: PLW0603 (a process has one)
    with _joining:
        if _shared is None:
            starting = Watch()
            starting.start()
            _shared = starting
        _shared.add(watcher)


def leave(watcher: Watcher) -> None:
    """Tell `watcher` no more."""
    global _shared
    with _joining:
        if _shared is None or not _shared.remove(watcher):
            return
        ending, _shared = _shared, None
    # A microphone may be collected on the watch's own thread.
    if ending is not threading.current_thread():
        ending.join(_STOP_TIMEOUT)
