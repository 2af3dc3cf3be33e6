"""What a program has asked of its calls, in which all of them go on."""

from __future__ import annotations

import copy
import threading
from typing import Any

from vmic import _atexit
from vmic.call import devices
from vmic.call import settings as _settings
from vmic.call._daily import custom_audio
from vmic.call._signalling.subscriptions import Subscriptions
from vmic.call.settings import Settings


class RequestedSettings:
    """The inputs, what is sent of them, and who is heard; may be read on any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards what follows
        self._inputs = _settings.default_inputs()
        self._publishing = _settings.default_publishing()
        self._profiles = _settings.default_profiles()
        self._subscriptions: Settings = {}  # by participant
        self._source: str | None = None  # what the server calls the microphone
        self._is_ours = False  # whether this process made it, and had not closed it when it was chosen

    def inputs(self) -> Settings:
        """A copy of the inputs."""
        with self._lock:
            return copy.deepcopy(self._inputs)

    def publishing(self) -> Settings:
        """A copy of what is sent."""
        with self._lock:
            return copy.deepcopy(self._publishing)

    def profiles(self) -> Settings:
        """A copy of the subscription profiles."""
        with self._lock:
            return copy.deepcopy(self._profiles)

    def subscriptions(self) -> Settings:
        """A copy of the subscriptions to single participants."""
        with self._lock:
            return copy.deepcopy(self._subscriptions)

    def update_inputs(self, update: Any) -> bool:
        """Change the inputs; whether they are others then.

        Raises:
            SettingsError: It is no such update.
            VmicError: There is no such microphone.
        """
        inputs = _settings.merged_inputs(self.inputs(), update)
        microphone = inputs["microphone"]
        source = self._source
        if microphone != self._inputs["microphone"]:
            source = _source_of(microphone["settings"]) if microphone["isEnabled"] else None
        with self._lock:
            before, self._inputs, self._source = self._inputs, inputs, source
            self._is_ours = source is not None and _atexit.is_open(source)
        return before != inputs

    def update_publishing(self, update: Any) -> bool:
        """Change what is sent; whether it is otherwise then.

        Raises:
            SettingsError: It is no such update.
        """
        publishing = _settings.merged_publishing(self.publishing(), update)
        with self._lock:
            before, self._publishing = self._publishing, publishing
        return before != publishing

    def update_profiles(self, update: Any) -> bool:
        """Change who is heard; whether that is otherwise then.

        Raises:
            SettingsError: It is no such update.
        """
        profiles = _settings.merged_profiles(self.profiles(), update)
        with self._lock:
            before, self._profiles = self._profiles, profiles
        return before != profiles

    def update_subscriptions(self, participants: Any, profiles: Any) -> bool:
        """Change whom to hear, by participant, and by profile, which changes that.

        Returns:
            Whether those by participant are others then.

        Raises:
            SettingsError: It is no such update.
        """
        subscriptions, merged = self.subscriptions(), self.profiles()
        if profiles is not None:
            whole = _settings.merged_subscriptions({}, profiles, merged)
            merged.update({name: one["media"] for name, one in whole.items()})
        if participants is not None:
            subscriptions = _settings.merged_subscriptions(subscriptions, participants, merged)
        with self._lock:
            before, self._subscriptions = self._subscriptions, subscriptions
            self._profiles = merged
        return before != subscriptions

    @property
    def has_microphone(self) -> bool:
        """Whether one is chosen, and enabled."""
        return self._source is not None

    @property
    def has_closed_microphone(self) -> bool:
        """Whether this process has closed the microphone that is chosen."""
        with self._lock:
            return self._is_ours and self._source is not None and not _atexit.is_open(self._source)

    @property
    def hears(self) -> Subscriptions:
        """Who of the others is to be heard."""
        with self._lock:
            return Subscriptions(
                _settings.is_subscribed(self._profiles["base"]),
                {one: _settings.is_subscribed(s["media"]) for one, s in self._subscriptions.items()},
            )

    @property
    def microphone(self) -> dict[str, Any]:
        """What the call's process is to record, and how to send it."""
        with self._lock:
            publishing = self._publishing["microphone"]
            sending = publishing["sendSettings"]
            return {
                "device": self._source,
                "channels": 2 if sending.get("channelConfig") == "stereo" else 1,
                "bitrate": sending.get("bitrate"),
                "on": publishing["isPublishing"],
            }


def _source_of(settings: Settings) -> str | None:
    """What the server calls the device or the track that is chosen; None where there is none.

    As in daily-python, a track that there is not is none, and no error.

    Raises:
        VmicError: There is no such device.
    """
    if "customTrack" in settings:
        track = custom_audio.track(settings["customTrack"]["id"])
        return None if track is None else track.source_name
    device = settings.get("deviceId")
    return None if device is None else devices.source_name(device)
