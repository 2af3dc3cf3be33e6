"""The participants of the room, and the events that they receive."""

from __future__ import annotations

import time
import uuid
from typing import Any, Protocol

MAX_NAME = 128


class EventChannel(Protocol):
    """A channel that carries events to one participant."""

    def send(self, event: dict[str, Any]) -> None:
        """Send an event after all earlier ones; never block."""

    def end(self) -> None:
        """Send no further events."""


class RoomParticipant:
    """A participant that is, or was, in the room.

    Attributes:
        id: The id of the participant (uuid4).
        name: The name that others see; it need not be unique.
        speaks: Whether the participant has a call.
        sends: Whether the participant says that its microphone is on.
        joined: When the participant joined (Unix time, seconds).
        channel: The channel for events; None if the participant has not opened one.
    """

    def __init__(self, name: str, *, speaks: bool) -> None:
        self.id = str(uuid.uuid4())
        self.name = checked_name(name)
        self.speaks = self.sends = speaks
        self.joined = time.time()
        self.channel: EventChannel | None = None

    def tell(self, event: dict[str, Any]) -> None:
        """Send an event to the participant, if it has a channel."""
        if self.channel is not None:
            self.channel.send(event)


class RoomParticipants:
    """The participants that are present, in order of arrival."""

    def __init__(self) -> None:
        self._participants: dict[str, RoomParticipant] = {}
        self._meeting = str(uuid.uuid4())

    def get(self, identity: str) -> RoomParticipant | None:
        """Return the participant with this id, or None if it is not present."""
        return self._participants.get(identity)

    def add(self, participant: RoomParticipant) -> None:
        """Add a participant."""
        self._participants[participant.id] = participant
        self._announce()

    def remove(self, participant: RoomParticipant) -> None:
        """Remove a participant; do nothing if it has left already."""
        if self._participants.pop(participant.id, None) is None:
            return
        if participant.channel is not None:
            participant.channel.end()
        self._announce()

    def remove_all(self) -> None:
        """Remove all participants."""
        for participant in list(self._participants.values()):
            self.remove(participant)

    def connect(self, participant: RoomParticipant, channel: EventChannel) -> None:
        """Send events to a participant through `channel` from now on, and end its previous channel."""
        if participant.channel is not None:
            participant.channel.end()
        participant.channel = channel
        participant.tell({"event": "welcome", "id": participant.id})
        participant.tell(self._present())

    def disconnect(self, participant: RoomParticipant, channel: EventChannel) -> None:
        """Stop sending events through `channel`; do nothing if the participant has another channel."""
        if participant.channel is channel:
            participant.channel = None

    def rename(self, participant: RoomParticipant, name: str) -> None:
        """Change the name of a participant; raise ValueError if the name is not valid."""
        participant.name = checked_name(name)
        self._announce()

    def mute(self, participant: RoomParticipant, *, sends: bool) -> None:
        """Record whether a participant's microphone is on."""
        participant.sends = sends and participant.speaks
        self._announce()

    def pass_on(self, sender: RoomParticipant, message: Any, recipient: str | None) -> None:
        """Send a message to one recipient, or to all others; raise ValueError if none has that id."""
        if recipient is not None and recipient not in self._participants:
            raise ValueError(f"participant {recipient!r} not found in the room")
        for participant in self._participants.values():
            if participant is not sender and recipient in (None, participant.id):
                participant.tell({"event": "message", "sender": sender.id, "message": message})

    def _announce(self) -> None:
        event = self._present()
        for participant in self._participants.values():
            participant.tell(event)

    def _present(self) -> dict[str, Any]:
        present = [
            {"id": one.id, "name": one.name, "speaks": one.speaks, "sends": one.sends, "joined": one.joined}
            for one in self._participants.values()
        ]
        return {"event": "participants", "meeting": self._meeting, "participants": present}


def checked_name(name: str) -> str:
    """Return the name without surrounding blanks, or "Guest"; raise ValueError if it is not valid."""
    name = name.strip() or "Guest"
    if len(name) > MAX_NAME or not name.isprintable():
        raise ValueError(f"the name must have at most {MAX_NAME} characters, all of them printable")
    return name
