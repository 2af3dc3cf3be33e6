"""`CallClient`: what a program calls."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from vmic import _selection
from vmic._base.validation import check_int
from vmic.call.controller import CallController, Completion
from vmic.call.events import CallThread, EventHandler
from vmic.call.renderers import Renderer
from vmic.call.settings import checked_json

_MIN_RATE, _MAX_RATE = 100, 192_000
_MIN_INTERVAL_MS, _MAX_INTERVAL_MS = 10, 1000


class CallClient:
    """Joins calls, one after the other, and lets their far side hear a microphone of this machine.

    Its methods are daily-python's, and may be called from any thread. They return at once; what became of it
    is told by the completion, and by the event handler's `on_error` when it failed (both run on the call's
    one thread, in the order in which things happened). What fails and has neither is logged at ERROR. Only
    an argument that is wrong in itself raises.
    """

    __module__ = "vmic"

    def __init__(self, event_handler: EventHandler | None = None) -> None:
        """A client that has joined nothing.

        Args:
            event_handler: What to tell of what happens.

        Raises:
            TypeError: It is no `EventHandler`.
        """
        if event_handler is not None and not isinstance(event_handler, EventHandler):
            raise TypeError("event_handler should be a subclass of `EventHandler`")
        self._thread = CallThread()
        self._controller = CallController(event_handler or EventHandler(), self._thread)
        self._releasing = threading.Lock()
        self._released = False
        _selection.join(self)

    def join(
        self,
        meeting_url: str,
        meeting_token: str | None = None,
        client_settings: Mapping[str, Any] | None = None,
        completion: Callable[[dict[str, Any] | None, str | None], object] | None = None,
    ) -> None:
        """Join a call.

        Args:
            meeting_url: A WHIP endpoint (``https://host/whip``), or a Janus VideoRoom
                (``janus+http://host:8088/janus?room=1234``, also ``janus+https``, ``&pin=...``), or with the
                extra ``daily`` a room of daily.co.
            meeting_token: What the server asks for: the bearer token of a WHIP endpoint, or Janus's token.
            client_settings: ``{"inputs": ..., "publishing": ...}``, as for `update_inputs` and
                `update_publishing`.
            completion: Called with ``{"meetingSession": {"id"}, "participants": {"local": ...}}`` and None,
                or with None and what went wrong.

        Raises:
            TypeError: An argument is of another type.
            RuntimeError: The client is released.
        """
        self._check()
        _check_str("meeting_url", meeting_url)
        if meeting_token is not None:
            _check_str("meeting_token", meeting_token)
        settings = None if client_settings is None else checked_json("client_settings", client_settings)
        _check_callable(completion)
        self._post(lambda: self._controller.join(meeting_url, meeting_token, settings, completion))

    def leave(self, completion: Completion | None = None) -> None:
        """Leave the call, also while it is being joined.

        Args:
            completion: Called with None when it is left; at once when none was joined.
        """
        self._check()
        _check_callable(completion)
        self._post(lambda: self._controller.leave(completion))

    def release(self) -> None:
        """Leave the call, and let go of all that the client has; it can do nothing after that.

        Blocks until what was asked for before is done and the call is left, some 10 s at most.

        Raises:
            RuntimeError: It is released already.
        """
        with self._releasing:
            self._check()
            self._released = True
        if self._thread.is_current:
            self._controller.release()
        else:
            self._thread.post(self._controller.release)
            self._thread.join()

    def update_inputs(self, input_settings: Any, completion: Completion | None = None) -> None:
        """Choose the microphone, before the call or in it: no new negotiation is needed.

        Args:
            input_settings: ``{"microphone": {"isEnabled": True, "settings": {"deviceId": name}}}``: the name
                of a microphone, vmic's or any other, as applications show it or as the sound server calls it.
                ``{"microphone": False}`` sends silence. What is not named stays.
            completion: Called with None, or with what went wrong.

        Raises:
            TypeError: It is nothing that JSON can hold.
            RuntimeError: The client is released.
        """
        self._check()
        update = checked_json("input_settings", input_settings)
        _check_callable(completion)
        self._post(lambda: self._controller.update_inputs(update, completion))

    def update_publishing(self, publishing_settings: Any, completion: Completion | None = None) -> None:
        """Choose how the microphone is sent.

        Args:
            publishing_settings: ``{"microphone": {"isPublishing": bool, "sendSettings": ...}}``, with
                ``"speech"``, ``"music"`` or ``{"channelConfig": "mono" | "stereo", "bitrate": ...}`` (bits a
                second).
            completion: Called with None, or with what went wrong.
        """
        self._check()
        update = checked_json("publishing_settings", publishing_settings)
        _check_callable(completion)
        self._post(lambda: self._controller.update_publishing(update, completion))

    def update_subscription_profiles(
        self, profile_settings: Any, completion: Completion | None = None
    ) -> None:
        """Choose whether the others are heard.

        Args:
            profile_settings: ``{"base": {"microphone": "subscribed" | "unsubscribed" | "staged"}}``; video is
                accepted, and not received, and so are other profiles, which nobody has.
            completion: Called with None, or with what went wrong.
        """
        self._check()
        update = checked_json("profile_settings", profile_settings)
        _check_callable(completion)
        self._post(lambda: self._controller.update_profiles(update, completion))

    def update_subscriptions(
        self,
        participant_settings: Any = None,
        profile_settings: Any = None,
        completion: Completion | None = None,
    ) -> None:
        """Choose whom to hear, one by one.

        Args:
            participant_settings: ``{id: {"media": {"microphone": state}}}``, with "subscribed",
                "unsubscribed" or "staged"; also with ``"profile"``, the name of one. ``"fromDefaults"`` for
                an id is what the profile "base" says.
            profile_settings: The same by the name of a profile, for all who have it.
            completion: Called with None, or with what went wrong.
        """
        self._check()
        participants = checked_json("participant_settings", participant_settings)
        profiles = checked_json("profile_settings", profile_settings)
        _check_callable(completion)
        self._post(lambda: self._controller.update_subscriptions(participants, profiles, completion))

    def set_user_name(self, user_name: str) -> None:
        """Take a name that the others see, where the server carries names.

        Args:
            user_name: Any text.

        Raises:
            TypeError: It is no str.
            RuntimeError: The client is released.
        """
        self._check()
        _check_str("user_name", user_name)
        self._post(lambda: self._controller.set_name(user_name))

    def send_app_message(
        self, message: Any, participant_id: str | None = None, completion: Completion | None = None
    ) -> None:
        """Send a message, of what JSON can hold, where the server carries messages.

        Args:
            message: What to send.
            participant_id: To whom; None for all.
            completion: Called with None, or with what went wrong.

        Raises:
            ValueError: The message is None.
            TypeError: JSON cannot hold it.
        """
        self._check()
        if message is None:
            raise ValueError("there is no message: it is None")
        copied = checked_json("message", message)
        if participant_id is not None:
            _check_str("participant_id", participant_id)
        _check_callable(completion)
        self._post(lambda: self._controller.send_message(copied, participant_id, completion))

    def set_audio_renderer(  # noqa: PLR0917 (daily-python's)
        self,
        participant_id: str,
        callback: Renderer | None,
        audio_source: str = "microphone",
        sample_rate: int = 16000,
        callback_interval_ms: int = 20,
        logging_interval_ms: int = 10000,  # noqa: ARG002 (daily-python's)
    ) -> None:
        """Have what a participant says, for as long as that one is in the call.

        Args:
            participant_id: One of `participants`, or one that is still to come.
            callback: Called with the id, an `AudioData` and "microphone" on a thread of its own; what it has
                not taken after a second is left out. None for no more.
            audio_source: "microphone"; of another source nothing comes.
            sample_rate: Frames a second, 100 to 192000; the sound comes in mono.
            callback_interval_ms: How much sound comes at a time, 10 to 1000 ms.
            logging_interval_ms: Not used.

        Raises:
            ValueError: An argument is out of range.
            TypeError: An argument is of another type.
        """
        self._check()
        _check_str("participant_id", participant_id)
        if callback is not None and not callable(callback):
            raise TypeError(f"callback is a function of three arguments, not {callback!r}")
        _check_str("audio_source", audio_source)
        check_int("sample_rate", sample_rate, _MIN_RATE, _MAX_RATE)
        check_int("callback_interval_ms", callback_interval_ms, _MIN_INTERVAL_MS, _MAX_INTERVAL_MS)
        if audio_source == "microphone":
            shape = sample_rate, callback_interval_ms
            self._post(lambda: self._controller.render(participant_id, callback, *shape))

    def inputs(self) -> dict[str, Any]:
        """The inputs, as `update_inputs` takes them; a copy."""
        self._check()
        return self._controller.requested.inputs()

    def publishing(self) -> dict[str, Any]:
        """What is sent, as `update_publishing` takes it; a copy."""
        self._check()
        return self._controller.requested.publishing()

    def subscription_profiles(self) -> dict[str, Any]:
        """Whom to hear, as `update_subscription_profiles` takes it; a copy."""
        self._check()
        return self._controller.requested.profiles()

    def subscriptions(self) -> dict[str, Any]:
        """Whom to hear one by one, as `update_subscriptions` takes it; a copy."""
        self._check()
        return self._controller.requested.subscriptions()

    def participants(self) -> dict[str, Any]:
        """Everybody in the call by id, the local one as "local": ``{"id", "info", "media"}``; a copy."""
        self._check()
        return self._controller.notifier.participants()

    def participant_counts(self) -> dict[str, int]:
        """How many are in the call: ``{"hidden": 0, "present": n}``."""
        self._check()
        return self._controller.notifier.counts()

    def use_speaker(self) -> None:
        """Play to the speaker that is selected now; `Daily.select_speaker_device` calls it."""
        if not self._released:
            self._post(self._controller.use_speaker)

    def _check(self) -> None:
        if self._released:
            raise RuntimeError("this object has already been released")

    def _post(self, task: Callable[[], None]) -> None:
        self._thread.post(task)


def _check_str(what: str, value: object) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{what} is a str, not {type(value).__name__}")


def _check_callable(completion: object) -> None:
    if completion is not None and not callable(completion):
        raise TypeError(f"completion is a function, not {completion!r}")
