"""Whether anybody plays to a speaker: while nobody does, nor reads it, its source rests."""

from __future__ import annotations

import contextlib

from vmic._errors import ClosedError
from vmic._monitor import monitor
from vmic._monitor.monitor import Key, Seen
from vmic._stream.capture import Source


class Players:
    """Tells the source of the speaker `key`."""

    def __init__(self, key: Key, source: Source) -> None:
        self.key = key
        self._source = source
        monitor.join(self)

    def publish(self, seen: Seen) -> None:
        """So it is now; called by the watch."""
        self._note(seen=True, played=seen.played)

    def lose(self) -> None:
        """The server or the speaker has gone; called by the watch. A source that rests is to find out."""
        self._note(seen=False, played=True)

    def tell(self, event: str) -> None:
        """What the keeper does is nothing to it; called by the watch."""

    def close(self) -> None:
        """Take note no more."""
        monitor.leave(self)

    def _note(self, *, seen: bool, played: bool) -> None:
        self._source.device_seen = seen
        with contextlib.suppress(ClosedError):  # it ends at this moment
            self._source.set_played(played)
