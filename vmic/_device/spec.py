"""The specification of a device, and the module arguments by which each server creates it."""

from __future__ import annotations

from dataclasses import dataclass

from vmic._device import names
from vmic._pulse import backend, modules
from vmic._pulse.backend import Properties, Quoting, ServerProfile


@dataclass(frozen=True)
class MicrophoneSpec:
    """The specification of a microphone.

    Attributes:
        name: The name of the microphone.
        description: The text that applications show.
        sample_rate: Frames per second.
        channels: Samples per frame.
    """

    name: str
    description: str
    sample_rate: int
    channels: int

    def sink_arguments(self, profile: ServerProfile, identity: Properties, quoting: Quoting) -> str:
        """Return the arguments of module-null-sink."""
        # A sink property on PipeWire 0.3 can contain only one kind of quotes.
        shown = self.description.replace('"', "'")
        properties = {
            "device.description": f"vmic feed: {shown} (do not play here)",
            "device.icon_name": backend.OUTPUT_ICON,
            **identity,
            **profile.sink_properties,
        }
        form = _form(self.sample_rate, self.channels)
        return (
            f"sink_name={names.sink_name(self.name)} {form} {profile.sink_arguments}"
            f" {quoting('sink_properties', properties)}"
        )

    def source_arguments(self, profile: ServerProfile, identity: Properties, quoting: Quoting) -> str:
        """Return the arguments of module-remap-source."""
        source_name, sink_name = names.source_name(self.name), names.sink_name(self.name)
        properties = {
            "device.description": self.description,
            "device.icon_name": "audio-input-microphone",
            **identity,
            **profile.source_properties,
        }
        return (
            f"source_name={source_name} master={sink_name}.monitor {_form(self.sample_rate, self.channels)}"
            f" master_channel_map={modules.channel_map(self.channels)} remix=no"
            f" {quoting('source_properties', properties)}"
        )


@dataclass(frozen=True)
class SpeakerSpec:
    """The specification of a speaker.

    Attributes:
        name: The name of the speaker.
        description: The text that applications show.
        sample_rate: Frames per second.
        channels: Samples per frame.
        sink_name: The server's name for the sink.
    """

    name: str
    description: str
    sample_rate: int
    channels: int
    sink_name: str

    def arguments(self, profile: ServerProfile, identity: Properties, quoting: Quoting) -> str:
        """Return the arguments of module-null-sink."""
        properties = {
            "device.description": self.description,
            "device.icon_name": backend.OUTPUT_ICON,
            **identity,
            **profile.sink_properties,
        }
        return (
            f"sink_name={self.sink_name} {_form(self.sample_rate, self.channels)} {profile.sink_arguments}"
            f" {quoting('sink_properties', properties)}"
        )


def _form(sample_rate: int, channels: int) -> str:
    return f"rate={sample_rate} channels={channels} channel_map={modules.channel_map(channels)}"
