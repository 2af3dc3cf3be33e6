"""The interface between a call and a kind of server."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiortc.mediastreams import MediaStreamTrack

from vmic.call._signalling.subscriptions import Subscriptions


class SessionError(Exception):
    """The server cannot be reached, or refuses; the message contains the server's reason."""


def reason(error: BaseException) -> str:
    """Return the message of an error; its type if it has none, as a timeout has none."""
    return str(error) or type(error).__name__


@dataclass
class LocalParticipant:
    """The current state of the local participant."""

    name: str  # the display name; "" if it has none
    token: str | None  # the token that the server asks for; None if there is none
    hears: Subscriptions  # the participants that it hears
    sends: bool  # whether its microphone is on
    # Creates the track that the others hear; each connection uses its own track. With True nothing is sent
    # until there is a microphone.
    new_track: Callable[[bool], MediaStreamTrack]


@dataclass(frozen=True)
class RemoteParticipant:
    """A remote participant of the call."""

    identity: str  # the id that the server gives the participant
    name: str  # the display name; "" if the participant has none
    joined: float  # when the participant joined, in seconds since 1970
    sends: bool  # whether the participant sends sound


class SessionListener(ABC):
    """Receiver of a session's events. The methods are called on the loop's thread, and must not block."""

    @abstractmethod
    def note(self, participant: RemoteParticipant) -> None:
        """Record the current state of a participant, who may be new."""

    @abstractmethod
    def leave(self, identity: str) -> None:
        """Record that a participant has left."""

    @abstractmethod
    def say(self, message: Any, sender: str) -> None:
        """Deliver a message from `sender`."""

    @abstractmethod
    def hear(self, identity: str, track: MediaStreamTrack) -> None:
        """Hear a participant from now on, until the track ends."""

    @abstractmethod
    def lose(self, why: str) -> None:
        """Report that the call is cut off: the session can only be left after this."""

    @abstractmethod
    def finish(self, why: str) -> None:
        """Report that the server has ended the call for this participant, who must not reconnect."""


def _passed_on(event: str) -> Callable[..., None]:
    def pass_on(self: DetachableListener, *arguments: Any) -> None:
        if self.listener is not None:
            getattr(self.listener, event)(*arguments)

    return pass_on


class DetachableListener(SessionListener):
    """The events of one session, passed to `listener` until that is set to None, and ignored after that."""

    note, leave, say = _passed_on("note"), _passed_on("leave"), _passed_on("say")
    hear, lose, finish = _passed_on("hear"), _passed_on("lose"), _passed_on("finish")

    def __init__(self, listener: SessionListener) -> None:
        self.listener: SessionListener | None = listener


class Session(ABC):
    """A call on one kind of server; a session is joined only once."""

    meeting: str  # the id of the call, the same for all its participants; set when the call is joined

    @abstractmethod
    async def join(self) -> str:
        """Join the call, and return the server's id of the local participant.

        When this returns, sound goes through and every present participant has been noted. May be cancelled.
        In any case `hang_up` and `leave` are called after it, at the same time.

        Raises:
            SessionError: The server cannot be reached, or refuses, or no connection for sound can be made.
        """

    @abstractmethod
    async def hang_up(self) -> None:
        """Stop sending and receiving sound, whatever the server does."""

    @abstractmethod
    async def leave(self) -> None:
        """End on the server whatever `join` has begun there; may be cancelled when that takes too long.

        May be called again when it has failed.

        Raises:
            SessionError: The server has not ended the session.
        """

    @abstractmethod
    async def rename(self, name: str) -> None:
        """Change the name of the local participant, if the server carries names."""

    @abstractmethod
    async def mute(self, *, sends: bool) -> None:
        """Tell the others whether the microphone is on, if the server carries that."""

    @abstractmethod
    async def send(self, message: Any, recipient: str | None) -> None:
        """Send a message to one participant, or to all if `recipient` is None.

        Raises:
            SessionError: The server carries no such messages.
        """

    @abstractmethod
    async def subscribe(self, wanted: Subscriptions) -> None:
        """Hear the wanted participants, and no others."""
