"""One WebRTC connection that carries sound."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

import aioice.ice
from aiortc import RTCConfiguration, RTCIceServer, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamTrack

from vmic._base.tasks import happens
from vmic.call._signalling.base import SessionError
from vmic.call._signalling.opus_sdp import OPUS, with_opus_parameters

_CONNECTS_WITHIN = 15.0
_CLOSES_WITHIN = 2.0

_log = logging.getLogger("vmic")

_machines_addresses = aioice.ice.get_host_addresses


def reach(host: str) -> None:
    """Let this process's next connections reach `host`, even on this machine's loopback address.

    aioice uses every address except loopback (0.13), which may be the only address that both sides have.
    """
    is_here = host in ("::1", "localhost") or host.startswith("127.")
    loopback = ["127.0.0.1"] if is_here else []
    aioice.ice.get_host_addresses = lambda *args, **options: [
        *loopback,
        *_machines_addresses(*args, **options),
    ]


class PeerError(SessionError):
    """The connection cannot be established; the message says why."""


class Peer:
    """A connection to a server.

    Attributes:
        connection: The connection object of aiortc.
    """

    def __init__(
        self,
        *,
        lost: Callable[[str], None],
        heard: Callable[[MediaStreamTrack], None],
        ice_servers: Sequence[RTCIceServer] = (),
    ) -> None:
        """Call `lost` with the reason when the connection is lost for good, and `heard` with each track."""
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=list(ice_servers)))
        self._lost = lost
        self._settled = asyncio.Event()  # connected or lost
        self._closed = False
        self.connection.on("track", heard)
        self.connection.on("connectionstatechange", self._note_state)

    def send(self, track: MediaStreamTrack) -> None:
        """Offer to send `track` as Opus, and to receive nothing."""
        self.connection.addTransceiver(track, "sendonly").setCodecPreferences(OPUS)

    def receive(self) -> None:
        """Offer to receive a track."""
        self.connection.addTransceiver("audio", "recvonly")

    async def offer(self) -> str:
        """Return the offer for the server, with the addresses of this machine."""
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return with_opus_parameters(self.connection.localDescription.sdp)

    async def accept(self, answer: str) -> None:
        """Apply the answer of the server."""
        await self._take(answer, "answer")

    async def answer(self, offer: str) -> str:
        """Return the answer to an offer of the server."""
        await self._take(offer, "offer")
        await self.connection.setLocalDescription(await self.connection.createAnswer())
        return with_opus_parameters(self.connection.localDescription.sdp)

    async def connected(self) -> None:
        """Wait until sound can go through; raise PeerError if the connection is not established in time."""
        await happens(self._settled, _CONNECTS_WITHIN)
        if self.connection.connectionState != "connected":
            raise PeerError(
                f"cannot connect to the server for sound within {_CONNECTS_WITHIN:g} s: a firewall may block "
                "UDP. Allow UDP, or use a server that offers TURN"
            )

    async def close(self) -> None:
        """Close the connection; nothing is sent from the moment of the call."""
        self._closed = True
        for sender in self.connection.getSenders():
            if sender.track is not None:
                sender.track.stop()
        closing = asyncio.ensure_future(self.connection.close())
        await asyncio.wait({closing}, timeout=_CLOSES_WITHIN)
        if not closing.done():
            _log.warning("a WebRTC connection did not close within %g s; vmic stops waiting", _CLOSES_WITHIN)

    async def _take(self, sdp: str, kind: str) -> None:
        try:
            await self.connection.setRemoteDescription(RTCSessionDescription(sdp, kind))
        except Exception as error:
            raise PeerError(f"cannot apply the SDP {kind} of the server: {error}") from error

    def _note_state(self) -> None:
        state = self.connection.connectionState
        if state in ("connected", "failed", "closed"):
            was_settled = self._settled.is_set()
            self._settled.set()
            if state != "connected" and was_settled and not self._closed:
                self._lost(f"the WebRTC connection has {state}")
