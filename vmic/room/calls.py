"""The calls of a room: who speaks, and who hears whom."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from vmic.room.participants import People, Person
from vmic.room.peers import Connection, Hearing, Speech

_CLOSING = 2.0  # seconds


class FullError(Exception):
    """There are as many speakers as there may be."""


@dataclass(frozen=True)
class _Pair:
    listener: str
    speaker: str
    hearing: Hearing


class Calls:
    """All of them; each ends with its connection, and with those whom it is between.

    Attributes:
        people: Who is there.
    """

    def __init__(self, limit: int | None) -> None:
        """At most `limit` speak at a time."""
        self.people = People()
        self._limit = limit
        self._speeches: dict[str, Speech] = {}
        self._pairs: dict[str, _Pair] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def speak(self, offer: str, name: str, *, sends: bool) -> tuple[Person, str]:
        """Let one speak, whose microphone is on or off; returns who that is, and the answer.

        Raises:
            FullError: There are as many as there may be.
            ValueError: The name is none, or the offer (see `Connection.answer`).
        """
        if self._limit is not None and len(self._speeches) >= self._limit:
            raise FullError
        person, speech = Person(name, speaks=True), Speech()
        person.sends = sends
        self._speeches[person.id] = speech  # at once, for others may come meanwhile
        with contextlib.ExitStack() as undo:
            undo.callback(self._close, speech)
            undo.callback(self._speeches.pop, person.id)
            answer = await speech.answer(offer)
            undo.pop_all()
        self.people.add(person)
        self._when_ended(speech, lambda: self.leave(person))
        return person, answer

    def leave(self, person: Person) -> None:
        """Let one go, with all of its connections; nothing happens when it has gone."""
        self.people.remove(person)
        speech = self._speeches.pop(person.id, None)
        if speech is not None:
            self._close(speech)
        self._part(lambda pair: person.id in (pair.listener, pair.speaker))

    async def hear(self, listener: str, speaker: str, offer: str) -> tuple[str, str]:
        """Let one hear another, in place of what it heard of it; returns the connection's id, and the answer.

        Raises:
            LookupError: One of them is not there, or does not speak.
            ValueError: See `Connection.answer`.
        """
        self._check(listener, speaker)
        hearing = Hearing(self._speeches[speaker])
        with contextlib.ExitStack() as undo:
            undo.callback(self._close, hearing)
            answer = await hearing.answer(offer)
            self._check(listener, speaker)
            undo.pop_all()
        self._part(lambda pair: (pair.listener, pair.speaker) == (listener, speaker))
        identity = str(uuid.uuid4())
        self._pairs[identity] = _Pair(listener, speaker, hearing)
        self._when_ended(hearing, lambda: self._part(lambda pair: pair.hearing is hearing))
        return identity, answer

    def hear_no_more(self, identity: str) -> None:
        """End a connection of `hear`; raises LookupError where there is none."""
        self._close(self._pairs.pop(identity).hearing)

    async def end(self) -> None:
        """End them all, within some seconds."""
        self.people.remove_all()
        for connection in (*self._speeches.values(), *(pair.hearing for pair in self._pairs.values())):
            self._close(connection)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_CLOSING)

    def _check(self, listener: str, speaker: str) -> None:
        if self.people.get(listener) is None or speaker not in self._speeches:
            raise LookupError("one of them is not here")

    def _part(self, is_meant: Callable[[_Pair], bool]) -> None:
        for identity in [identity for identity, pair in self._pairs.items() if is_meant(pair)]:
            self.hear_no_more(identity)

    def _when_ended(self, connection: Connection, then: Callable[[], None]) -> None:
        async def follow() -> None:
            await connection.ended()
            then()

        self._start(follow())

    def _close(self, connection: Connection) -> None:
        # In a task of its own, which no request's end cancels: one that is left half closed stays so.
        self._start(connection.close())

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        # The loop itself keeps no task alive.
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
