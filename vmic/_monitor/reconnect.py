"""The reconnection of a device whose server disconnected or that was removed, and its removal at the end."""

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
from vmic._device import fallback_sink, registry, volume
from vmic._device.properties import SPEAKER
from vmic._device.registry import Device
from vmic._errors import ClosedError, DeviceError, ServerError
from vmic._monitor import monitor
from vmic._pulse import autostart, connection, error_codes, server_profiles, tcp
from vmic._pulse.server import Server
from vmic._pulse.server_profiles import BufferMetrics
from vmic._stream.native import OPEN, NativeStream

# Seconds between two checks of the stream, seconds without progress after which the stream stands still, and
# seconds that it then has to continue.
_LOOK_AGAIN, _STANDS_STILL, _GOES_ON_WITHIN = 1.0, 0.5, 0.5

# A program that takes a name over removes the device, and creates its own device after that.
_TAKES_OVER_WITHIN = 0.05
# A stream ends within a millisecond after the request to the server.
_ENDS_WITHIN = 0.5

Make = Callable[[Server], Device]


class Reconnection:
    """The thread of one stream. If it disconnects, the thread recreates the device and reopens the stream.

    Attributes:
        owner: The owner of the device.
        owns: Whether this object creates and removes the device.
        trouble: Why the last attempt failed, for messages. "" if it did not fail.
        is_removed: Whether the device was removed from a server that still runs.
    """

    def __init__(
        self, device: Device, stream: NativeStream, metrics: BufferMetrics, make: Make | None
    ) -> None:
        """Start watching.

        Args:
            device: The device that is on the server now.
            stream: The stream into the device, or from it.
            metrics: The buffer metrics of this server.
            make: A function that creates the device again. None for a device with another owner; the thread
                then waits until that device is back.
        """
        self.metrics = metrics
        self.trouble = ""
        self.is_removed = False
        self._kind, self._name, self._sink_name = device.kind, device.name, device.sink_name
        self.owner = device.owner
        self._stream = stream
        self._make = make
        self.owns = make is not None
        # The stream's progress at the last look, and the time of its last change.
        self._progress: int | None = None
        self._moved_at = time.monotonic()
        self._was_seen = True
        self._stopped = threading.Event()
        self._reconnecting = threading.Lock()
        threads.start(self._run, "vmic-reconnection")

    def stop(self) -> None:
        """Stop watching. This waits up to 5 s for an attempt that is under way, so that no device is left."""
        self._stopped.set()
        if self._reconnecting.acquire(timeout=connection.TIMEOUT):
            self._reconnecting.release()

    def reason(self, does: str) -> str:
        """Return why no audio goes through. The server fails to do what `does` says: "play" or "record"."""
        state = self._stream.state()
        if state.state == OPEN:
            return (
                f"the sound server is connected, but does not {does} audio (it hangs, or its audio graph is "
                "stalled). Restart the sound server"
            )
        if self.trouble:
            return self.trouble
        # An error of 0 means that the stream was suspended and the server does not answer.
        said = error_codes.text(state.error) if state.error else "it does not answer"
        return f"the sound server is disconnected: {said}"

    def remove_device(self) -> bool:
        """Remove our device from the server if it is there. Call this after `stop`.

        Returns:
            Whether the server has answered. A server that hangs removes the device later, when it continues.
            The keeper removes it if the process takes too long to exit (110 ms for each of 25 devices on a
            busy machine).
        """
        if _atexit.is_overdue() and monitor.has_keeper():
            return False
        try:
            if self._make is not None:
                connection.call(self._remove_ours)
        except ServerError:
            return False
        return True

    def _find(self, pulse: Server) -> Device | None:
        find = registry.find_speaker if self._kind == SPEAKER else registry.find
        return find(pulse, self._name)

    def _remove_ours(self, pulse: Server) -> None:
        fallback_sink.remove_idle(pulse, self._unload_ours(pulse))

    def _unload_ours(self, pulse: Server) -> str | None:
        """Unload our device, and return the name of its sink; None if the device is not there."""
        device = self._find(pulse)
        if self._make is None or device is None or device.owner != self.owner:
            return None
        registry.unload(pulse, device)
        return device.sink_name

    def _break_off(self, pulse: Server) -> None:
        """Remove our device and end the stream, so that both are created again."""
        self._unload_ours(pulse)
        registry.end_streams(pulse, self._sink_name)
        # PipeWire 0.3.65 answers before it ends the stream, and forgets the request when this connection
        # closes (1 of 8).
        self._stream.wait_disconnected(_ENDS_WITHIN)

    def _run(self) -> None:
        look = LoggedCall(self._look, ClosedError, pause=self._stopped.wait)
        with contextlib.suppress(ClosedError):
            while not self._stopped.is_set():
                look()

    def _look(self) -> None:
        tcp.notice_silence()  # a stream that was suspended has another connection now
        if self._stream.wait_disconnected(_LOOK_AGAIN):
            with self._reconnecting:
                self._reconnect()
            return
        with contextlib.suppress(ServerError, DeviceError):
            if self._stands_still() or self._is_broken():
                connection.call(self._break_off)

    def _stands_still(self) -> bool:
        """Return whether no audio goes through the stream although the server answers.

        This happens on PipeWire without its session manager. An old stream stays that way when the session
        manager is back (0.3.65).
        """
        before, now = self._stream.progress(), time.monotonic()
        if before is None or before != self._progress:
            self._progress, self._moved_at = before, now
            return False
        if now - self._moved_at < _STANDS_STILL + self._stream.hesitation():
            return False
        connection.call(lambda _: None)
        # A server that hung may have answered because it continues. Then the stream continues too.
        self._stopped.wait(_GOES_ON_WITHIN)
        return self._stream.progress() == before

    def _is_broken(self) -> bool:
        """Return whether half or all of our device is missing and the keeper has not noticed the loss.

        This happens if the keeper was held up since before the device was created.
        """
        was_seen, self._was_seen = self._was_seen, self._stream.device_seen
        # After PipeWire's session manager exits, the device is not shown for a moment.
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
                    connection.call(self._unload_ours)
                elif not self._stream.is_disconnected:
                    connection.call(functools.partial(self._settle, device=device))
                    self.trouble, self.is_removed = "", False
                    return
            except (ServerError, DeviceError) as error:
                self.trouble = str(error)
            self._stopped.wait(backoff.next())

    def _settle(self, server: Server, device: Device) -> None:
        volume.set_stream_volume(server, device.sink_name)
        if self.owns:
            settles = server_profiles.of(server).settles
            volume.set_volumes(server, device.sink_name, device.source_name, settles)

    def _device_again(self, pulse: Server) -> Device:
        device = self._find(pulse)
        if device is None:
            # A program that takes the name over may have just removed the device, and may create its own now.
            self._stopped.wait(_TAKES_OVER_WITHIN)
            device = self._find(pulse)
        if device is not None and device.owner == self.owner and device.complete:
            return device
        if device is not None and device.owner != self.owner:
            self.is_removed = self._is_ended_alone()
            raise DeviceError(f"another program has taken over the name {self._name!r}")
        if self._make is None:
            # Its owner or its keeper may be creating it: half of it may be there.
            self.is_removed = self._is_ended_alone()
            raise DeviceError(f"the {self._kind} was removed from the sound server")
        if device is not None:
            # One half of it is there, and is not as it was.
            registry.unload(pulse, device)
        monitor.hurry()
        return self._make(pulse)

    def _is_ended_alone(self) -> bool:
        """Return whether the server ended the stream and went on, as it does when a device is removed.

        If the server itself exits, the error is PA_ERR_CONNECTIONTERMINATED, and the keeper or owner of the
        device creates it again (PulseAudio 16.1 and PipeWire 0.3.65, tested with the end of each process).
        """
        return self._stream.state().error == error_codes.KILLED
