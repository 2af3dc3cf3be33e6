"""Who is in a call."""

from __future__ import annotations

import copy
import time
import uuid
from dataclasses import dataclass
from typing import Any

from vmic.call._signalling.subscriptions import Subscriptions

Participant = dict[str, Any]

_UNSENT = ("camera", "screenAudio", "screenVideo")


@dataclass
class _Person:
    """What is known of one.

    Attributes:
        identity: As the server calls them.
        name: What they call themselves, if they do.
        joined: When they came; seconds since 1970.
        sends: Whether their microphone is on.
        track: The track on which they are heard; None while they are not.
    """

    identity: str
    name: str | None
    joined: float
    sends: bool
    track: str | None


class People:
    """The participants, in daily-python's shape."""

    def __init__(self) -> None:
        self._joined = False
        self._hears = Subscriptions()
        self._local = _Person(str(uuid.uuid4()), None, time.time(), sends=False, track=str(uuid.uuid4()))
        self._remote: dict[str, _Person] = {}

    def all(self) -> dict[str, Participant]:
        """Everybody, by id; the local one, who is always there, as "local". A copy."""
        remote = {identity: self._shown(person) for identity, person in self._remote.items()}
        return {"local": self._shown(self._local), **remote}

    def counts(self) -> dict[str, int]:
        """How many are in the call, the local one among them."""
        return {"hidden": 0, "present": len(self._remote) + self._joined}

    def begin(self, identity: str) -> None:
        """The call is joined; the server calls the local one so."""
        self._joined = True
        self._local.identity, self._local.joined = identity, time.time()

    def rename_local(self, identity: str) -> Participant:
        """The server calls the local one so now; how it looks."""
        self._local.identity = identity
        return self._shown(self._local)

    def end(self) -> None:
        """The call is left."""
        self._joined = False
        self._remote.clear()

    def update_local(self, name: str | None, *, sends: bool) -> Participant | None:
        """The local participant, as it is now; None when that is as before."""
        before = copy.copy(self._local)
        self._local.name, self._local.sends = name, sends
        return None if self._local == before else self._shown(self._local)

    def note(
        self, identity: str, name: str | None, *, joined: float, sends: bool
    ) -> tuple[bool, Participant | None]:
        """So a remote one is now: whether it is a new one, and how it looks; None when that is as before."""
        person = self._remote.get(identity)
        if person is None:
            self._remote[identity] = person = _Person(identity, name, joined, sends, None)
            return True, self._shown(person)
        before = copy.copy(person)
        person.name, person.sends = name, sends
        return False, None if person == before else self._shown(person)

    def hear(self, identity: str, track: str | None) -> Participant | None:
        """A remote one is heard on that track, or no more; how it looks, None when it has gone."""
        person = self._remote.get(identity)
        if person is None:
            return None
        before = self._shown(person)
        person.track = track
        after = self._shown(person)
        return None if after == before else after

    def subscribe(self, hears: Subscriptions) -> list[Participant]:
        """Those of the remote ones are to be heard; those who look otherwise then."""
        before, self._hears = self._hears, hears
        changed = [
            one
            for one in self._remote.values()
            if before.include(one.identity) != hears.include(one.identity)
        ]
        return [self._shown(person) for person in changed]

    def remove(self, identity: str) -> Participant | None:
        """A remote one has gone; how it last looked."""
        person = self._remote.pop(identity, None)
        return None if person is None else self._shown(person)

    def _shown(self, person: _Person) -> Participant:
        is_local = person is self._local
        info: dict[str, Any] = {
            "isLocal": is_local,
            "isOwner": False,
            "joinedAt": int(person.joined),
            "userId": person.identity,
        }
        if person.name:
            info["userName"] = person.name
        microphone = _microphone(
            person, is_local=is_local, is_subscribed=not is_local and self._hears.include(person.identity)
        )
        media: dict[str, Any] = {"microphone": microphone, "customAudio": {}, "customVideo": {}}
        off = {"state": "off", "offReasons": ["user"], "subscribed": "unsubscribed"}
        media |= {name: copy.deepcopy(off) for name in _UNSENT}
        return {"id": person.identity, "info": info, "media": media}


def _microphone(person: _Person, *, is_local: bool, is_subscribed: bool) -> dict[str, Any]:
    subscribed = {"subscribed": "subscribed" if is_subscribed else "unsubscribed"}
    if not person.sends:
        return {"state": "off", "offReasons": ["user"], **subscribed}
    if not is_local and not is_subscribed:
        return {"state": "receivable", **subscribed}
    if person.track is None:
        return {"state": "loading", **subscribed}
    return {"state": "playable", "track": {"id": person.track}, **subscribed}
