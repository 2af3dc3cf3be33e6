"""Run the commands of the program: join calls, and control their sound and their server session."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import urllib.parse
from collections.abc import Awaitable, Callable
from typing import Any

from aiortc.mediastreams import MediaStreamTrack

from vmic._base.tasks import start
from vmic.call._media.capture import Capture
from vmic.call._media.device_watch import DeviceWatch
from vmic.call._media.opus_track import MicrophoneTrack, SendSettings
from vmic.call._media.playout import Playout
from vmic.call._signalling import meeting_url
from vmic.call._signalling.base import LocalParticipant, SessionError
from vmic.call._signalling.peer_connection import reach
from vmic.call._signalling.subscriptions import Subscriptions
from vmic.call._worker.call import Call, Tell
from vmic.call._worker.protocol import Message

# The delay of the last written frame: 20 ms in the server, 20 ms in PortAudio, a piece of 20 ms.
_SOUND_LEAVES_WITHIN = 0.1

_log = logging.getLogger("vmic")


class Commands:
    """The commands of the program, which join calls, one after the other, and act in them."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._device_watch = DeviceWatch()
        self._capture = Capture(self._device_watch, lambda why: tell({"event": "microphone", "trouble": why}))
        self._playout = Playout(self._device_watch, lambda why: tell({"event": "speaker", "trouble": why}))
        self._speaker: str | None = None
        self._send_settings = SendSettings()
        self._track: MicrophoneTrack | None = None
        self._local = LocalParticipant(
            "", None, hears=Subscriptions(), sends=False, new_track=self._new_track
        )
        self._call: Call | None = None
        self._in_turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    async def do(self, message: Message) -> None:
        """Run the command of a message and answer it. Only "leave" is awaited; the others run in tasks."""
        what, number = message.pop("do"), message.pop("number")
        if what == "join":
            self._begin(**message)
            start(self._answer(what, number, self._await_joined), self._tasks)
        elif what == "leave":
            await self._answer(what, number, self._do_leave)
        else:
            handler = functools.partial(getattr(self, f"_do_{what}"), **message)
            start(self._answer_in_turn(what, number, handler), self._tasks)

    async def close(self) -> None:
        """Leave the call, and close the audio streams."""
        with contextlib.suppress(SessionError):  # the server did not accept the leave
            await self._do_leave()
        await asyncio.gather(self._capture.close(), self._playout.close())
        self._device_watch.close()

    async def _answer_in_turn(self, what: str, number: int, handler: Callable[[], Awaitable[object]]) -> None:
        async with self._in_turn:
            await self._answer(what, number, handler)

    async def _answer(self, what: str, number: int, handler: Callable[[], Awaitable[object]]) -> None:
        answer, error = None, None
        try:
            answer = await handler()
        except SessionError as refusal:
            error = str(refusal)
        except Exception as fault:  # noqa: BLE001 (it is logged, and reported)
            _log.exception("internal error in the command %s of the call", what)
            error = repr(fault)
        self._tell({"event": "done", "number": number, "error": error, "answer": answer})

    def _begin(self, url: str, token: str | None, name: str) -> None:
        self._local.name, self._local.token = name, token
        address = meeting_url.parse(url)
        reach(urllib.parse.urlsplit(address.url).hostname or "")
        self._playout.use(self._speaker, self._playout.channels)
        self._call = Call(address, self._local, self._tell, self._playout)

    async def _await_joined(self) -> Message:
        call = self._call
        if call is None:
            raise SessionError("the client left the call while it was joining")
        identity = await asyncio.shield(call.joined)
        # Frames that are written to the microphone after this are heard.
        await self._capture.settle()
        return {"id": identity, "meeting": call.meeting}

    async def _do_leave(self) -> None:
        call, self._call = self._call, None
        if call is None:
            return
        if call.joined.done() and not call.joined.exception():
            await asyncio.sleep(_SOUND_LEAVES_WITHIN)
        trouble = await call.end()
        if self._call is None:
            self._capture.use(None, self._capture.channels)
            self._playout.use(None, self._playout.channels)
        if trouble is not None:
            raise SessionError(trouble)

    async def _do_microphone(self, device: str | None, channels: int, bitrate: int | None, on: bool) -> None:
        self._send_settings = SendSettings(channels, bitrate, on, chosen=device is not None)
        self._local.sends = self._send_settings.is_heard
        self._capture.use(device, channels)
        if self._track is not None:
            self._track.send_settings = self._send_settings
            await self._capture.settle()
        if self._is_joined:
            # While the call is cut off there is no session; the next join sends this state.
            with contextlib.suppress(SessionError):
                await self._joined.session.mute(sends=self._local.sends)

    async def _do_speaker(self, device: str | None) -> None:
        self._speaker = device
        if self._call is not None:
            self._playout.use(self._speaker, self._playout.channels)

    async def _do_subscribe(self, usual: bool, others: dict[str, bool]) -> None:
        self._local.hears = Subscriptions(usual, others)
        if self._is_joined:
            await self._joined.session.subscribe(self._local.hears)

    async def _do_name(self, name: str) -> None:
        self._local.name = name
        if self._is_joined:
            await self._joined.session.rename(name)

    async def _do_message(self, message: Any, recipient: str | None) -> None:
        await self._joined.session.send(message, recipient)

    async def _do_render(self, participant: str, form: tuple[int, int] | None) -> None:
        self._joined.render(participant, form)

    @property
    def _is_joined(self) -> bool:
        """Return whether the call is joined; a join in progress applies changed settings at its end."""
        call = self._call
        return call is not None and call.joined.done() and not call.joined.exception()

    @property
    def _joined(self) -> Call:
        if self._call is None:
            raise SessionError("the client has not joined a call")
        return self._call

    def _new_track(self, waits: bool) -> MediaStreamTrack:
        self._track = MicrophoneTrack(self._capture, self._send_settings, waits=waits)
        return self._track
