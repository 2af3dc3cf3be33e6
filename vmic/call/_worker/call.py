"""One call, from the join to the leave, over one or more sessions."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import av
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from vmic._base.backoff import Backoff
from vmic._base.tasks import end
from vmic.call._media.playout import Playout
from vmic.call._media.portaudio import SAMPLE_RATE
from vmic.call._signalling.base import (
    DetachableListener,
    LocalParticipant,
    RemoteParticipant,
    Session,
    SessionError,
    SessionListener,
)
from vmic.call._signalling.janus import VideoRoomSession
from vmic.call._signalling.meeting_url import Address, DailyRoomAddress, WhipAddress
from vmic.call._signalling.whip import WhipSession

_LEAVES_WITHIN = 4.0
# A call that was cut off is over when no attempt to join it again succeeds within this time.
_COMES_BACK_WITHIN = 60.0
_FIRST_PAUSE, _LAST_PAUSE = 0.5, 4.0
_ASK_AGAIN = 0.5

Tell = Callable[..., None]

_log = logging.getLogger("vmic")


class Call(SessionListener):
    """A call: it joins, receives sound, and joins again when it is cut off, until `end`.

    Attributes:
        joined: The server's id of the local participant after the join; or the error of the join.
        meeting: The id of the meeting after the join.
    """

    def __init__(self, address: Address, local: LocalParticipant, tell: Tell, playout: Playout) -> None:
        self._address = address
        self._local = local
        self._tell = tell
        self._playout = playout
        self.joined: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._resamplers: dict[str, av.AudioResampler] = {}  # by participant, for the program
        self.meeting = ""
        self._session: Session | None = None
        self._session_events: DetachableListener | None = None
        self._participants: set[str] = set()
        self._noted: set[str] = set()
        self._hearing: dict[str, asyncio.Task[None]] = {}
        self._over = self._ending = False
        self._is_finished = False  # by the server
        self._unleft: list[Session] = []  # sessions whose end the server does not know
        self._trouble: str | None = None
        self._life = asyncio.create_task(self._live())

    @property
    def session(self) -> Session:
        """Return the current session; raise SessionError if there is none."""
        if self._session is None:
            raise SessionError("the client has not joined a call")
        return self._session

    async def end(self) -> str | None:
        """Leave, and return the server's error or None. This blocks for some seconds at most."""
        self._over = True
        while not self._life.done():
            if not self._ending:
                self._life.cancel()
            await asyncio.wait({self._life}, timeout=_ASK_AGAIN)
        return self._trouble

    def render(self, identity: str, form: tuple[int, int] | None) -> None:
        """Send a participant's sound to the program at a rate and with an interval in ms; None ends it."""
        self._resamplers.pop(identity, None)
        if form is not None:
            rate, interval_ms = form
            self._resamplers[identity] = av.AudioResampler("s16", "mono", rate, rate * interval_ms // 1000)

    # ---- events of the session ----

    def note(self, participant: RemoteParticipant) -> None:
        self._noted.add(participant.identity)
        self._participants.add(participant.identity)
        self._tell({"event": "participant", **vars(participant)})

    def leave(self, identity: str) -> None:
        self._participants.discard(identity)
        self.render(identity, None)
        self._tell({"event": "gone", "identity": identity})

    def say(self, message: Any, sender: str) -> None:
        self._tell({"event": "message", "message": message, "sender": sender})

    def hear(self, identity: str, track: MediaStreamTrack) -> None:
        if before := self._hearing.pop(identity, None):
            before.cancel()
        self._hearing[identity] = asyncio.create_task(self._hear(identity, track))

    def lose(self, why: str) -> None:
        if not self._cut.done():
            self._cut.set_result(why)

    def finish(self, why: str) -> None:
        self._is_finished = True
        self.lose(why)

    # ---- inside ----

    async def _live(self) -> None:
        try:
            self.joined.set_result(await self._join())
            while not self._over:
                why = await self._cut
                if self._is_finished:
                    raise SessionError(why)
                await self._come_back(why)
        except Exception as error:  # noqa: BLE001 (it is logged, and reported)
            is_refusal = isinstance(error, SessionError)
            if not is_refusal:
                _log.exception("internal error: the call has ended")
            self._fail(str(error) if is_refusal else repr(error))
        finally:
            self._ending = True
            await self._let_go()
            if not self.joined.done():
                self.joined.set_exception(SessionError("the client left the call while it was joining"))

    def _fail(self, why: str) -> None:
        if self.joined.done():
            self._tell({"event": "lost", "why": why})
        else:
            self.joined.set_exception(SessionError(why))

    async def _join(self) -> str:
        self._noted = set()
        self._cut: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        name, hears = self._local.name, self._local.hears
        self._session_events = DetachableListener(self)
        if isinstance(self._address, WhipAddress):
            self._session = WhipSession(self._address.url, self._session_events, self._local)
        elif isinstance(self._address, DailyRoomAddress):
            from vmic.call._daily_api.daily_co import DailySession  # noqa: PLC0415 (it loads an extra)

            self._session = DailySession(self._address.url, self._session_events, self._local)
        else:
            self._session = VideoRoomSession(self._address, self._session_events, self._local)
        sends = self._local.sends
        identity = await self._session.join()
        self.meeting = self._session.meeting
        # Apply the settings that changed during the join.
        if self._local.sends != sends:
            await self._session.mute(sends=self._local.sends)
        if self._local.name != name:
            await self._session.rename(self._local.name)
        if self._local.hears != hears:
            await self._session.subscribe(self._local.hears)
        for gone in self._participants - self._noted:
            self.leave(gone)
        return identity

    async def _come_back(self, why: str) -> None:
        """Join again; raise SessionError if no attempt succeeds within a minute."""
        self._tell({"event": "interrupted", "why": why})
        now = asyncio.get_running_loop().time
        backoff, until = Backoff(_FIRST_PAUSE, _LAST_PAUSE), now() + _COMES_BACK_WITHIN
        while now() < until and not self._over and not self._is_finished:
            await self._let_go()
            await asyncio.sleep(backoff.next())
            # Otherwise the others would see this participant twice: Janus (1.1.2) keeps it for a minute.
            await self._leave()
            try:
                self._tell({"event": "back", "id": await self._join()})
            except SessionError as error:
                why = str(error)
            else:
                await self._leave()  # the network may have recovered only now
                return
        raise SessionError(f"cannot rejoin the call: {why}")

    async def _let_go(self) -> None:
        """End the session: at once on this side, and within some seconds on the server."""
        session, self._session = self._session, None
        hearing, self._hearing = self._hearing, {}
        if self._session_events is not None:
            self._session_events.listener = None
        here = {asyncio.ensure_future(end(hearing.values()))}
        if session is not None:
            self._unleft.append(session)
            here.add(asyncio.ensure_future(session.hang_up()))
        _, (_, late) = await asyncio.gather(self._leave(), asyncio.wait(here, timeout=_LEAVES_WITHIN))
        await end(late)

    async def _leave(self) -> None:
        """Leave each session whose end the server does not know yet, within some seconds."""
        self._trouble = None
        tasks = {asyncio.create_task(session.leave()): session for session in self._unleft}
        try:
            if tasks:
                await asyncio.wait(tasks, timeout=_LEAVES_WITHIN)
        finally:
            await end(tasks)
        for task, session in tasks.items():
            if task.cancelled():
                self._trouble = f"the server did not answer within {_LEAVES_WITHIN:g} s"
            elif error := task.exception():
                self._trouble = str(error)
            else:
                self._unleft.remove(session)

    async def _hear(self, identity: str, track: MediaStreamTrack) -> None:
        resampler = av.AudioResampler("s16", "stereo", SAMPLE_RATE)
        is_heard = False
        try:
            while True:
                frame: Any = await track.recv()
                if not is_heard:
                    is_heard = True
                    self._tell({"event": "track", "identity": identity, "track": track.id})
                frame.pts = None  # after a gap the resampler would refuse the frame
                for piece in resampler.resample(frame):
                    samples: Any = piece.to_ndarray()
                    self._playout.add(identity, samples.reshape(-1, 2))
                self._render(identity, frame)
        except MediaStreamError:
            return
        except av.FFmpegError as error:
            _log.warning("cannot receive the sound of participant %s: %s", identity, error)
        finally:
            self._playout.forget(identity)
            if is_heard:
                self._tell({"event": "track", "identity": identity, "track": None})

    def _render(self, identity: str, frame: Any) -> None:
        if resampler := self._resamplers.get(identity):
            frame.pts = None  # see `_hear`
            shape = {"sample_rate": resampler.rate, "frames": resampler.frame_size}
            for piece in resampler.resample(frame):
                sound = bytes(piece.planes[0])[: 2 * resampler.frame_size]
                self._tell({"event": "sound", "participant": identity, **shape}, sound)
