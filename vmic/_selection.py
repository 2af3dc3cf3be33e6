"""The speaker on which this process's calls are heard."""

from __future__ import annotations

import threading
import weakref
from typing import Protocol


class User(Protocol):
    """Who plays to it."""

    def use_speaker(self) -> None:
        """Another one is selected; does not wait."""


# Reentrant: a speaker may be collected wherever the collector happens to run.
_lock = threading.RLock()
_selected: str | None = None
_users: weakref.WeakSet[User] = weakref.WeakSet()


def selected() -> str | None:
    """What the server calls it; None for none."""
    return _selected


def select(sink: str) -> None:
    """Let all calls be heard there."""
    global _selected  # noqa: PLW0603 (a fact about the process)
    with _lock:
        _selected = sink
        users = list(_users)
    for user in users:
        user.use_speaker()


def deselect(sink: str) -> None:
    """Let no call be heard there: it goes."""
    global _selected  # noqa: PLW0603 (a fact about the process)
    with _lock:
        if _selected != sink:
            return
        _selected = None
        users = list(_users)
    for user in users:
        user.use_speaker()


def join(user: User) -> None:
    """Tell `user` from now on."""
    with _lock:
        _users.add(user)
