"""Connections to peers on this machine only: each answers one offer and carries one track."""

from __future__ import annotations

import asyncio
import contextlib
import re
from contextvars import ContextVar

import aioice.ice
from aiortc import (
    InvalidAccessError,
    InvalidStateError,
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
    sdp,
)
from aiortc.exceptions import OperationError

from vmic.call._signalling.opus_sdp import OPUS, with_opus_parameters
from vmic.room.rtp_relay import RtpRelay

HOST = "127.0.0.1"
PATIENCE = 30.0  # seconds; aioice gives up a silent peer after the same time

# The exceptions that aiortc's parser raises for an invalid session description (1.16).
_UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, AssertionError)

_machines_addresses = aioice.ice.get_host_addresses
_besides: ContextVar[list[str]] = ContextVar("besides", default=[])  # noqa: B039 (never changed)
_HIDDEN = re.compile(r"^(a=candidate:.* )\S+\.local( .*)$", re.MULTILINE)
_FIREFOX = re.compile(r"^o=mozilla", re.MULTILINE)


def stay_on_loopback() -> None:
    """Keep the connections of this process on loopback.

    aioice uses every address except loopback, and offers no choice (0.13).
    """
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: [HOST, *_besides.get()]  # noqa: ARG005


def _reach(offer: str) -> str:
    """Let this task's next connection reach the sender of an offer. Return the offer with real addresses.

    A browser hides this machine's addresses behind names (mDNS). If nothing answers for such a name, aioice
    asks for 1 s, and then has no address to connect to. Firefox (153) does not connect to loopback from any
    other address, so for Firefox alone the machine's other addresses are used too.
    """
    addresses = _machines_addresses(use_ipv4=True, use_ipv6=False)
    if _FIREFOX.search(offer):
        _besides.set(addresses)
    shown = "\n".join(rf"\g<1>{address}\g<2>" for address in (HOST, *addresses))
    return _HIDDEN.sub(shown, offer)


class BadOfferError(ValueError):
    """The offer is not a valid session description."""


class UnfitOfferError(ValueError):
    """The offer is valid, but not for sound in this direction."""


class Connection:
    """A connection to one peer."""

    def __init__(self, audio: str | MediaStreamTrack, direction: str) -> None:
        # With no list of servers, aiortc would ask one of Google's for this machine's address.
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._audio = self._peer.addTransceiver(audio, direction)
        self._audio.setCodecPreferences(OPUS)
        self._settled, self._gone = asyncio.Event(), asyncio.Event()
        self._peer.on("connectionstatechange", self._note)

    async def answer(self, offer: str) -> str:
        """Return the answer, with all candidates; raise BadOfferError or UnfitOfferError."""
        self._check(offer)
        try:
            await self._peer.setRemoteDescription(RTCSessionDescription(_reach(offer), "offer"))
            for transceiver in self._peer.getTransceivers():
                if transceiver is not self._audio:
                    transceiver.direction = "inactive"
            await self._peer.setLocalDescription(await self._peer.createAnswer())
        except OperationError as error:
            raise UnfitOfferError("the offer must contain Opus, the only codec of the room") from error
        except (*_UNREADABLE, InvalidAccessError, InvalidStateError) as error:
            raise BadOfferError(f"cannot use the offer: {error}") from error
        return with_opus_parameters(self._peer.localDescription.sdp)

    async def ended(self) -> None:
        """Wait until the connection has failed or closed, or is not established within PATIENCE."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._settled.wait(), PATIENCE)
            await self._gone.wait()

    async def close(self) -> None:
        """Close the connection; `ended` returns."""
        await self._peer.close()
        self._note()

    def _check(self, offer: str) -> None:
        try:
            media = sdp.SessionDescription.parse(offer).media
        except _UNREADABLE as error:
            raise BadOfferError(f"the offer is not valid SDP: {error}") from error
        if not media:
            raise BadOfferError("the offer is not valid SDP: it contains no media")
        directions = [one.direction for one in media if one.kind == "audio"]
        wanted = {"recvonly": ("sendonly", "sendrecv"), "sendonly": ("recvonly", "sendrecv")}
        if not directions or directions[0] not in wanted[self._audio.direction]:
            allowed = " or ".join(wanted[self._audio.direction])
            raise UnfitOfferError(f"the offer must contain audio with the direction {allowed}")

    def _note(self) -> None:
        state = self._peer.connectionState
        if state in ("failed", "closed"):
            self._gone.set()
        if state not in ("new", "connecting"):
            self._settled.set()


class SpeakerConnection(Connection):
    """The connection that receives a speaker's sound.

    Attributes:
        relay: The relay through which listeners hear the speaker.
    """

    def __init__(self) -> None:
        super().__init__("audio", "recvonly")
        self.relay = RtpRelay()
        self.relay.take_from(self._audio.receiver)


class ListenerConnection(Connection):
    """The connection that sends one speaker's sound to a listener.

    Attributes:
        pair: The ids of the listener and the speaker.
    """

    def __init__(self, pair: tuple[str, str], speaker: SpeakerConnection) -> None:
        self.pair = pair
        self._relay, self._track = speaker.relay, speaker.relay.add()
        super().__init__(self._track, "sendonly")

    async def close(self) -> None:
        """Close the connection, and stop its track."""
        self._relay.remove(self._track)
        await super().close()
