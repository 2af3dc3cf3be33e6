"""The calls of a room: the speakers, and the listeners of each speaker."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Callable

from vmic._base.tasks import start
from vmic.room.participants import People, Person
from vmic.room.peers import Connection, Hearing, Speech

_CLOSING = 2.0  # seconds


class FullError(Exception):
    """The room has its maximum number of speakers."""


class RoomCalls:
    """All calls of a room; each ends with its connection, or when one of its participants leaves.

    Attributes:
        people: The participants that are present.
    """

    def __init__(self, limit: int | None) -> None:
        """Create an empty set of calls, with at most `limit` speakers at a time."""
        self.people = People()
        self._limit = limit
        self._speeches: dict[str, Speech] = {}
        self._hearings: dict[str, Hearing] = {}  # by id
        self._tasks: set[asyncio.Task[None]] = set()

    async def speak(self, offer: str, name: str, *, sends: bool) -> tuple[Person, str]:
        """Add a speaker, whose microphone is on if `sends` is true; return the participant and the answer.

        Raises:
            FullError: The room has its maximum number of speakers.
            ValueError: The name is not valid, or the offer is not (see `Connection.answer`).
        """
        if self._limit is not None and len(self._speeches) >= self._limit:
            raise FullError
        person, speech = Person(name, speaks=True), Speech()
        person.sends = sends
        self._speeches[person.id] = speech  # at once, because others may join meanwhile
        with contextlib.ExitStack() as undo:
            undo.callback(self._close, speech)
            undo.callback(self._speeches.pop, person.id)
            answer = await speech.answer(offer)
            undo.pop_all()
        self.people.add(person)
        self._when_ended(speech, lambda: self.leave(person))
        return person, answer

    def leave(self, person: Person) -> None:
        """Remove a participant and all its connections; do nothing if it has left already."""
        self.people.remove(person)
        speech = self._speeches.pop(person.id, None)
        if speech is not None:
            self._close(speech)
        self._part(lambda hearing: person.id in hearing.pair)

    async def hear(self, listener: str, speaker: str, offer: str) -> tuple[str, str]:
        """Let a listener hear a speaker; return the connection's id and the answer.

        The new connection replaces an earlier one between the two.

        Raises:
            LookupError: The listener is not present, or the speaker does not speak.
            ValueError: See `Connection.answer`.
        """
        self._check(listener, speaker)
        hearing = Hearing((listener, speaker), self._speeches[speaker])
        with contextlib.ExitStack() as undo:
            undo.callback(self._close, hearing)
            answer = await hearing.answer(offer)
            self._check(listener, speaker)
            undo.pop_all()
        self._part(lambda earlier: earlier.pair == hearing.pair)
        identity = str(uuid.uuid4())
        self._hearings[identity] = hearing
        self._when_ended(hearing, lambda: self._part(lambda ended: ended is hearing))
        return identity, answer

    def hear_no_more(self, identity: str) -> None:
        """End a connection made by `hear`; raise LookupError if there is none with this id."""
        self._close(self._hearings.pop(identity))

    async def end(self) -> None:
        """End all calls, within `_CLOSING` seconds."""
        self.people.remove_all()
        for connection in (*self._speeches.values(), *self._hearings.values()):
            self._close(connection)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_CLOSING)

    def _check(self, listener: str, speaker: str) -> None:
        if self.people.get(listener) is None or speaker not in self._speeches:
            raise LookupError("the listener or the speaker is not in the room")

    def _part(self, is_meant: Callable[[Hearing], bool]) -> None:
        for identity in [identity for identity, hearing in self._hearings.items() if is_meant(hearing)]:
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
