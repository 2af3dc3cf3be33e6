"""The state of a call: `CallController` handles requests and the worker's messages one after the other."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from vmic import _atexit, _selected_speaker
from vmic._base.callbacks import CallbackThread, call
from vmic._errors import VmicError
from vmic.call._signalling import meeting_url
from vmic.call._worker.client import WorkerClient
from vmic.call._worker.protocol import Message
from vmic.call.event_dispatcher import EventDispatcher
from vmic.call.events import EventHandler
from vmic.call.renderers import Renderer
from vmic.call.requested_settings import RequestedSettings
from vmic.call.settings import SettingsError, checked_client_settings

_log = logging.getLogger("vmic")

INITIALIZED, JOINING, JOINED, LEAVING, LEFT = "initialized", "joining", "joined", "leaving", "left"

Done = Callable[[Any, "str | None"], None]  # called with an answer and an error
Completion = Callable[["str | None"], object]
JoinCompletion = Callable[["dict[str, Any] | None", "str | None"], object]


class CallController:
    """The calls of one `CallClient`, one after the other.

    All methods except `_told` and `_ended` run on the call's own thread.

    Attributes:
        requested: The settings that the program has requested.
        dispatcher: Reports events to the program.
    """

    def __init__(self, handler: EventHandler, thread: CallbackThread) -> None:
        self._thread = thread
        self.requested = RequestedSettings()
        self.dispatcher = EventDispatcher(handler, self.requested)
        self._state = INITIALIZED
        self._name = ""
        self._worker_client: WorkerClient | None = None
        self._pending: dict[int, Done] = {}
        self._leaving: list[Completion | None] = []
        self._released = False

    # ---- requests of the program ----

    def join(self, url: str, token: str | None, settings: Any, completion: JoinCompletion | None) -> None:
        """Join the call at `url`."""

        def fail(error: str) -> None:
            self._fail("join", error, completion and (lambda said: completion(None, said)))

        try:
            if self._state in (JOINING, JOINED, LEAVING):
                raise ValueError(
                    f"cannot join the call: the client is already in state {self._state!r}. Leave the "
                    "current call first"
                )
            meeting_url.parse(url)
            wanted = checked_client_settings(settings)
            for what in [name for name in ("publishing", "inputs") if name in wanted]:
                self._take_settings(f"update{what.capitalize()}", wanted[what])
            worker_client = self._reach_worker_client()
        except (ValueError, VmicError) as error:
            fail(str(error))
            return
        self.dispatcher.hold()
        self._become(JOINING)
        self._send_settings("microphone")
        self._send_settings("subscribe")

        def done(answer: Any, error: str | None) -> None:
            if self._state == JOINING and error is None:
                self._begin(answer["id"], answer["meeting"], completion)
            elif self._state == JOINING:
                self._end()
                fail(str(error))
            else:  # the call is being left
                _complete(completion, None, error or "the client left the call while it was joining")

        # A token that is read from a file ends with a newline.
        token = None if token is None else token.strip()
        number = worker_client.send("join", url=url, token=token, name=self._name)
        self._pending[number] = done

    def leave(self, completion: Completion | None) -> None:
        """Leave the call."""
        if self._worker_client is None or self._state not in (JOINING, JOINED, LEAVING):
            # As daily-python (0.36) reports the leave of a call that was not joined.
            self._become(LEAVING)
            self._take_settings("updateInputs", {"microphone": False})
            self._become(LEFT)
            _complete(completion, None)
            return
        self._leaving.append(completion)
        if self._state == LEAVING:
            return
        self._become(LEAVING)
        self.dispatcher.renderers.clear()

        def done(_answer: Any, error: str | None) -> None:
            if error is not None:
                _log.warning("vmic left the call, but the server may still show this participant: %s", error)
            self._end()
            leaving, self._leaving = self._leaving, []
            for one in leaving:
                _complete(one, None)

        self._pending[self._worker_client.send("leave")] = done

    def release(self) -> None:
        """End the worker process with its call, then the thread. Answers that still arrive are reported."""
        self._released = True
        self.dispatcher.renderers.close()
        if self._state in (JOINING, JOINED):
            self._become(LEAVING)
        worker_client, self._worker_client = self._worker_client, None
        if worker_client is not None:
            worker_client.end()
        self._thread.post(lambda: self._abandon("the client was released"))
        self._thread.close(0)

    def update(self, what: str, updates: list[Any], completion: Completion | None) -> None:
        """Change requested settings; in a call, complete when the worker has answered."""
        try:
            self._await(self._take_settings(what, *updates), what, completion)
        except (SettingsError, VmicError) as error:
            self._fail(what, str(error), completion)

    def set_name(self, name: str) -> None:
        """Change the local participant's name."""
        self._name = name
        self.dispatcher.local(name)
        if self._worker_client is not None:
            self._await(self._worker_client.send("name", name=name), "setUserName", None)

    def send_message(self, message: Any, recipient: str | None, completion: Completion | None) -> None:
        """Send a message to all other participants, or to one of them."""
        if self._state != JOINED or self._worker_client is None:
            self._fail("sendAppMessage", "the client has not joined a call", completion)
        elif recipient is not None and recipient not in self.dispatcher.participants():
            self._fail("sendAppMessage", f"participant {recipient!r} not found in the call", completion)
        else:
            number = self._worker_client.send("message", message=message, recipient=recipient)
            self._await(number, "sendAppMessage", completion)

    def render(self, participant: str, renderer: Renderer | None, sample_rate: int, interval_ms: int) -> None:
        """Pass the sound of a participant to `renderer`, or stop if that is None; only in a call."""
        if self._worker_client is not None:
            self.dispatcher.renderers.set(participant, renderer)
            form = None if renderer is None else (sample_rate, interval_ms)
            self._worker_client.send("render", participant=participant, form=form)

    def use_speaker(self) -> None:
        """Play to the speaker that is selected now."""
        if self._worker_client is not None:
            self._worker_client.send("speaker", device=_selected_speaker.sink_name())

    # ---- messages of the worker process ----

    def _told(self, message: Message, sound: bytes) -> None:
        """Handle a message of the worker process; called on the thread of `WorkerClient`."""
        if message["event"] == "sound":
            self.dispatcher.sound(message, sound)
        else:
            self._thread.post(lambda: self._take(message))

    def _take(self, message: Message) -> None:
        if message["event"] == "done":
            if done := self._pending.pop(message["number"], None):
                done(message["answer"], message["error"])
        elif message["event"] == "lost":
            self._lose(message["why"])
        elif message["event"] == "broken":
            self._note_end(self._worker_client, f"the call process failed: {message['why']}")
        elif self._tells(message["event"]):
            self.dispatcher.take(message)

    def _tells(self, event: str) -> bool:
        """Return whether to report the event: not if the program's own leave or exit causes it."""
        if event in ("interrupted", "back"):
            return self._state in (JOINING, JOINED)
        if event in ("microphone", "speaker", "track"):
            return self._state != LEAVING and not _atexit.exiting.is_set()
        return True

    def _ended(self, worker_client: WorkerClient, code: int) -> None:
        """Handle the end of the worker process; called on the thread of `WorkerClient`."""
        self._thread.post(lambda: self._note_end(worker_client, f"the call process exited with code {code}"))

    def _note_end(self, worker_client: WorkerClient | None, why: str) -> None:
        # Otherwise `release` ended the process, or its end is handled already.
        if worker_client is not None and self._worker_client is worker_client:
            self._worker_client = None
            self._lose(why)
            self._abandon(f"the call has ended: {why}")

    # ---- inside ----

    def _reach_worker_client(self) -> WorkerClient:
        if self._released:
            raise VmicError("the client was released")
        if self._worker_client is None:
            self._worker_client = WorkerClient(self._told, self._ended)
            self.use_speaker()
        return self._worker_client

    def _begin(self, identity: str, meeting: str, completion: JoinCompletion | None) -> None:
        everybody = self.dispatcher.begin(identity)
        self._become(JOINED)
        _complete(completion, {"meetingSession": {"id": meeting}, "participants": everybody}, None)
        self.dispatcher.go_on()

    def _lose(self, why: str) -> None:
        """Report that the call has ended without a request of the program."""
        if self._state in (JOINING, JOINED):
            self.dispatcher.error(f"the call has ended: {why}")
            self._become(LEAVING)
            if self._worker_client is not None:
                self._worker_client.send("leave")  # the worker still records
            self._end()

    def _end(self) -> None:
        """Finish leaving the call."""
        self.dispatcher.end()
        self._become(LEFT)

    def _abandon(self, why: str) -> None:
        """Fail all pending requests with `why`: no more answers arrive."""
        pending, self._pending = self._pending, {}
        for done in pending.values():
            done(None, why)
        if self._state == LEAVING:
            self._end()

    def _become(self, state: str) -> None:
        if self._state != state:
            self._state = state
            self.dispatcher.state(state)

    def _take_settings(self, what: str, *updates: Any) -> int | None:
        """Change requested settings; in a call, return the number of the worker's answer."""
        self.dispatcher.update(what, *updates)
        if what.startswith("updateSubscription"):
            return self._send_settings("subscribe")
        self.dispatcher.local(self._name)
        return self._send_settings("microphone")

    def _send_settings(self, command: str) -> int | None:
        """In a call, send the requested settings; return the number that the answer will have."""
        if self._worker_client is None or self._state not in (JOINING, JOINED):
            return None
        is_microphone = command == "microphone"
        settings = self.requested.microphone if is_microphone else vars(self.requested.hears)
        return self._worker_client.send(command, **settings)

    def _await(self, number: int | None, what: str, completion: Completion | None) -> None:
        """Complete a request when the answer with this number arrives; at once if the number is None."""

        def done(_answer: Any, error: str | None) -> None:
            if error is None:
                _complete(completion, None)
            else:
                self._fail(what, error, completion)

        if number is None:
            done(None, None)
        else:
            self._pending[number] = done

    def _fail(self, what: str, error: str, completion: Completion | None) -> None:
        """Report a failure to the completion and the event handler, or log it if there is neither."""
        _complete(completion, error)
        self.dispatcher.error(f"Error handling {what}: {error}", is_told=completion is not None)


def _complete(completion: Callable[..., object] | None, *results: Any) -> None:
    if completion is not None:
        call(completion, *results)
