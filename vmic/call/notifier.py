"""What a program is told of what happens in its call."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from vmic._base import callbacks
from vmic._base.callbacks import call
from vmic.call._media.audio_data import AudioData
from vmic.call._worker.protocol import Message
from vmic.call.events import EventHandler
from vmic.call.participants import People
from vmic.call.renderers import Renderers
from vmic.call.requested_settings import RequestedSettings


class CallNotifier:
    """Tells an event handler; on the call's own thread, but for the getters and `sound`.

    What happens while a call is being joined is told when it is.

    Attributes:
        renderers: What is given what participants say.
    """

    def __init__(self, handler: EventHandler, requested: RequestedSettings) -> None:
        self._handler = handler
        self._requested = requested
        self._lock = threading.Lock()  # guards the people
        self._people = People()
        self._counts = self._people.counts()  # as they were last told
        self._held: list[Callable[[], None]] | None = None
        self.renderers = Renderers()

    def participants(self) -> dict[str, Any]:
        """See `CallClient.participants`."""
        with self._lock:
            return self._people.all()

    def counts(self) -> dict[str, int]:
        """See `CallClient.participant_counts`."""
        with self._lock:
            return self._people.counts()

    def sound(self, message: Message, sound: bytes) -> None:
        """Somebody says this; does not block."""
        audio = AudioData(sound, message["sample_rate"], message["frames"])
        self.renderers.put(message["participant"], audio)

    # ---- the call's course ----

    def state(self, state: str) -> None:
        """The call is so now."""
        call(self._handler.on_call_state_updated, state)

    def hold(self) -> None:
        """A call is being joined."""
        self._held = []

    def begin(self, identity: str) -> dict[str, Any]:
        """It is joined, and the server calls the local participant so; everybody who is there."""
        with self._lock:
            self._people.begin(identity)
            return self._people.all()

    def go_on(self) -> None:
        """Tell what was held."""
        held, self._held = self._held, None
        for tell in held or ():
            tell()
        self._tell_counts()

    def end(self) -> None:
        """The call is left."""
        with self._lock:
            self._people.end()
            self._counts = self._people.counts()
        self._held = None
        self.renderers.clear()

    def error(self, message: str, *, is_told: bool = False) -> None:
        """Something failed; when nobody listens, and nobody `is_told`, it is logged."""
        if not is_told and type(self._handler).on_error is EventHandler.on_error:
            callbacks.log.error("%s", message)
        call(self._handler.on_error, message)

    # ---- what the program wished ----

    def inputs(self) -> None:
        """The inputs have changed."""
        call(self._handler.on_inputs_updated, self._requested.inputs())

    def publishing(self) -> None:
        """What is sent has changed."""
        call(self._handler.on_publishing_updated, self._requested.publishing())

    def profiles(self) -> None:
        """Who is heard has changed."""
        call(self._handler.on_subscription_profiles_updated, self._requested.profiles())
        self._subscribe()

    def subscriptions(self) -> None:
        """Who is heard has changed, one by one."""
        call(self._handler.on_subscriptions_updated, self._requested.subscriptions())
        self._subscribe()

    def local(self, name: str | None) -> None:
        """The local participant has changed; it calls itself so."""
        with self._lock:
            local = self._people.update_local(name, sends=self._requested.has_microphone)
        self._tell_updated(local)

    # ---- what the call's process tells ----

    def take(self, message: Message) -> None:
        """It tells this."""
        getattr(self, f"_take_{message['event']}")(message)

    def _take_participant(self, message: Message) -> None:
        with self._lock:
            is_new, participant = self._people.note(
                message["identity"], message["name"], joined=message["joined"], sends=message["sends"]
            )
        if is_new:
            self._tell(lambda: call(self._handler.on_participant_joined, participant))
            self._tell(self._tell_counts)
        else:
            self._tell_updated(participant)

    def _take_track(self, message: Message) -> None:
        with self._lock:
            participant = self._people.hear(message["identity"], message["track"])
        self._tell_updated(participant)

    def _take_gone(self, message: Message) -> None:
        with self._lock:
            participant = self._people.remove(message["identity"])
        self.renderers.forget(message["identity"])
        if participant is not None:
            self._tell(lambda: call(self._handler.on_participant_left, participant, "leftCall"))
            self._tell(self._tell_counts)

    def _take_message(self, message: Message) -> None:
        self._tell(lambda: call(self._handler.on_app_message, message["message"], message["sender"]))

    def _take_microphone(self, message: Message) -> None:
        if message["trouble"] is not None:
            name = self._requested.inputs()["microphone"]["settings"].get("deviceId")
            self.error(
                f"microphone {name!r} is not heard, silence is sent until it is: {message['trouble']}",
                # Who has closed it knows, and has let all of it be heard.
                is_told=self._requested.has_closed_microphone,
            )

    def _take_speaker(self, message: Message) -> None:
        if message["trouble"] is not None:
            self.error(f"the call is not heard on the speaker until that is back: {message['trouble']}")

    def _take_interrupted(self, message: Message) -> None:
        status = {"event": "interrupted", "reason": message["why"]}
        self._tell(lambda: call(self._handler.on_network_connection_status_updated, status))

    def _take_back(self, message: Message) -> None:
        def tell() -> None:
            with self._lock:
                local = self._people.rename_local(message["id"])
            call(self._handler.on_participant_updated, local)
            call(self._handler.on_network_connection_status_updated, {"event": "connected"})

        self._tell(tell)

    def _subscribe(self) -> None:
        with self._lock:
            changed = self._people.subscribe(self._requested.hears)
        for participant in changed:
            self._tell_updated(participant)

    def _tell_updated(self, participant: dict[str, Any] | None) -> None:
        """Tell how one looks now, where that is not as before."""
        if participant is not None:
            self._tell(lambda: call(self._handler.on_participant_updated, participant))

    def _tell(self, tell: Callable[[], None]) -> None:
        if self._held is None:
            tell()
        else:
            self._held.append(tell)

    def _tell_counts(self) -> None:
        counts = self.counts()
        if counts != self._counts:
            self._counts = counts
            call(self._handler.on_participant_counts_updated, counts)
