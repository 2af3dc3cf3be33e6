"""What brings a device back after its server, or it itself, went away, and takes it away at the end."""

from __future__ import annotations

import contextlib
import functools
import threading
import time
from collections.abc import Callable

from vmic import _atexit
from vmic._base import threads
from vmic._base.backoff import Backoff
from vmic._base.exception_log import LoggedCall
from vmic._device import registry, volume
from vmic._device.properties import SPEAKER
from vmic._device.registry import Device
from vmic._errors import ClosedError, DeviceError, ServerError
from vmic._monitor import monitor
from vmic._pulse import autostart, connection, refusals, tcp
from vmic._pulse.backend import BufferMetrics
from vmic._pulse.bindings import pulsectl
from vmic._stream.native import OPEN, Native

# How often to look whether the stream stands still, from when on it does, and how long it has then to go on.
_LOOK_AGAIN, _STANDS_STILL, _GOES_ON_WITHIN = 1.0, 0.5, 0.5

# Who takes a name over removes the device, and then makes its own.
_TAKES_OVER_WITHIN = 0.05
# A stream that the server is told to end does so within a millisecond.
_ENDS_WITHIN = 0.5

Make = Callable[[pulsectl.Pulse], Device]


class Reconnection:
    """Watches one stream; when it goes away, makes the device anew and opens the stream again.

    Attributes:
        owner: Whose the device is.
        trouble: Why the last try failed, for messages; "" when none did.
        is_removed: Whether the device was removed from a server that still runs.
    """

    def __init__(self, device: Device, stream: Native, metrics: BufferMetrics, make: Make | None) -> None:
        """Start watching.

        Args:
            device: What is on the server now.
            stream: The stream into it, or from it.
            metrics: How the stream feeds this server.
            make: Makes the device again; None for a device of somebody else's, which is waited for.
        """
        self.metrics = metrics
        self.trouble = ""
        self.is_removed = False
        self._kind, self._name, self._sink_name = device.kind, device.name, device.sink_name
        self.owner = device.owner
        self._stream = stream
        self._make = make
        # The stream's progress at the last look, and since when.
        self._progress: int | None = None
        self._moved_at = time.monotonic()
        self._was_seen = True
        self._stopped = threading.Event()
        self._reconnecting = threading.Lock()
        threads.start(self._run, "vmic-reconnection")

    def stop(self) -> None:
        """Monitor no more. Waits for a try that is under way, so that it leaves nothing behind."""
        self._stopped.set()
        if self._reconnecting.acquire(timeout=connection.TIMEOUT):
            self._reconnecting.release()

    def reason(self, does: str) -> str:
        """Why nothing goes through; `does` is what the server then fails to do: it "takes" or "gives"."""
        state = self._stream.state()
        if state.state == OPEN:
            return f"the sound server is connected but {does} no audio: it hangs, or its graph stands still"
        if self.is_removed:
            return self.trouble
        # An error of 0: the stream rested, and the server does not answer.
        said = refusals.text(state.error) if state.error else "it does not answer"
        return f"the sound server has gone: {self.trouble or said}"

    def remove_device(self) -> bool:
        """Take our device off the server, when it is there; after `stop`.

        Returns:
            Whether the server has answered. One that hangs does it later, when it goes on; and so does the
            keeper when the process takes too long to exit (110 ms for each of 25 devices on a busy machine).
        """
        if _atexit.is_overdue() and monitor.has_keeper():
            return False
        try:
            if self._make is not None:
                connection.call(self._remove_ours)
        except ServerError:
            return False
        return True

    def _find(self, pulse: pulsectl.Pulse) -> Device | None:
        find = registry.find_speaker if self._kind == SPEAKER else registry.find
        return find(pulse, self._name)

    def _remove_ours(self, pulse: pulsectl.Pulse) -> None:
        device = self._find(pulse)
        if self._make is not None and device is not None and device.owner == self.owner:
            registry.remove(pulse, device)

    def _break_off(self, pulse: pulsectl.Pulse) -> None:
        """Take our device away, and end the stream, so that both are made anew."""
        self._remove_ours(pulse)
        registry.end_streams(pulse, self._sink_name)
        # PipeWire 0.3.65 answers before it has done so, and forgets it when this connection closes (1 of 8).
        self._stream.wait_disconnected(_ENDS_WITHIN)

    def _run(self) -> None:
        look = LoggedCall(self._look, ClosedError, pause=self._stopped.wait)
        with contextlib.suppress(ClosedError):
            while not self._stopped.is_set():
                look()

    def _look(self) -> None:
        tcp.notice_silence()  # a stream that has rested has another connection now
        if self._stream.wait_disconnected(_LOOK_AGAIN):
            with self._reconnecting:
                self._reconnect()
            return
        with contextlib.suppress(ServerError, DeviceError):
            if self._stands_still() or self._is_broken():
                connection.call(self._break_off)

    def _stands_still(self) -> bool:
        """Whether nothing goes through the stream, although the server answers.

        So it is on PipeWire without its session manager; an old stream stays so when that is back (0.3.65).
        """
        before, now = self._stream.progress(), time.monotonic()
        if before is None or before != self._progress:
            self._progress, self._moved_at = before, now
            return False
        if now - self._moved_at < _STANDS_STILL + self._stream.hesitation():
            return False
        connection.call(lambda _: None)
        # One that hung has answered because it goes on again.
        self._stopped.wait(_GOES_ON_WITHIN)
        return self._stream.progress() == before

    def _is_broken(self) -> bool:
        """Whether half of our device, or all, is not there, and the keeper has not seen it go.

        So it is when the keeper was held up since before that device was made.
        """
        was_seen, self._was_seen = self._was_seen, self._stream.device_seen
        # After the end of PipeWire's session manager it is not shown for a moment.
        if self._make is None or was_seen or self._was_seen:
            return False
        device = connection.call(self._find)
        return device is None or (device.owner == self.owner and not device.complete)

    def _reconnect(self) -> None:
        backoff = Backoff()
        while not self._stopped.is_set():
            try:
                if autostart.started_here():
                    autostart.ensure_running()
                device = connection.call(self._device_again)
                self._stream.reopen()
                if not self._stream.wait_open(connection.TIMEOUT):
                    connection.call(self._remove_ours)
                elif not self._stream.is_disconnected:
                    connection.call(functools.partial(volume.set_stream_volume, sink_name=device.sink_name))
                    self.trouble, self.is_removed = "", False
                    return
            except (ServerError, DeviceError) as error:
                self.trouble = str(error)
            self._stopped.wait(backoff.next())

    def _device_again(self, pulse: pulsectl.Pulse) -> Device:
        device = self._find(pulse)
        if device is None:
            # Who takes the name over has removed it a moment ago, and makes it now.
            self._stopped.wait(_TAKES_OVER_WITHIN)
            device = self._find(pulse)
        if device is not None and device.owner == self.owner and device.complete:
            return device
        if device is not None and device.owner == self.owner:
            # Half of it is there, and is not what it was.
            registry.remove(pulse, device)
        elif device is not None:
            self.is_removed = self._is_ended_alone()
            raise DeviceError(f"{self._kind} {self._name!r} has been taken over by another program")
        if self._make is None:
            self.is_removed = self._is_ended_alone()
            raise DeviceError(f"{self._kind} {self._name!r} is not there any more")
        monitor.hurry()
        return self._make(pulse)

    def _is_ended_alone(self) -> bool:
        """Return whether the server ended the stream and went on, as it does when a device is removed.

        When the server goes itself, the error is PA_ERR_CONNECTIONTERMINATED, and whoever keeps the device
        makes it again (PulseAudio 16.1 and PipeWire 0.3.65, each of their processes ended).
        """
        return self._stream.state().error == refusals.KILLED
