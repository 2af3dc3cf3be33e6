"""The specification of a device, and the module arguments by which each server creates it."""

from __future__ import annotations

from dataclasses import dataclass

from vmic._device import names
from vmic._device.properties import MICROPHONE, SPEAKER
from vmic._pulse import modules, server_profiles
from vmic._pulse.server_profiles import Properties, Quoting, ServerProfile


@dataclass(frozen=True)
class _DeviceSpec:
    name: str  # as the program gave it
    description: str  # the text that applications show
    sample_rate: int  # frames per second
    channels: int  # samples per frame

    def _form(self) -> str:
        channel_map = modules.channel_map(self.channels)
        return f"rate={self.sample_rate} channels={self.channels} channel_map={channel_map}"

    def _null_sink(
        self, sink_name: str, shown: str, profile: ServerProfile, identity: Properties, quoting: Quoting
    ) -> str:
        properties = {
            "device.description": shown,
            "device.icon_name": server_profiles.OUTPUT_ICON,
            **identity,
            **profile.sink_properties,
        }
        return (
            f"sink_name={sink_name} {self._form()} {profile.sink_arguments}"
            f" {quoting('sink_properties', properties)}"
        )


@dataclass(frozen=True)
class MicrophoneSpec(_DeviceSpec):
    """The specification of a microphone: a null sink, and a source over its monitor."""

    kind = MICROPHONE

    @property
    def sink_name(self) -> str:
        """Return the server's name of the sink."""
        return names.sink_name(self.name)

    @property
    def source_name(self) -> str:
        """Return the server's name of the source."""
        return names.source_name(self.name)

    def sink_arguments(self, profile: ServerProfile, identity: Properties, quoting: Quoting) -> str:
        """Return the arguments of module-null-sink."""
        # A sink property on PipeWire 0.3 can contain only one kind of quotes.
        shown = self.description.replace('"', "'")
        feed = f"vmic feed: {shown} (do not play here)"
        return self._null_sink(self.sink_name, feed, profile, identity, quoting)

    def source_arguments(self, profile: ServerProfile, identity: Properties, quoting: Quoting) -> str:
        """Return the arguments of module-remap-source."""
        properties = {
            "device.description": self.description,
            "device.icon_name": "audio-input-microphone",
            **identity,
            **profile.source_properties,
        }
        return (
            f"source_name={self.source_name} master={self.sink_name}.monitor {self._form()}"
            f" master_channel_map={modules.channel_map(self.channels)} remix=no"
            f" {quoting('source_properties', properties)}"
        )


@dataclass(frozen=True)
class SpeakerSpec(_DeviceSpec):
    """The specification of a speaker: a null sink."""

    sink_name: str  # the server's name of the sink

    kind = SPEAKER

    @property
    def source_name(self) -> str:
        """Return the server's name of the sink's monitor."""
        return f"{self.sink_name}.monitor"

    def sink_arguments(self, profile: ServerProfile, identity: Properties, quoting: Quoting) -> str:
        """Return the arguments of module-null-sink."""
        return self._null_sink(self.sink_name, self.description, profile, identity, quoting)


Spec = MicrophoneSpec | SpeakerSpec
