"""The listeners of one microphone: how to get them, wait for them, and be called when they change."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

from vmic._base.notifier import Notifier
from vmic._base.validation import MAX_SECONDS, seconds
from vmic._base.waiter import TaskWaiter, ThreadWaiter, Waiter, run
from vmic._errors import ClosedError, ServerError
from vmic._monitor import monitor
from vmic._monitor.device_observer import DeviceKey, DeviceObserver, DeviceState
from vmic._monitor.recording_apps import Listener
from vmic._pulse import connection
from vmic._stream.playback import PlaybackStream

ListenersCallback = Callable[[tuple[Listener, ...]], object]


class Listeners(DeviceObserver):
    """The listeners of one microphone. Its stream is suspended while nobody listens or writes."""

    key: DeviceKey

    def __init__(self, key: DeviceKey, stream: PlaybackStream) -> None:
        """Follow the listeners of the microphone `key`, into which `stream` plays."""
        self.key = key
        self._stream = stream
        self._lock = threading.RLock()  # guards what follows; a microphone may be collected anywhere
        self._closed = False
        self._now: tuple[Listener, ...] | None = None  # None: not known yet
        self._waiters: list[Waiter] = []
        self._notifier: Notifier[tuple[Listener, ...]] = Notifier("listeners", ())
        monitor.join(self, stream)

    def publish(self, state: DeviceState) -> None:
        """Note the listeners. The monitor calls this."""
        self._stream.device_seen = True
        if state.latency:  # only on PulseAudio
            with contextlib.suppress(ClosedError):  # as in `_note`
                self._stream.show_latency(state.latency)
        self._note(state.listeners, listened=bool(state.listeners))

    def lose(self) -> None:
        """Note that the server is away or the microphone was removed. The monitor calls this.

        The stream is told that an application listens: a suspended stream then wakes and notices the loss.
        """
        self._stream.device_seen = False
        self._note((), listened=True)

    def now(self) -> tuple[Listener, ...]:
        """Return the listeners. This blocks until the first answer of the server."""
        if not run(self._wait(ThreadWaiter(), lambda: self._known() is not None, connection.TIMEOUT)):
            raise ServerError(
                f"cannot list the listeners of microphone {self.key[0]!r}: the sound server at "
                f"{connection.address()} did not answer within {connection.TIMEOUT:g} s. Restart it"
            )
        return self._known() or ()

    def is_heard(self) -> bool:
        """Return whether an unmuted listener is known. This does not block."""
        return any(not listener.muted for listener in self._known() or ())

    async def wait(self, waiter: Waiter, timeout: float | None) -> bool:
        """Wait up to `timeout` seconds for an unmuted listener, and return whether there is one."""
        limit = MAX_SECONDS if timeout is None else seconds("timeout", timeout)
        return await self._wait(waiter, self.is_heard, limit)

    async def _wait(self, waiter: Waiter, happened: Callable[[], bool], limit: float) -> bool:
        """Wait up to `limit` seconds until a change after which `happened` returns True."""
        deadline = time.monotonic() + limit
        with self._wakeups(waiter):
            while not happened():
                if not await waiter.woken(deadline - time.monotonic()):
                    return False
        return True

    @contextlib.contextmanager
    def _wakeups(self, waiter: Waiter) -> Iterator[None]:
        """Wake `waiter` after each change and at `close`, while the block runs."""
        with self._lock:
            self._waiters.append(waiter)
        try:
            yield
        finally:
            with self._lock:
                self._waiters.remove(waiter)

    def call(self, callback: ListenersCallback | None) -> None:
        """Call `callback` after each change, in place of the previous one. None only removes that."""
        self._known()
        self._notifier.call(callback)

    def close(self) -> None:
        """Stop following the listeners, and end every wait. A running callback continues to its end."""
        with self._lock:
            self._closed = True
            self._wake_all()
        self._notifier.close()
        monitor.leave(self)

    def _known(self) -> tuple[Listener, ...] | None:
        self._stream.check_process()
        with self._lock:
            if self._closed:
                raise ClosedError(f"microphone {self.key[0]!r} is closed")
            return self._now

    def _note(self, listeners: tuple[Listener, ...], *, listened: bool) -> None:
        with self._lock:
            if self._closed:
                return
            self._now = listeners
            self._notifier.note(listeners)
            with contextlib.suppress(ClosedError):  # a microphone whose creation failed is closed
                self._stream.set_listened(listened)
            self._wake_all()

    def _wake_all(self) -> None:
        for waiter in list(self._waiters):
            waiter.wake()


class WithListeners:
    """The part of a microphone that shows its listeners."""

    _listeners: Listeners

    @property
    def listeners(self) -> tuple[Listener, ...]:
        """Return the applications that record the microphone now, in the order in which they began.

        Level meters and paused recordings do not count. The answer is a few milliseconds old, and empty while
        the server is disconnected. This blocks only just after the microphone was created, until
        the server has answered, for at most 5 s.

        Raises:
            ServerError: The sound server does not answer within these 5 s.
            ClosedError: The microphone is closed.
        """
        return self._listeners.now()

    def wait_for_listener(self, timeout: float | None = None) -> bool:
        """Wait until an application records the microphone, and its recording is not muted.

        This also waits while the server is disconnected.

        Args:
            timeout: How many seconds to wait at most. None waits without limit.

        Returns:
            True when an application records the microphone, False if `timeout` passed first.

        Raises:
            ClosedError: The microphone is closed, or was closed during the wait.
        """
        return run(self._listeners.wait(ThreadWaiter(), timeout))

    async def wait_for_listener_async(self, timeout: float | None = None) -> bool:
        """Wait as `wait_for_listener` does, with the same result, without blocking the event loop.

        Args:
            timeout: As in `wait_for_listener`.
        """
        return await self._listeners.wait(TaskWaiter(), timeout)

    def on_listeners_changed(self, callback: ListenersCallback | None) -> None:
        """Call `callback` with `listeners` whenever they change, and at once if there are listeners already.

        The callback runs on a thread of vmic. It may be slow and may use the microphone. vmic logs its
        exceptions. A change that is undone while the callback still runs is not reported. After `close`, vmic
        does not call the callback. This does not block.

        Args:
            callback: A function of a tuple of `Listener`. It replaces the previous callback. None removes the
                callback.

        Raises:
            TypeError: `callback` is not a function.
            ClosedError: The microphone is closed.
        """
        self._listeners.call(callback)
