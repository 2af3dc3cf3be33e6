"""The settings that a program has requested; they stay from one call to the next."""

from __future__ import annotations

import copy
import threading
from typing import Any

from vmic import _atexit
from vmic.call import device_lookup
from vmic.call import settings as _settings
from vmic.call._daily_api import custom_audio
from vmic.call._signalling.subscriptions import Subscriptions
from vmic.call.settings import Settings


class RequestedSettings:
    """The inputs, the publishing settings and the subscriptions; they may be read on any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards the attributes below
        self._settings: dict[str, Settings] = {
            "inputs": _settings.default_inputs(),
            "publishing": _settings.default_publishing(),
            "subscriptions": {},  # by participant
            "subscription_profiles": _settings.default_profiles(),
        }
        self._source: str | None = None  # the server's name of the microphone
        self._is_ours = False  # whether this process had the microphone open when it was chosen

    def get(self, kind: str) -> Settings:
        """Return a copy of the settings of that kind."""
        with self._lock:
            return copy.deepcopy(self._settings[kind])

    def update(self, what: str, *updates: Any) -> list[str]:
        """Carry out the request `what`, such as "updateInputs"; return which kinds of settings it changes.

        Raises:
            SettingsError: An update is not valid. Nothing changes.
            VmicError: The microphone is unknown. Nothing changes.
        """
        after = self._merged(what, *updates)
        source = self._source
        if what == "updateInputs" and after["inputs"]["microphone"] != self._settings["inputs"]["microphone"]:
            source = _source_of(after["inputs"]["microphone"])
        with self._lock:
            changed = [kind for kind, settings in after.items() if settings != self._settings[kind]]
            self._settings |= after
            if what == "updateInputs":
                self._source = source
                self._is_ours = source is not None and _atexit.is_open(source)
        return changed

    def _merged(self, what: str, *updates: Any) -> dict[str, Settings]:
        now = self._settings
        if what == "updateInputs":
            return {"inputs": _settings.merged_inputs(now["inputs"], *updates)}
        if what == "updatePublishing":
            return {"publishing": _settings.merged_publishing(now["publishing"], *updates)}
        profiles = now["subscription_profiles"]
        if what == "updateSubscriptionProfiles":
            return {"subscription_profiles": _settings.merged_profiles(profiles, *updates)}
        for_participants, for_profiles = updates
        subscriptions = now["subscriptions"]
        if for_profiles is not None:
            whole = _settings.merged_subscriptions({}, for_profiles, profiles)
            profiles = {**profiles, **{name: one["media"] for name, one in whole.items()}}
        if for_participants is not None:
            subscriptions = _settings.merged_subscriptions(subscriptions, for_participants, profiles)
        return {"subscriptions": subscriptions, "subscription_profiles": profiles}

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
                _settings.is_subscribed(self._settings["subscription_profiles"]["base"]),
                {
                    one: _settings.is_subscribed(subscription["media"])
                    for one, subscription in self._settings["subscriptions"].items()
                },
            )

    @property
    def microphone(self) -> dict[str, Any]:
        """Return the device that the worker process records, and how it sends the sound."""
        with self._lock:
            publishing = self._settings["publishing"]["microphone"]
            sending = publishing["sendSettings"]
            return {
                "device": self._source,
                "channels": 2 if sending.get("channelConfig") == "stereo" else 1,
                "bitrate": sending.get("bitrate"),
                "on": publishing["isPublishing"],
            }


def _source_of(microphone: Settings) -> str | None:
    """Return the server's name of the chosen device or track; None if there is none, or it is not enabled.

    As in daily-python, an unknown track counts as no track and is not an error.

    Raises:
        VmicError: The device is not found.
    """
    settings = microphone["settings"]
    if not microphone["isEnabled"]:
        return None
    if "customTrack" in settings:
        track = custom_audio.tracks.get(settings["customTrack"]["id"])
        return None if track is None else track.source_name
    device = settings.get("deviceId")
    return None if device is None else device_lookup.source_name(device)
