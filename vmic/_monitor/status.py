"""How one device stands on the server: whether it is muted, and what its keeper had to set right."""

from __future__ import annotations

import logging
from collections.abc import Callable

from vmic._base.notifier import Notifier
from vmic._device.properties import MICROPHONE
from vmic._errors import ClosedError
from vmic._keeper import guard
from vmic._monitor import monitor
from vmic._monitor.monitor import Key, Seen

MutedCallback = Callable[[bool], object]

_log = logging.getLogger("vmic")


class DeviceStatus:
    """The standing of the device `key`."""

    def __init__(self, kind: str, key: Key) -> None:
        """`kind` is what messages call it."""
        self.kind, self.key = kind, key
        self.muted = False
        self.foreign_streams = 0
        self._closed = self._leaves_when_lost = False
        self._volume_told = False
        self._teller = Notifier("muted", False)
        monitor.join(self)

    def publish(self, seen: Seen) -> None:
        """So it is now; called by the watch."""
        self.muted = seen.muted
        self._teller.note(seen.muted)

    def lose(self) -> None:
        """The server or the device has gone; called by the watch. What comes back is unmuted."""
        if self._leaves_when_lost:
            monitor.leave(self)

    def tell(self, event: str) -> None:
        """The keeper has set something right; called by the watch."""
        if event == guard.FOREIGN_STREAM:
            self.foreign_streams += 1
        elif not self._volume_told:
            self._volume_told = True
            _log.warning(
                "something turned the volume of %s %r (browsers' automatic gain control does); it is held at "
                "100 %%%s",
                self.kind,
                self.key[0],
                ", unless volume_guard=False" if self.kind == MICROPHONE else "",
            )

    def call(self, callback: MutedCallback | None) -> None:
        """Call `callback`, and no other, after each change."""
        if self._closed:
            raise ClosedError(f"{self.kind} {self.key[0]!r} is closed")
        self._teller.call(callback)

    def close(self) -> None:
        """Take note no more."""
        self._end()
        monitor.leave(self)

    def close_when_lost(self) -> None:
        """The same, but for the device's keeper, which stays for as long as it is, or its server."""
        self._end()
        self._leaves_when_lost = True
        monitor.join(self)  # so that it is told also when that has happened already

    def _end(self) -> None:
        self._closed = True
        self._teller.close()


class WithStatus:
    """What a microphone shows of its standing."""

    _status: DeviceStatus

    @property
    def muted(self) -> bool:
        """Whether somebody has muted the microphone on the sound server: applications then hear silence.

        vmic unmutes it when it is made, and never after (on PipeWire it takes a mute within 0.2 s after the
        first application began to record for one that the server has restored). The answer is some
        milliseconds old; does not block.
        """
        return self._status.muted

    def on_muted_changed(self, callback: MutedCallback | None) -> None:
        """Call `callback` with `muted` whenever that changes; at once when it is muted already.

        It runs on a thread of vmic's, and may be slow, raise (which is logged) or use the microphone. After
        `close` it is called no more. Does not block.

        Args:
            callback: A function of a bool, instead of the one before; None for none.

        Raises:
            TypeError: It is no function.
            ClosedError: The device is closed.
        """
        self._status.call(callback)
