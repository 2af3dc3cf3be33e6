"""Whether an application plays to a speaker. The stream is suspended while none does and nothing reads."""

from __future__ import annotations

import contextlib

from vmic._errors import ClosedError
from vmic._monitor import monitor
from vmic._monitor.device_observer import DeviceKey, DeviceObserver, DeviceState
from vmic._stream.capture import CaptureStream


class SpeakerActivity(DeviceObserver):
    """The observer that tells a stream whether an application plays to the speaker `key`."""

    def __init__(self, key: DeviceKey, stream: CaptureStream) -> None:
        self.key = key
        self._stream = stream
        monitor.join(self)

    def publish(self, state: DeviceState) -> None:
        """Note whether an application plays. The monitor calls this."""
        self._note(seen=True, played=state.played)

    def lose(self) -> None:
        """Note that the server is away or the speaker was removed. The monitor calls this.

        The stream is told that an application plays: a suspended stream then wakes and notices the loss.
        """
        self._note(seen=False, played=True)

    def close(self) -> None:
        """Stop following the speaker."""
        monitor.leave(self)

    def _note(self, *, seen: bool, played: bool) -> None:
        self._stream.device_seen = seen
        with contextlib.suppress(ClosedError):  # the stream may be closed at this moment
            self._stream.set_played(played)
