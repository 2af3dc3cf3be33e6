"""Report the events of a call to the program's event handler."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from vmic._base import callbacks
from vmic._base.callbacks import call
from vmic.call._worker.protocol import Message
from vmic.call.events import EventHandler
from vmic.call.participants import CallParticipants
from vmic.call.renderers import AudioData, Renderers
from vmic.call.requested_settings import RequestedSettings


class EventDispatcher:
    """The connection of a call to the program's event handler.

    All methods run on the call's own thread, except the getters and `sound`. Events that occur while a call
    is being joined are held, and reported when it is joined.

    Attributes:
        renderers: The renderers, which receive the sound of participants.
    """

    def __init__(self, handler: EventHandler, requested: RequestedSettings) -> None:
        self._handler = handler
        self._requested = requested
        self._lock = threading.Lock()  # guards `_participants`
        self._participants = CallParticipants()
        self._counts = self._participants.counts()  # as last reported
        self._held: list[tuple[Any, ...]] | None = None  # functions, and their arguments
        self.renderers = Renderers()

    def participants(self) -> dict[str, Any]:
        """Return the participants, see `CallClient.participants`."""
        with self._lock:
            return self._participants.all()

    def counts(self) -> dict[str, int]:
        """Return the counts, see `CallClient.participant_counts`."""
        with self._lock:
            return self._participants.counts()

    def sound(self, message: Message, sound: bytes) -> None:
        """Pass the sound of a participant to its renderer, without blocking."""
        audio = AudioData(sound, message["sample_rate"], message["frames"])
        self.renderers.put(message["participant"], audio)

    # ---- the state of the call ----

    def state(self, state: str) -> None:
        """Report the state of the call."""
        call(self._handler.on_call_state_updated, state)

    def hold(self) -> None:
        """Hold the events, because the call is being joined."""
        self._held = []

    def begin(self, identity: str) -> dict[str, Any]:
        """Note that the call is joined, with `identity` as the local id, and return all participants."""
        with self._lock:
            self._participants.begin(identity)
            return self._participants.all()

    def go_on(self) -> None:
        """Report the held events."""
        held, self._held = self._held, None
        for function, *arguments in held or ():
            call(function, *arguments)
        self._tell_counts()

    def end(self) -> None:
        """Forget the participants, the held events and the renderers, because the call is left."""
        with self._lock:
            self._participants.end()
            self._counts = self._participants.counts()
        self._held = None
        self.renderers.clear()

    def error(self, message: str, *, is_told: bool = False) -> None:
        """Report a failure; log it too unless `on_error` is overridden or the program `is_told` otherwise."""
        if not is_told and type(self._handler).on_error is EventHandler.on_error:
            callbacks.log.error("%s", message)
        call(self._handler.on_error, message)

    # ---- the settings of the program ----

    def update(self, what: str, *updates: Any) -> None:
        """Change requested settings (see `RequestedSettings.update`), and report those that have changed."""
        for kind in self._requested.update(what, *updates):
            call(getattr(self._handler, f"on_{kind}_updated"), self._requested.get(kind))
            if kind.startswith("subscription"):
                self._subscribe()

    def local(self, name: str) -> None:
        """Update the local participant, with `name` as its name, and report a change."""
        with self._lock:
            local = self._participants.update_local(name, sends=self._requested.has_microphone)
        self._tell_updated(local)

    # ---- messages of the worker process ----

    def take(self, message: Message) -> None:
        """Handle a message of the worker process."""
        getattr(self, f"_take_{message['event']}")(message)

    def _take_participant(self, message: Message) -> None:
        with self._lock:
            is_new, participant = self._participants.note(
                message["identity"], message["name"], joined=message["joined"], sends=message["sends"]
            )
        if is_new:
            self._tell(self._handler.on_participant_joined, participant)
            self._tell(self._tell_counts)
        else:
            self._tell_updated(participant)

    def _take_track(self, message: Message) -> None:
        with self._lock:
            participant = self._participants.hear(message["identity"], message["track"])
        self._tell_updated(participant)

    def _take_gone(self, message: Message) -> None:
        with self._lock:
            participant = self._participants.remove(message["identity"])
        self.renderers.set(message["identity"], None)
        if participant is not None:
            self._tell(self._handler.on_participant_left, participant, "leftCall")
            self._tell(self._tell_counts)

    def _take_message(self, message: Message) -> None:
        self._tell(self._handler.on_app_message, message["message"], message["sender"])

    def _take_microphone(self, message: Message) -> None:
        if message["trouble"] is not None:
            name = self._requested.get("inputs")["microphone"]["settings"].get("deviceId")
            self.error(
                f"cannot record microphone {name!r}, so the call sends silence: {message['trouble']}",
                # A program that closed the microphone knows this, and has let all of its sound be heard.
                is_told=self._requested.has_closed_microphone,
            )

    def _take_speaker(self, message: Message) -> None:
        if message["trouble"] is not None:
            self.error(f"cannot play the call on the speaker: {message['trouble']}")

    def _take_interrupted(self, message: Message) -> None:
        status = {"event": "interrupted", "reason": message["why"]}
        self._tell(self._handler.on_network_connection_status_updated, status)

    def _take_back(self, message: Message) -> None:
        def tell() -> None:
            with self._lock:
                local = self._participants.rename_local(message["id"])
            call(self._handler.on_participant_updated, local)
            call(self._handler.on_network_connection_status_updated, {"event": "connected"})

        self._tell(tell)

    def _subscribe(self) -> None:
        with self._lock:
            changed = self._participants.subscribe(self._requested.hears)
        for participant in changed:
            self._tell_updated(participant)

    def _tell_updated(self, participant: dict[str, Any] | None) -> None:
        """Report the new state of a participant; None means that it has not changed."""
        if participant is not None:
            self._tell(self._handler.on_participant_updated, participant)

    def _tell(self, function: Callable[..., None], *arguments: Any) -> None:
        if self._held is None:
            call(function, *arguments)
        else:
            self._held.append((function, *arguments))

    def _tell_counts(self) -> None:
        counts = self.counts()
        if counts != self._counts:
            self._counts = counts
            call(self._handler.on_participant_counts_updated, counts)
