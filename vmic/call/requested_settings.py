"""The settings that a program has requested; they stay from one call to the next."""

from __future__ import annotations

import copy
import threading
from typing import Any

from vmic import _atexit
from vmic.call import devices
from vmic.call import settings as _settings
from vmic.call._daily_api import custom_audio
from vmic.call._signalling.subscriptions import Subscriptions
from vmic.call.settings import Settings


class RequestedSettings:
    """The inputs, the publishing settings and the subscriptions; they may be read on any thread.

    An update that is not valid raises `SettingsError`, and changes nothing.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards the attributes below
        self._inputs = _settings.default_inputs()
        self._publishing = _settings.default_publishing()
        self._profiles = _settings.default_profiles()
        self._subscriptions: Settings = {}  # by participant
        self._source: str | None = None  # the server's name of the microphone
        self._is_ours = False  # whether this process had the microphone open when it was chosen

    def inputs(self) -> Settings:
        """Return a copy of the inputs."""
        with self._lock:
            return copy.deepcopy(self._inputs)

    def publishing(self) -> Settings:
        """Return a copy of the publishing settings."""
        with self._lock:
            return copy.deepcopy(self._publishing)

    def profiles(self) -> Settings:
        """Return a copy of the subscription profiles."""
        with self._lock:
            return copy.deepcopy(self._profiles)

    def subscriptions(self) -> Settings:
        """Return a copy of the subscriptions to single participants."""
        with self._lock:
            return copy.deepcopy(self._subscriptions)

    def update_inputs(self, update: Any) -> bool:
        """Change the inputs, and return whether they differ. Raise VmicError for an unknown microphone."""
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
        """Change the publishing settings, and return whether they differ from before."""
        publishing = _settings.merged_publishing(self.publishing(), update)
        with self._lock:
            before, self._publishing = self._publishing, publishing
        return before != publishing

    def update_profiles(self, update: Any) -> bool:
        """Change the subscription profiles, and return whether they differ from before."""
        profiles = _settings.merged_profiles(self.profiles(), update)
        with self._lock:
            before, self._profiles = self._profiles, profiles
        return before != profiles

    def update_subscriptions(self, participants: Any, profiles: Any) -> bool:
        """Change the subscriptions by participant and by profile; the latter changes the profiles.

        Return whether the subscriptions by participant differ from before.
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
        """Return whether a microphone is chosen and enabled."""
        return self._source is not None

    @property
    def has_closed_microphone(self) -> bool:
        """Return whether this process has closed the chosen microphone."""
        with self._lock:
            return self._is_ours and self._source is not None and not _atexit.is_open(self._source)

    @property
    def hears(self) -> Subscriptions:
        """Return which of the other participants are heard."""
        with self._lock:
            return Subscriptions(
                _settings.is_subscribed(self._profiles["base"]),
                {one: _settings.is_subscribed(s["media"]) for one, s in self._subscriptions.items()},
            )

    @property
    def microphone(self) -> dict[str, Any]:
        """Return the device that the worker process records, and how it sends the sound."""
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
    """Return the server's name of the chosen device or track; None if nothing is chosen.

    As in daily-python, an unknown track counts as no track and is not an error.

    Raises:
        VmicError: The device is not found.
    """
    if "customTrack" in settings:
        track = custom_audio.track(settings["customTrack"]["id"])
        return None if track is None else track.source_name
    device = settings.get("deviceId")
    return None if device is None else devices.source_name(device)
