"""`CallClient`: the API for calls."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from vmic import _selected_speaker
from vmic._base.callbacks import CallbackThread
from vmic._base.validation import check_int
from vmic.call.controller import CallController, Completion
from vmic.call.events import EventHandler
from vmic.call.renderers import Renderer
from vmic.call.settings import checked_json

_MIN_RATE, _MAX_RATE = 100, 192_000
_MIN_INTERVAL_MS, _MAX_INTERVAL_MS = 10, 1000


class CallClient:
    """A client that joins one call at a time, and sends the sound of a microphone of this machine to it.

    The methods have the names and arguments of daily-python, and are thread-safe. All methods except
    `release` return at once. A method raises a TypeError or ValueError for an argument of a wrong type or
    out of range, and a RuntimeError if the client is released. An unusable meeting address or setting is not
    an exception, but a failure. Most methods accept a completion, a function that is called with
    the result. A failure is also reported to `EventHandler.on_error`. Completions and event handlers run on
    one thread of the client, in the order of the events. If the program passes no completion and does not
    override `on_error`, vmic logs a failure at level ERROR.
    """

    __module__ = "vmic"

    def __init__(self, event_handler: EventHandler | None = None) -> None:
        """Create a client that has not joined a call.

        Args:
            event_handler: The object that receives the events. vmic calls one of its methods for each event.

        Raises:
            TypeError: `event_handler` is not an `EventHandler`.
        """
        if event_handler is not None and not isinstance(event_handler, EventHandler):
            raise TypeError("event_handler should be a subclass of `EventHandler`")
        self._thread = CallbackThread("vmic-call")
        self._controller = CallController(event_handler or EventHandler(), self._thread)
        self._releasing = threading.Lock()
        self._released = False
        _selected_speaker.join(self)

    def join(
        self,
        meeting_url: str,
        meeting_token: str | None = None,
        client_settings: Mapping[str, Any] | None = None,
        completion: Callable[[dict[str, Any] | None, str | None], object] | None = None,
    ) -> None:
        """Join a call.

        Args:
            meeting_url: The address of one of these: a WHIP endpoint (``https://host/whip``), such as that of
                ``vmic room``; a Janus VideoRoom (``janus+http://host:8088/janus?room=1234`` or
                ``janus+https://...``, with ``&pin=...`` if the room has a PIN); or a room of daily.co, which
                needs ``vmic[daily]``.
            meeting_token: The bearer token of a WHIP endpoint, or the token of Janus. None sends no token.
            client_settings: ``{"inputs": ..., "publishing": ...}``, as for `update_inputs` and
                `update_publishing`.
            completion: Called with ``{"meetingSession": {"id": ...}, "participants": {"local": ...}}`` and
                None, or with None and an error message.

        Raises:
            TypeError: An argument has the wrong type.
            RuntimeError: The client is released.
        """
        join = self._live.join
        _check_str("meeting_url", meeting_url)
        if meeting_token is not None:
            _check_str("meeting_token", meeting_token)
        settings = None if client_settings is None else checked_json("client_settings", client_settings)
        self._post(join, meeting_url, meeting_token, settings, completion)

    def leave(self, completion: Completion | None = None) -> None:
        """Leave the call, or cancel a join in progress.

        Args:
            completion: Called with None when the client has left the call, or at once if it is in no call.
        """
        self._post(self._live.leave, completion)

    def release(self) -> None:
        """Leave the call, and release all resources. The client cannot be used afterwards.

        This blocks until earlier requests and callbacks have ended, without limit. Leaving takes at most
        about 10 s of that.

        Raises:
            RuntimeError: The client is released already.
        """
        with self._releasing:
            release = self._live.release
            self._released = True
        if self._thread.is_current:
            release()
        else:
            self._thread.post(release)
            self._thread.close(None)

    def update_inputs(self, input_settings: Any, completion: Completion | None = None) -> None:
        """Choose the microphone, before or during a call. A change does not renegotiate the connection.

        Args:
            input_settings: ``{"microphone": {"isEnabled": True, "settings": {"deviceId": name}}}``. `name`
                can identify any microphone on the sound server. It is the name that applications show, or the
                source name. ``{"microphone": False}`` sends silence. Settings that are not given do not
                change.
            completion: Called with None, or with an error message.

        Raises:
            TypeError: JSON cannot represent `input_settings`.
            RuntimeError: The client is released.
        """
        self._update("updateInputs", completion, input_settings=input_settings)

    def update_publishing(self, publishing_settings: Any, completion: Completion | None = None) -> None:
        """Choose how the microphone is sent.

        Args:
            publishing_settings: ``{"microphone": {"isPublishing": bool, "sendSettings": ...}}``. The send
                settings are ``"speech"``, ``"music"`` or ``{"channelConfig": "mono" | "stereo", "bitrate":
                ...}``. The bit rate is 6000 to 510000 bits per second.
            completion: Called with None, or with an error message.
        """
        self._update("updatePublishing", completion, publishing_settings=publishing_settings)

    def update_subscription_profiles(
        self, profile_settings: Any, completion: Completion | None = None
    ) -> None:
        """Choose whether the client receives the sound of the other participants.

        Args:
            profile_settings: ``{"base": {"microphone": "subscribed" | "unsubscribed" | "staged"}}``. "staged"
                has the same effect as "unsubscribed": no sound is received. Settings for video have no
                effect. A profile other than "base" applies only to participants to which
                `update_subscriptions` assigns it.
            completion: Called with None, or with an error message.
        """
        self._update("updateSubscriptionProfiles", completion, profile_settings=profile_settings)

    def update_subscriptions(
        self,
        participant_settings: Any = None,
        profile_settings: Any = None,
        completion: Completion | None = None,
    ) -> None:
        """Choose, for each participant, whether the client receives the sound.

        Args:
            participant_settings: ``{id: {"profile": name, "media": {"microphone": state}}}``. Both entries
                are optional. The state is "subscribed", "unsubscribed" or "staged". ``{id: "fromDefaults"}``
                restores the profile "base".
            profile_settings: Changes of profiles: ``{profile: {"media": {"microphone": state}}}``. They do
                not change participants whose subscription an earlier `participant_settings` has set.
            completion: Called with None, or with an error message.
        """
        self._update(
            "updateSubscriptions",
            completion,
            participant_settings=participant_settings,
            profile_settings=profile_settings,
        )

    def set_user_name(self, user_name: str) -> None:
        """Set the name that the other participants see, if the server supports names.

        Args:
            user_name: Any text.

        Raises:
            TypeError: `user_name` is not a str.
            RuntimeError: The client is released.
        """
        set_name = self._live.set_name
        _check_str("user_name", user_name)
        self._thread.post(set_name, user_name)

    def send_app_message(
        self, message: Any, participant_id: str | None = None, completion: Completion | None = None
    ) -> None:
        """Send a message to other participants. This fails if the server does not support messages.

        Args:
            message: The message: any value that JSON can represent, except None.
            participant_id: The id of the recipient. None sends the message to all other participants.
            completion: Called with None, or with an error message.

        Raises:
            ValueError: The message is None.
            TypeError: JSON cannot represent the message.
        """
        send = self._live.send_message
        if message is None:
            raise ValueError("message must not be None")
        copied = checked_json("message", message)
        if participant_id is not None:
            _check_str("participant_id", participant_id)
        self._post(send, copied, participant_id, completion)

    def set_audio_renderer(  # noqa: PLR0917 (daily-python's)
        self,
        participant_id: str,
        callback: Renderer | None,
        audio_source: str = "microphone",
        sample_rate: int = 16000,
        callback_interval_ms: int = 20,
        logging_interval_ms: int = 10000,  # noqa: ARG002 (daily-python's)
    ) -> None:
        """Pass the sound of a participant to `callback`, until the participant leaves.

        Args:
            participant_id: An id from `participants`, or the id of a participant who joins later. Call `join`
                first: before that, this method has no effect.
            callback: A function with three arguments: the participant's id, an `AudioData`, and "microphone".
                It runs on a separate thread that only makes such calls. If more than 1 s of sound waits in
                total, for all participants, vmic drops the oldest sound. None removes the callback.
            audio_source: "microphone". Other sources deliver no sound.
            sample_rate: Frames per second, 100 to 192000. The sound is mono.
            callback_interval_ms: The length of the sound in each call, 10 to 1000 ms.
            logging_interval_ms: Has no effect.

        Raises:
            ValueError: An argument is out of range.
            TypeError: An argument has the wrong type.
        """
        render = self._live.render
        _check_str("participant_id", participant_id)
        if callback is not None and not callable(callback):
            raise TypeError(f"callback must be a function of three arguments, or None, got {callback!r}")
        _check_str("audio_source", audio_source)
        check_int("sample_rate", sample_rate, _MIN_RATE, _MAX_RATE)
        check_int("callback_interval_ms", callback_interval_ms, _MIN_INTERVAL_MS, _MAX_INTERVAL_MS)
        if audio_source == "microphone":
            self._thread.post(render, participant_id, callback, sample_rate, callback_interval_ms)

    def inputs(self) -> dict[str, Any]:
        """Return a copy of the inputs, in the format of `update_inputs`."""
        return self._live.requested.get("inputs")

    def publishing(self) -> dict[str, Any]:
        """Return a copy of the publishing settings, in the format of `update_publishing`."""
        return self._live.requested.get("publishing")

    def subscription_profiles(self) -> dict[str, Any]:
        """Return a copy of the subscription profiles, in the format of `update_subscription_profiles`."""
        return self._live.requested.get("subscription_profiles")

    def subscriptions(self) -> dict[str, Any]:
        """Return a copy of the subscriptions (see `participant_settings` of `update_subscriptions`)."""
        return self._live.requested.get("subscriptions")

    def participants(self) -> dict[str, Any]:
        """Return a copy of the participants by id. The key of the local participant is "local".

        Each participant is a dictionary with the keys "id", "info" and "media", as in daily-python.
        """
        return self._live.dispatcher.participants()

    def participant_counts(self) -> dict[str, int]:
        """Return the number of participants in the call: ``{"hidden": 0, "present": n}``."""
        return self._live.dispatcher.counts()

    def use_speaker(self) -> None:
        """Play the call on the selected speaker. `Daily.select_speaker_device` calls this method."""
        if not self._released:
            self._thread.post(self._controller.use_speaker)

    @property
    def _live(self) -> CallController:
        if self._released:
            raise RuntimeError("this object has already been released")
        return self._controller

    def _update(self, what: str, completion: Completion | None, **settings: Any) -> None:
        update = self._live.update
        updates = [checked_json(name, value) for name, value in settings.items()]
        self._post(update, what, updates, completion)

    def _post(self, request: Callable[..., None], *arguments: Any) -> None:
        """Post a request, whose last argument is its completion."""
        completion = arguments[-1]
        if completion is not None and not callable(completion):
            raise TypeError(f"completion must be a function, or None, got {completion!r}")
        self._thread.post(request, *arguments)


def _check_str(what: str, value: object) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{what} must be a string, got {type(value).__name__}")
