"""What a program has asked of its calls, in which all of them go on."""

from __future__ import annotations

import copy
import threading
from typing import Any

from vmic import _lifetime
from vmic.call import _devices, _settings
from vmic.call._settings import Settings


class Wishes:
    """The inputs, what is sent of them, and who is heard; may be read on any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards what follows
        self._inputs = _settings.default_inputs()
        self._publishing = _settings.default_publishing()
        self._profiles = _settings.default_profiles()
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

    def update_inputs(self, update: Any) -> None:
        """Change the inputs.

        Raises:
            SettingsError: It is no such update.
            VmicError: There is no such microphone.
        """
        inputs = _settings.merged_inputs(self.inputs(), update)
        microphone = inputs["microphone"]
        source = self._source
        if microphone != self._inputs["microphone"]:
            device = microphone["settings"].get("deviceId")
            is_wanted = device is not None and microphone["isEnabled"]
            source = _devices.source_name(device) if is_wanted else None
        with self._lock:
            self._inputs, self._source = inputs, source
            self._is_ours = source is not None and _lifetime.is_open(source)

    def update_publishing(self, update: Any) -> None:
        """Change what is sent.

        Raises:
            SettingsError: It is no such update.
        """
        publishing = _settings.merged_publishing(self.publishing(), update)
        with self._lock:
            self._publishing = publishing

    def update_profiles(self, update: Any) -> None:
        """Change who is heard.

        Raises:
            SettingsError: It is no such update.
        """
        profiles = _settings.merged_profiles(self.profiles(), update)
        with self._lock:
            self._profiles = profiles

    @property
    def has_microphone(self) -> bool:
        """Whether one is chosen, and enabled."""
        return self._source is not None

    @property
    def has_closed_microphone(self) -> bool:
        """Whether this process has closed the microphone that is chosen."""
        with self._lock:
            return self._is_ours and self._source is not None and not _lifetime.is_open(self._source)

    @property
    def hears(self) -> bool:
        """Whether the others are to be heard."""
        state = self._profiles["base"]["microphone"]["subscriptionState"]
        return bool(state == _settings.SUBSCRIBED)

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
