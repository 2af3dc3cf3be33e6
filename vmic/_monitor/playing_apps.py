"""Whether an application plays to a speaker. The source is suspended while none does and nothing reads it."""

from __future__ import annotations

import contextlib

from vmic._errors import ClosedError
from vmic._monitor import monitor
from vmic._monitor.watcher import Key, Seen, Watcher
from vmic._stream.capture import CaptureStream


class Players(Watcher):
    """The watcher that passes on to a source whether an application plays to the speaker `key`."""

    def __init__(self, key: Key, source: CaptureStream) -> None:
        self.key = key
        self._source = source
        monitor.join(self)

    def publish(self, seen: Seen) -> None:
        """Note whether an application plays. The monitor calls this."""
        self._note(seen=True, played=seen.played)

    def lose(self) -> None:
        """Note that the server is away or the speaker was removed. The monitor calls this.

        The source is set as played to, so that a suspended source notices the loss.
        """
        self._note(seen=False, played=True)

    def close(self) -> None:
        """Stop following the speaker."""
        monitor.leave(self)

    def _note(self, *, seen: bool, played: bool) -> None:
        self._source.device_seen = seen
        with contextlib.suppress(ClosedError):  # the source may be closed at this moment
            self._source.set_played(played)
