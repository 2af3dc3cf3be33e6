"""What brings a microphone back after its server, or it itself, went away, and takes it away at the end."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable

import pulsectl

from vmic import _device, _server
from vmic._device import Device
from vmic._dialect import Tuning
from vmic._errors import DeviceError, ServerError, VmicError
from vmic._stream import Stream

# Tries come faster than a server starts (24 ms on PulseAudio, 300 ms on PipeWire), and then less often.
_FIRST_PAUSE, _LAST_PAUSE = 0.05, 1.0
# Closing the stream ends the wait earlier.
_LOOK_AGAIN = 60.0

Make = Callable[[pulsectl.Pulse], Device]


class Revival:
    """Watches one stream; when it goes away, makes the device anew and opens the stream again.

    Attributes:
        owner: Whose the device is.
        trouble: Why the last try failed, for messages; "" when none did.
    """

    def __init__(self, device: Device, stream: Stream, tuning: Tuning, make: Make | None) -> None:
        """Start watching.

        Args:
            device: What is on the server now.
            stream: The stream into it.
            tuning: How the stream feeds this server.
            make: Makes the device again; None for a device of somebody else's, which is waited for.
        """
        self.tuning = tuning
        self.trouble = ""
        self._name = device.info.name
        self.owner = device.owner
        self._stream = stream
        self._make = make
        self._stopped = threading.Event()
        self._reviving = threading.Lock()
        threading.Thread(target=self._run, name="vmic-revival", daemon=True).start()

    def stop(self) -> None:
        """Watch no more. Waits for a try that is under way, so that it leaves nothing behind."""
        self._stopped.set()
        if self._reviving.acquire(timeout=_server.TIMEOUT):
            self._reviving.release()

    def remove_device(self) -> None:
        """Take our device off the server, when it is there; after `stop`."""
        if self._make is None:
            return

        def remove(pulse: pulsectl.Pulse) -> None:
            device = _device.find(pulse, self._name)
            if device is not None and device.owner == self.owner:
                _device.remove(pulse, device)

        try:
            _server.call(remove)
        except ServerError:
            # The device has gone with its server, or goes with it.
            return

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                if self._stream.wait_away(_LOOK_AGAIN):
                    with self._reviving:
                        self._revive()
            except VmicError:  # closed meanwhile
                return

    def _revive(self) -> None:
        pause = _FIRST_PAUSE
        while not self._stopped.is_set():
            try:
                if _server.started_here():
                    _server.ensure_running()
                device = _server.call(self._device_again)
                self._stream.reopen()
                if self._stream.wait_open(_server.TIMEOUT) and not self._stream.is_away:
                    _server.call(functools.partial(_device.set_writer_volume, sink_name=device.sink_name))
                    self.trouble = ""
                    return
            except (ServerError, DeviceError) as error:
                self.trouble = str(error)
            self._stopped.wait(pause)
            pause = min(2 * pause, _LAST_PAUSE)

    def _device_again(self, pulse: pulsectl.Pulse) -> Device:
        device = _device.find(pulse, self._name)
        if device is None:
            # Who takes the name over has removed it a moment ago, and makes it now.
            self._stopped.wait(_FIRST_PAUSE)
            device = _device.find(pulse, self._name)
        if device is not None and device.owner == self.owner and device.complete:
            return device
        if device is not None and device.owner != self.owner:
            raise DeviceError(f"microphone {self._name!r} has been taken over by another program")
        if self._make is None:
            raise DeviceError(f"microphone {self._name!r} is not there any more")
        return self._make(pulse)
