"""Who is in the room, and what they are told."""

from __future__ import annotations

import time
import uuid
from typing import Any, Protocol

MAX_NAME = 128


class Line(Protocol):
    """A way to tell somebody something."""

    def send(self, event: dict[str, Any]) -> None:
        """Send this after what was sent before; never waits."""

    def end(self) -> None:
        """Send no more."""


class Person:
    """One that is there, or was.

    Attributes:
        id: Its own (uuid4).
        name: What others see; not checked to be another than theirs.
        speaks: Whether it has a call.
        sends: Whether it says that its microphone is on.
        joined: When (Unix time, seconds).
        line: Where it is told what happens; None where it does not ask.
    """

    def __init__(self, name: str, *, speaks: bool) -> None:
        self.id = str(uuid.uuid4())
        self.name = checked_name(name)
        self.speaks = self.sends = speaks
        self.joined = time.time()
        self.line: Line | None = None

    def tell(self, event: dict[str, Any]) -> None:
        """Send this to it, if it asks for such."""
        if self.line is not None:
            self.line.send(event)


class People:
    """Those that are there, in order of arrival."""

    def __init__(self) -> None:
        self._people: dict[str, Person] = {}
        self._meeting = str(uuid.uuid4())

    def get(self, identity: str) -> Person | None:
        """The one of this id; None where it is not there."""
        return self._people.get(identity)

    def add(self, person: Person) -> None:
        """It arrives."""
        self._people[person.id] = person
        self._announce()

    def remove(self, person: Person) -> None:
        """It goes; nothing happens when it has gone already."""
        if self._people.pop(person.id, None) is None:
            return
        if person.line is not None:
            person.line.end()
        self._announce()

    def remove_all(self) -> None:
        """They all go."""
        for person in list(self._people.values()):
            self.remove(person)

    def connect(self, person: Person, line: Line) -> None:
        """Tell it from now on what happens; a line that it had before ends."""
        if person.line is not None:
            person.line.end()
        person.line = line
        person.tell({"event": "welcome", "id": person.id})
        person.tell(self._present())

    def disconnect(self, person: Person, line: Line) -> None:
        """Tell it no more by this line; nothing happens when it has another."""
        if person.line is line:
            person.line = None

    def rename(self, person: Person, name: str) -> None:
        """It wants to be called so; raises ValueError for what is no name."""
        person.name = checked_name(name)
        self._announce()

    def mute(self, person: Person, *, sends: bool) -> None:
        """Its microphone is on or off."""
        person.sends = sends and person.speaks
        self._announce()

    def pass_on(self, sender: Person, message: Any, recipient: str | None) -> None:
        """Tell one, or everybody else, what somebody says; raises ValueError where that one is not there."""
        if recipient is not None and recipient not in self._people:
            raise ValueError(f"nobody here has the id {recipient!r}")
        for person in self._people.values():
            if person is not sender and recipient in (None, person.id):
                person.tell({"event": "message", "sender": sender.id, "message": message})

    def _announce(self) -> None:
        event = self._present()
        for person in self._people.values():
            person.tell(event)

    def _present(self) -> dict[str, Any]:
        present = [
            {"id": one.id, "name": one.name, "speaks": one.speaks, "sends": one.sends, "joined": one.joined}
            for one in self._people.values()
        ]
        return {"event": "participants", "meeting": self._meeting, "participants": present}


def checked_name(name: str) -> str:
    """The name without blanks around it, or "Guest"; raises ValueError for what cannot be shown."""
    name = name.strip() or "Guest"
    if len(name) > MAX_NAME or not name.isprintable():
        raise ValueError(f"a name has at most {MAX_NAME} characters, and none that cannot be shown")
    return name
