"""The participants of a call, in the format of daily-python."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import Any

from vmic.call._signalling.subscriptions import Subscriptions

Participant = dict[str, Any]

_UNSENT = ("camera", "screenAudio", "screenVideo")


@dataclass
class _ParticipantState:
    """The known state of a participant."""

    identity: str  # the server's id of the participant
    name: str  # the participant's name; "" if there is none
    joined: float  # the time of the join, in seconds since 1970
    sends: bool  # whether the participant's microphone is on
    # The id of the track that carries the participant's sound; None while there is no sound.
    track: str | None


class CallParticipants:
    """The participants, in daily-python's format."""

    def __init__(self) -> None:
        self._joined = False
        self._hears = Subscriptions()
        self._local = _ParticipantState(
            str(uuid.uuid4()), "", time.time(), sends=False, track=str(uuid.uuid4())
        )
        self._remote: dict[str, _ParticipantState] = {}

    def all(self) -> dict[str, Participant]:
        """Return a copy of all participants by id. The key of the local one, always included, is "local"."""
        remote = {identity: self._shown(state) for identity, state in self._remote.items()}
        return {"local": self._shown(self._local), **remote}

    def counts(self) -> dict[str, int]:
        """Return the number of participants in the call, including the local one."""
        return {"hidden": 0, "present": len(self._remote) + self._joined}

    def begin(self, identity: str) -> None:
        """Record that the client has joined the call. The server gave it the id `identity`."""
        self._joined = True
        self._local.identity, self._local.joined = identity, time.time()

    def rename_local(self, identity: str) -> Participant:
        """Set the server's new id of the local participant, and return this participant."""
        self._local.identity = identity
        return self._shown(self._local)

    def end(self) -> None:
        """Record that the client has left the call."""
        self._joined = False
        self._remote.clear()

    def update_local(self, name: str, *, sends: bool) -> Participant | None:
        """Update the local participant and return it; None if nothing has changed."""
        return self._update(self._local, name=name, sends=sends)

    def note(
        self, identity: str, name: str, *, joined: float, sends: bool
    ) -> tuple[bool, Participant | None]:
        """Update a remote participant. Return whether it is new, and its state (None if nothing changed)."""
        if (state := self._remote.get(identity)) is not None:
            return False, self._update(state, name=name, sends=sends)
        self._remote[identity] = state = _ParticipantState(identity, name, joined, sends, None)
        return True, self._shown(state)

    def hear(self, identity: str, track: str | None) -> Participant | None:
        """Set the track of a remote participant; `track` is None when the participant is no longer heard.

        Returns:
            The participant; None if it has left or nothing has changed.
        """
        state = self._remote.get(identity)
        return None if state is None else self._update(state, track=track)

    def subscribe(self, hears: Subscriptions) -> list[Participant]:
        """Set which remote participants are heard, and return those that change."""
        before, self._hears = self.all(), hears
        return [shown for identity, shown in self.all().items() if shown != before[identity]]

    def remove(self, identity: str) -> Participant | None:
        """Remove a remote participant that has left, and return its last state; None if it is unknown."""
        state = self._remote.pop(identity, None)
        return None if state is None else self._shown(state)

    def _update(self, state: _ParticipantState, **changes: Any) -> Participant | None:
        before = self._shown(state)
        vars(state).update(changes)
        after = self._shown(state)
        return None if after == before else after

    def _shown(self, state: _ParticipantState) -> Participant:
        info: dict[str, Any] = {
            "isLocal": state is self._local,
            "isOwner": False,
            "joinedAt": int(state.joined),
            "userId": state.identity,
        }
        if state.name:
            info["userName"] = state.name
        media: dict[str, Any] = {"microphone": self._microphone(state), "customAudio": {}, "customVideo": {}}
        for name in _UNSENT:
            media[name] = {"state": "off", "offReasons": ["user"], "subscribed": "unsubscribed"}
        return {"id": state.identity, "info": info, "media": media}

    def _microphone(self, state: _ParticipantState) -> dict[str, Any]:
        is_local = state is self._local
        is_subscribed = not is_local and self._hears.include(state.identity)
        subscribed = {"subscribed": "subscribed" if is_subscribed else "unsubscribed"}
        if not state.sends:
            return {"state": "off", "offReasons": ["user"], **subscribed}
        if not is_local and not is_subscribed:
            return {"state": "receivable", **subscribed}
        if state.track is None:
            return {"state": "loading", **subscribed}
        return {"state": "playable", "track": {"id": state.track}, **subscribed}
