"""The room's WebSockets: each sends events to one participant, and receives its requests."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any, NoReturn

from aiohttp import WSCloseCode, WSMsgType, web

from vmic.room.participants import RoomParticipant, RoomParticipants

_MAX_MESSAGE = 1 << 16  # bytes
_BACKLOG = 1000  # events
_PING = 20.0  # seconds


class Channel:
    """The channel over one WebSocket; a client that does not read is cut off."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self._socket = web.WebSocketResponse(heartbeat=_PING, max_msg_size=_MAX_MESSAGE)
        self._events: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()

    def send(self, event: dict[str, Any]) -> None:
        """Send an event after all earlier ones; never block."""
        self._events.put_nowait(event)
        if self._events.qsize() > _BACKLOG and self._request.transport is not None:
            self._request.transport.abort()

    def end(self) -> None:
        """Close the channel after all earlier events."""
        self._events.put_nowait(None)

    async def open(self) -> None:
        """Open the channel; raise the HTTP error to answer with if the request is not for a WebSocket."""
        await self._socket.prepare(self._request)

    async def serve(
        self, participants: RoomParticipants, participant: RoomParticipant
    ) -> web.WebSocketResponse:
        """Serve one participant until either side closes the channel."""
        participants.connect(participant, self)
        writing = asyncio.create_task(self._write())
        try:
            async for message in self._socket:
                if message.type is WSMsgType.TEXT:
                    self._obey(participants, participant, message.data)
                else:
                    self.send(_error("the message must be JSON in a text frame"))
        finally:
            participants.disconnect(participant, self)
            self.end()
            await writing
        return self._socket

    async def _write(self) -> None:
        # The connection may break at any time; the reader notices that too.
        with contextlib.suppress(ConnectionError):
            while (event := await self._events.get()) is not None:
                await self._socket.send_json(event)
            await self._socket.close(code=WSCloseCode.GOING_AWAY)

    def _obey(self, participants: RoomParticipants, participant: RoomParticipant, text: str) -> None:
        try:
            match json.loads(text, parse_constant=_refuse):
                case {"name": str(name), **rest} if not rest:
                    participants.rename(participant, name)
                case {"microphone": bool(sends), **rest} if not rest:
                    participants.mute(participant, sends=sends)
                case {"message": message, "recipient": str() | None as recipient, **rest} if not rest:
                    participants.pass_on(participant, message, recipient)
                case {"message": message, **rest} if not rest:
                    participants.pass_on(participant, message, None)
                case _:
                    raise ValueError(
                        'the message must be {"name": "..."}, {"microphone": true or false}, '
                        'or {"message": ..., "recipient": an id or null}'
                    )
        except (ValueError, RecursionError) as error:
            self.send(_error(str(error)))


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not valid JSON")  # though Python reads and writes it


def _error(message: str) -> dict[str, Any]:
    return {"event": "error", "message": message}
