"""The connections of a room: the speakers, and the listeners of each speaker."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Callable

from vmic._base.tasks import start
from vmic.room.participants import RoomParticipant, RoomParticipants
from vmic.room.peer_connections import Connection, ListenerConnection, SpeakerConnection

_CLOSING = 2.0  # seconds


class FullError(Exception):
    """The room has its maximum number of speakers."""


class RoomConnections:
    """All connections of a room; each ends by itself, or when one of its participants leaves.

    Attributes:
        participants: The participants that are present.
    """

    def __init__(self, limit: int | None) -> None:
        """Create an empty set of connections, with at most `limit` speakers at a time."""
        self.participants = RoomParticipants()
        self._limit = limit
        self._speakers: dict[str, SpeakerConnection] = {}
        self._listeners: dict[str, ListenerConnection] = {}  # by id
        self._tasks: set[asyncio.Task[None]] = set()

    async def speak(self, offer: str, name: str, *, sends: bool) -> tuple[RoomParticipant, str]:
        """Add a speaker, whose microphone is on if `sends` is true; return the participant and the answer.

        Raises:
            FullError: The room has its maximum number of speakers.
            ValueError: The name is not valid, or the offer is not (see `Connection.answer`).
        """
        if self._limit is not None and len(self._speakers) >= self._limit:
            raise FullError
        participant, connection = RoomParticipant(name, speaks=True), SpeakerConnection()
        participant.sends = sends
        self._speakers[participant.id] = connection  # at once, because others may join meanwhile
        with contextlib.ExitStack() as undo:
            undo.callback(self._close, connection)
            undo.callback(self._speakers.pop, participant.id)
            answer = await connection.answer(offer)
            undo.pop_all()
        self.participants.add(participant)
        self._when_ended(connection, lambda: self.leave(participant))
        return participant, answer

    def leave(self, participant: RoomParticipant) -> None:
        """Remove a participant and all its connections; do nothing if it has left already."""
        self.participants.remove(participant)
        connection = self._speakers.pop(participant.id, None)
        if connection is not None:
            self._close(connection)
        self._part(lambda listener: participant.id in listener.pair)

    async def hear(self, listener: str, speaker: str, offer: str) -> tuple[str, str]:
        """Let a listener hear a speaker; return the connection's id and the answer.

        The new connection replaces an earlier one between the two.

        Raises:
            LookupError: The listener is not present, or the speaker does not speak.
            ValueError: See `Connection.answer`.
        """
        self._check(listener, speaker)
        connection = ListenerConnection((listener, speaker), self._speakers[speaker])
        with contextlib.ExitStack() as undo:
            undo.callback(self._close, connection)
            answer = await connection.answer(offer)
            self._check(listener, speaker)
            undo.pop_all()
        self._part(lambda earlier: earlier.pair == connection.pair)
        identity = str(uuid.uuid4())
        self._listeners[identity] = connection
        self._when_ended(connection, lambda: self._part(lambda ended: ended is connection))
        return identity, answer

    def hear_no_more(self, identity: str) -> None:
        """End a connection made by `hear`; raise LookupError if there is none with this id."""
        self._close(self._listeners.pop(identity))

    async def end(self) -> None:
        """End all connections, within `_CLOSING` seconds."""
        self.participants.remove_all()
        for connection in (*self._speakers.values(), *self._listeners.values()):
            self._close(connection)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_CLOSING)

    def _check(self, listener: str, speaker: str) -> None:
        if self.participants.get(listener) is None or speaker not in self._speakers:
            raise LookupError("the listener or the speaker is not in the room")

    def _part(self, is_meant: Callable[[ListenerConnection], bool]) -> None:
        for identity in [
            identity for identity, connection in self._listeners.items() if is_meant(connection)
        ]:
            self.hear_no_more(identity)

    def _when_ended(self, connection: Connection, then: Callable[[], None]) -> None:
        async def follow() -> None:
            await connection.ended()
            then()

        start(follow(), self._tasks)

    def _close(self, connection: Connection) -> None:
        # In a task of its own, which the end of a request does not cancel: a half-closed connection would
        # stay half closed.
        start(connection.close(), self._tasks)
