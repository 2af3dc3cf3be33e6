"""Who is in a call."""

from __future__ import annotations

import copy
import time
import uuid
from typing import Any

Participant = dict[str, Any]

_UNSENT = ("camera", "screenAudio", "screenVideo")


class People:
    """The participants, in daily-python's shape."""

    def __init__(self) -> None:
        self._joined = False
        self._local = _participant(str(uuid.uuid4()), None, time.time(), is_local=True, sends=False)
        self._remote: dict[str, Participant] = {}

    def all(self) -> dict[str, Participant]:
        """Everybody, by id; the local one, who is always there, as "local". A copy."""
        return copy.deepcopy({"local": self._local, **self._remote})

    def counts(self) -> dict[str, int]:
        """How many are in the call, the local one among them."""
        return {"hidden": 0, "present": len(self._remote) + self._joined}

    def begin(self, identity: str) -> None:
        """The call is joined; the server calls the local one so."""
        self._joined = True
        self._local["id"] = identity
        self._local["info"]["joinedAt"] = int(time.time())

    def rename_local(self, identity: str) -> Participant:
        """The server calls the local one so now; how it looks."""
        self._local["id"] = identity
        return copy.deepcopy(self._local)

    def end(self) -> None:
        """The call is left."""
        self._joined = False
        self._remote.clear()

    def update_local(self, name: str | None, *, sends: bool) -> Participant:
        """The local participant, as it is now."""
        identity, joined = self._local["id"], self._local["info"]["joinedAt"]
        self._local = _participant(identity, name, joined, is_local=True, sends=sends)
        return copy.deepcopy(self._local)

    def note(
        self, identity: str, name: str | None, *, joined: float, sends: bool
    ) -> tuple[bool, Participant]:
        """So a remote one is now: whether it is a new one, and how it looks."""
        is_new = identity not in self._remote
        if not is_new:
            joined = self._remote[identity]["info"]["joinedAt"]
        fresh = _participant(identity, name, int(joined), is_local=False, sends=sends)
        self._remote[identity] = fresh
        return is_new, copy.deepcopy(fresh)

    def remove(self, identity: str) -> Participant | None:
        """A remote one has gone; how it last looked."""
        return self._remote.pop(identity, None)


def _participant(
    identity: str, name: str | None, joined: float, *, is_local: bool, sends: bool
) -> Participant:
    info: dict[str, Any] = {"isLocal": is_local, "isOwner": False, "joinedAt": int(joined)}
    if name:
        info["userName"] = name
    off = {"state": "off", "subscribed": "unsubscribed"}
    microphone = {"state": "playable" if sends else "off", "subscribed": "subscribed"}
    media: dict[str, Any] = {"microphone": microphone, "customAudio": {}, "customVideo": {}}
    return {"id": identity, "info": info, "media": {**media, **{name: dict(off) for name in _UNSENT}}}
