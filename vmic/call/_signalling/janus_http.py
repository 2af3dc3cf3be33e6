"""Janus's HTTP interface: a session, its plugin handles, and their events."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable
from typing import Any

import aiohttp

from vmic._base.tasks import end
from vmic.call._signalling.base import SessionError, reason

_ANSWERS_WITHIN = 10.0
# Janus sends an event every 30 s, even if nothing happens. It ends a session from which it hears nothing for
# 60 s.
_TELLS_WITHIN = 45.0
_ALIVE_EACH = 25.0
# If Janus does not answer, it is asked again for this long.
_MISSED_FOR, _ASKS_AGAIN = 5.0, 0.5
_NO_SUCH_SESSION = 458

_log = logging.getLogger("vmic")

Json = dict[str, Any]
Told = Callable[[Json], None]


class RefusalError(SessionError):
    """Janus or a plugin has refused a request.

    Attributes:
        code: The error code; None if there is none.
    """

    def __init__(self, why: str, code: int | None) -> None:
        super().__init__(why)
        self.code = code


class JanusClient:
    """One session on Janus; its methods raise SessionError if Janus cannot be reached, or refuses."""

    def __init__(self, url: str, token: str | None, lost: Callable[[str], None]) -> None:
        """Create a session that calls `lost` with the reason when the session is lost."""
        self._url = url
        self._lost = lost
        self._token = {} if token is None else {"token": token}
        self._http = _new_http()
        self._session: str | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._told: dict[int, Told] = {}  # by handle
        self._adrift: set[int] = set()  # unused handles that Janus still sends events to
        self._answers: dict[str, asyncio.Future[Json]] = {}

    async def begin(self) -> None:
        created = await self.post({"janus": "create"})
        self._session = str(created["data"]["id"])
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._stay_alive())]

    async def attach(self, plugin: str, told: Told) -> PluginHandle:
        """Return a new handle of a plugin; `told` receives its events, except those that answer a request."""
        attached = await self.post({"janus": "attach", "plugin": plugin})
        number = attached["data"]["id"]
        self._told[number] = told
        for adrift in list(self._adrift):
            await self.detach(adrift)
        return PluginHandle(self, number)

    async def detach(self, handle: int) -> None:
        """Release a handle; if Janus cannot be reached now, try again at the next `attach`."""
        self._told.pop(handle, None)
        self._adrift.add(handle)
        try:
            await self.post({"janus": "detach"}, handle)
        except RefusalError:
            pass  # Janus has released it already
        except SessionError:
            return
        self._adrift.discard(handle)

    async def end(self) -> None:
        """End the session, and everything in it; may be called again if it fails."""
        await end(self._tasks)
        if self._http.closed:  # `end` has been called before
            self._http = _new_http()
        try:
            if self._session is not None:
                await self.post({"janus": "destroy"})
                self._session = None
        except RefusalError as refusal:
            if refusal.code != _NO_SUCH_SESSION:
                raise
        finally:
            await self._http.close()

    async def post(self, message: Json, handle: int | None = None) -> Json:
        """Send a message, and return the immediate response."""
        path = "/".join(str(part) for part in (self._url, self._session, handle) if part is not None)
        message = {"transaction": secrets.token_hex(8), **message, **self._token}
        try:
            async with self._http.post(path, json=message) as answer:
                said: Json = await answer.json(content_type=None)
        except (aiohttp.ClientError, asyncio.TimeoutError, ValueError) as error:
            raise SessionError(f"cannot reach Janus at {self._url}: {reason(error)}") from error
        if not isinstance(said, dict) or said.get("janus") not in ("success", "ack"):
            refusal = said.get("error") if isinstance(said, dict) else None
            code = refusal.get("code") if isinstance(refusal, dict) else None
            why = f"{refusal.get('reason')} ({code})" if isinstance(refusal, dict) else repr(said)[:200]
            raise RefusalError(f"Janus at {self._url} refused the request: {why}", code)
        return said

    async def ask(self, handle: int, body: Json, jsep: Json | None) -> Json:
        """Send a message to a plugin, and return the event that answers it."""
        transaction = secrets.token_hex(8)
        self._answers[transaction] = answer = asyncio.get_running_loop().create_future()
        try:
            message = {"janus": "message", "transaction": transaction, "body": body}
            await self.post({**message, **({} if jsep is None else {"jsep": jsep})}, handle)
            return await asyncio.wait_for(answer, _ANSWERS_WITHIN)
        except asyncio.TimeoutError:
            raise SessionError(
                f"Janus at {self._url} did not answer the request {body['request']!r} within "
                f"{_ANSWERS_WITHIN:g} s"
            ) from None
        finally:
            del self._answers[transaction]

    async def _listen(self) -> None:
        """Fetch events until the session is lost."""
        url = f"{self._url}/{self._session}"
        timeout = aiohttp.ClientTimeout(total=_TELLS_WITHIN)
        now = asyncio.get_running_loop().time
        failing: float | None = None
        while True:
            query = {"maxev": "10", **self._token}
            try:
                async with self._http.get(url, params=query, timeout=timeout) as answer:
                    told = await answer.json(content_type=None)
            except (aiohttp.ClientError, asyncio.TimeoutError, ValueError) as error:
                failing = failing or now()
                if now() - failing > _MISSED_FOR:
                    self._lost(f"the connection to Janus at {self._url} is lost: {reason(error)}")
                    return
                await asyncio.sleep(_ASKS_AGAIN)
                continue
            failing = None
            for event in told if isinstance(told, list) else [told]:
                if not isinstance(event, dict) or event.get("janus") in ("timeout", "error"):
                    self._lost(f"Janus at {self._url} has ended the session")
                    return
                try:
                    self._take(event)
                except Exception:  # noqa: BLE001 (it is logged; later events are still handled)
                    _log.exception("cannot handle an event from Janus at %s: %s", self._url, event)

    async def _stay_alive(self) -> None:
        while True:
            await asyncio.sleep(_ALIVE_EACH)
            with contextlib.suppress(SessionError):  # `_listen` notices it
                await self.post({"janus": "keepalive"})

    def _take(self, event: Json) -> None:
        if event.get("janus") != "event":
            return
        answer = self._answers.get(event.get("transaction", ""))
        if answer is not None and not answer.done():
            answer.set_result(event)
        elif told := self._told.get(event.get("sender", 0)):
            told(event["plugindata"]["data"])


class PluginHandle:
    """A handle of a plugin."""

    def __init__(self, janus: JanusClient, number: int) -> None:
        self._janus = janus
        self._number = number

    async def ask(self, body: Json, jsep: Json | None = None) -> tuple[Json, Json | None]:
        """Send a request to the plugin; return its answer, and the session description with the answer."""
        event = await self._janus.ask(self._number, body, jsep)
        data = event["plugindata"]["data"]
        if "error" in data:
            code = data.get("error_code")
            why = f"the room refused the request {body['request']!r}: {data['error']} ({code})"
            raise RefusalError(why, code)
        return data, event.get("jsep")

    async def detach(self) -> None:
        await self._janus.detach(self._number)


def _new_http() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_ANSWERS_WITHIN))
