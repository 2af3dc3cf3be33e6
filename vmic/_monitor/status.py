"""The status of one device on the server: whether it is muted, and what its keeper had to correct."""

from __future__ import annotations

import logging
from collections.abc import Callable

from vmic._base.notifier import Notifier
from vmic._device.properties import MICROPHONE
from vmic._errors import ClosedError
from vmic._keeper import guard
from vmic._monitor import monitor
from vmic._monitor.device_observer import DeviceKey, DeviceObserver, DeviceState

MutedCallback = Callable[[bool], object]

_log = logging.getLogger("vmic")


class DeviceStatus(DeviceObserver):
    """The status of the device `key`."""

    key: DeviceKey

    def __init__(self, kind: str, key: DeviceKey) -> None:
        """Follow the device `key`. `kind` is the word for it in messages."""
        self.kind, self.key = kind, key
        self.muted = False
        self.foreign_streams = 0
        self._closed = self._leaves_when_lost = False
        self._volume_told = False
        self._notifier = Notifier("muted", False)
        monitor.join(self)

    def publish(self, state: DeviceState) -> None:
        """Note whether the device is muted. The monitor calls this."""
        self.muted = state.muted
        self._notifier.note(state.muted)

    def lose(self) -> None:
        """Note that the server is away or the device was removed. The monitor calls this.

        The device comes back unmuted, and `publish` then notes that.
        """
        if self._leaves_when_lost:
            monitor.leave(self)

    def tell(self, event: str) -> None:
        """Note that the keeper has corrected something. The monitor calls this."""
        if event == guard.FOREIGN_STREAM:
            self.foreign_streams += 1
        elif not self._volume_told:
            self._volume_told = True
            _log.warning(
                "another program changed the volume of %s %r (automatic gain control in a browser does "
                "this); vmic set the volume back to 100 %%%s",
                self.kind,
                self.key[0],
                ". To allow volume changes, create the microphone with volume_guard=False"
                if self.kind == MICROPHONE
                else "",
            )

    def call(self, callback: MutedCallback | None) -> None:
        """Call `callback` after each change, in place of the previous one. None only removes that."""
        if self._closed:
            raise ClosedError(f"{self.kind} {self.key[0]!r} is closed")
        self._notifier.call(callback)

    def close(self) -> None:
        """Stop following the device."""
        self._end()
        monitor.leave(self)

    def close_when_lost(self) -> None:
        """Call no callback from now on, but keep the keeper until the device or its server is lost."""
        self._end()
        self._leaves_when_lost = True
        monitor.join(self)  # so that `lose` is called even if the device is removed already

    def _end(self) -> None:
        self._closed = True
        self._notifier.close()


class WithStatus:
    """The part of a microphone that shows its status."""

    _status: DeviceStatus

    @property
    def muted(self) -> bool:
        """Return whether a user or program has muted the microphone on the sound server.

        Applications then hear silence. vmic unmutes the microphone when it is created. On PipeWire, vmic also
        undoes a mute that appears within 0.2 s after the first application began to record, because PipeWire
        restores earlier mutes. Other mutes stay. The answer is a few milliseconds old. This does not block.
        """
        return self._status.muted

    def on_muted_changed(self, callback: MutedCallback | None) -> None:
        """Call `callback` with `muted` whenever it changes, and at once if the microphone is muted already.

        The callback runs on a thread of vmic. It may be slow and may use the microphone. vmic logs its
        exceptions. After `close`, vmic does not call the callback. This does not block.

        Args:
            callback: A function of a bool. It replaces the previous callback. None removes the callback.

        Raises:
            TypeError: `callback` is not a function.
            ClosedError: The microphone is closed.
        """
        self._status.call(callback)
