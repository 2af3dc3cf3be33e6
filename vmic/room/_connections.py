"""Connections to peers: each answers one offer, and carries one voice."""

from __future__ import annotations

import asyncio
import contextlib

from aiortc import (
    InvalidAccessError,
    InvalidStateError,
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCSessionDescription,
    sdp,
)
from aiortc.exceptions import OperationError

from vmic.call._signalling.sdp import with_opus_parameters
from vmic.room._loopback import reach
from vmic.room._voices import Voices

PATIENCE = 30.0  # seconds; aioice gives up a peer that is silent after as many

_CODECS = RTCRtpReceiver.getCapabilities("audio")
assert _CODECS
_OPUS = [codec for codec in _CODECS.codecs if codec.mimeType == "audio/opus"]
# What aiortc's parser raises for what is no description (1.16).
_UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, AssertionError)


class BadOfferError(ValueError):
    """What was sent is no description of a connection."""


class UnfitOfferError(ValueError):
    """It is one, but not of sound that goes this way."""


class Connection:
    """One that has not gone."""

    def __init__(self, audio: str | MediaStreamTrack, direction: str) -> None:
        # Without servers: aiortc would ask one of Google's for this machine's address.
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._audio = self._peer.addTransceiver(audio, direction)
        self._audio.setCodecPreferences(_OPUS)
        self._settled, self._gone = asyncio.Event(), asyncio.Event()
        self._peer.on("connectionstatechange", self._note)

    async def answer(self, offer: str) -> str:
        """Answer with all candidates; raises BadOfferError or UnfitOfferError."""
        self._check(offer)
        try:
            await self._peer.setRemoteDescription(RTCSessionDescription(reach(offer), "offer"))
            for transceiver in self._peer.getTransceivers():
                if transceiver is not self._audio:
                    transceiver.direction = "inactive"
            await self._peer.setLocalDescription(await self._peer.createAnswer())
        except OperationError as error:
            raise UnfitOfferError("the room takes Opus, which the offer does not have") from error
        except (*_UNREADABLE, InvalidAccessError, InvalidStateError) as error:
            raise BadOfferError(f"the offer cannot be used: {error}") from error
        return with_opus_parameters(self._peer.localDescription.sdp)

    async def ended(self) -> None:
        """Wait until it has failed or closed, or was not there within PATIENCE."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._settled.wait(), PATIENCE)
            await self._gone.wait()

    async def close(self) -> None:
        """End it; `ended` returns."""
        await self._peer.close()
        self._note()

    def _check(self, offer: str) -> None:
        try:
            media = sdp.SessionDescription.parse(offer).media
        except _UNREADABLE as error:
            raise BadOfferError(f"the offer is no SDP: {error}") from error
        if not media:
            raise BadOfferError("the offer is no SDP: it has no media")
        directions = [one.direction for one in media if one.kind == "audio"]
        wanted = {"recvonly": ("sendonly", "sendrecv"), "sendonly": ("recvonly", "sendrecv")}
        if not directions or directions[0] not in wanted[self._audio.direction]:
            raise UnfitOfferError(f"the offer is to have audio that is {wanted[self._audio.direction][0]}")

    def _note(self) -> None:
        state = self._peer.connectionState
        if state in ("failed", "closed"):
            self._gone.set()
        if state not in ("new", "connecting"):
            self._settled.set()


class Speech(Connection):
    """What a speaker sends.

    Attributes:
        voices: Where it is heard.
    """

    def __init__(self) -> None:
        super().__init__("audio", "recvonly")
        self.voices = Voices()
        self.voices.take_from(self._audio.receiver)


class Hearing(Connection):
    """What a listener gets of one speaker."""

    def __init__(self, speech: Speech) -> None:
        self._speech, self._voice = speech, speech.voices.add()
        super().__init__(self._voice, "sendonly")

    async def close(self) -> None:
        """End it, and take no more of the voice."""
        self._speech.voices.remove(self._voice)
        await super().close()
