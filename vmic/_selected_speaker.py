"""The speaker on which this process's calls are heard."""

from __future__ import annotations

import threading
import weakref
from typing import Protocol


class SpeakerUser(Protocol):
    """A call that is heard on the selected speaker."""

    def use_speaker(self) -> None:
        """Play to the speaker that is selected now. Does not block."""


# Reentrant: a speaker may be collected wherever the collector happens to run.
_lock = threading.RLock()
_selected: str | None = None
_users: weakref.WeakSet[SpeakerUser] = weakref.WeakSet()


def sink_name() -> str | None:
    """Return the server's name of the selected speaker's sink, or None if none is selected."""
    return _selected


def select(sink: str) -> None:
    """Let all calls be heard on the speaker with that sink."""
    _set(sink)


def deselect(sink: str) -> None:
    """Let no call be heard on the speaker with that sink, because it is removed."""
    _set(None, instead_of=sink)


def _set(sink: str | None, instead_of: str | None = None) -> None:
    global _selected  # noqa: PLW0603 (a fact about the process)
    with _lock:
        if instead_of is not None and _selected != instead_of:
            return
        _selected = sink
        users = list(_users)
    for user in users:
        user.use_speaker()


def join(user: SpeakerUser) -> None:
    """Notify `user` of each selection from now on."""
    with _lock:
        _users.add(user)
