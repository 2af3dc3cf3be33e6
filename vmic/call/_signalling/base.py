"""What a kind of server must do for a call, and what it tells."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiortc.mediastreams import MediaStreamTrack

from vmic.call._signalling.subscriptions import Subscriptions


class SessionError(Exception):
    """The server cannot be reached, or refuses; the message says what it said."""


@dataclass
class Local:
    """What the local participant brings along, as it is now.

    Attributes:
        name: What it calls itself; "" when it does not.
        token: What the server asks for, if it does.
        hears: Whom it hears.
        sends: Whether its microphone is on.
        new_track: Makes the track that the others hear; each connection takes its own. With True nothing is
            sent until there is a microphone.
    """

    name: str
    token: str | None
    hears: Subscriptions
    sends: bool
    new_track: Callable[[bool], MediaStreamTrack]


@dataclass(frozen=True)
class Participant:
    """Somebody else in the call.

    Attributes:
        identity: As the server calls them.
        name: What they call themselves; "" when they do not.
        joined: When they came; seconds since 1970.
        sends: Whether they send sound.
    """

    identity: str
    name: str
    joined: float
    sends: bool


class SessionListener(ABC):
    """What a session tells; it does so on the loop's thread, and must not wait."""

    @abstractmethod
    def note(self, participant: Participant) -> None:
        """So that one is now, who may be new."""

    @abstractmethod
    def leave(self, identity: str) -> None:
        """That one has gone."""

    @abstractmethod
    def say(self, message: Any, sender: str) -> None:
        """That one sent a message."""

    @abstractmethod
    def hear(self, identity: str, track: MediaStreamTrack) -> None:
        """That one is heard from now on, until the track ends."""

    @abstractmethod
    def lose(self, why: str) -> None:
        """The call is cut off: the session is good for nothing but `leave`."""

    @abstractmethod
    def finish(self, why: str) -> None:
        """The server has ended the call for this participant, who is not to come back."""


class Line(SessionListener):
    """What one session says to the company, until it is cut: what comes after that counts no more."""

    def __init__(self, company: SessionListener) -> None:
        self._company: SessionListener | None = company

    def cut(self) -> None:
        """Let nothing through any more."""
        self._company = None

    def note(self, participant: Participant) -> None:
        """Pass it on."""
        if self._company is not None:
            self._company.note(participant)

    def leave(self, identity: str) -> None:
        """Pass it on."""
        if self._company is not None:
            self._company.leave(identity)

    def say(self, message: Any, sender: str) -> None:
        """Pass it on."""
        if self._company is not None:
            self._company.say(message, sender)

    def hear(self, identity: str, track: MediaStreamTrack) -> None:
        """Pass it on."""
        if self._company is not None:
            self._company.hear(identity, track)

    def lose(self, why: str) -> None:
        """Pass it on."""
        if self._company is not None:
            self._company.lose(why)

    def finish(self, why: str) -> None:
        """Pass it on."""
        if self._company is not None:
            self._company.finish(why)


class Session(ABC):
    """A call on one kind of server; it is joined once.

    Attributes:
        meeting: What the call is called, the same for all who are in it; known when it is joined.
    """

    meeting: str

    @abstractmethod
    async def join(self) -> str:
        """Join, and return what the server calls the local participant; sound goes through then.

        Everybody who is there has been noted when this returns. May be cancelled; `hang_up` and `leave` come
        after it in any case, at the same time.

        Raises:
            SessionError: It cannot.
            PeerError: It cannot.
        """

    @abstractmethod
    async def hang_up(self) -> None:
        """Send and hear nothing any more, whatever the server does."""

    @abstractmethod
    async def leave(self) -> None:
        """Tell the server of the end, as far as was come; may be cancelled when that takes too long.

        It may be tried again when it has failed.

        Raises:
            SessionError: The server did not let go.
        """

    @abstractmethod
    async def rename(self, name: str) -> None:
        """Call the local participant so, where the server carries names."""

    @abstractmethod
    async def mute(self, *, sends: bool) -> None:
        """Let the others know whether the microphone is on, where the server carries that."""

    @abstractmethod
    async def send(self, message: Any, recipient: str | None) -> None:
        """Send a message to that participant, or to all.

        Raises:
            SessionError: The server carries none.
        """

    @abstractmethod
    async def subscribe(self, wanted: Subscriptions) -> None:
        """Hear those, and no others."""
