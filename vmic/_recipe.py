"""What a microphone is made of: the two modules, and how each server wants them asked for."""

from __future__ import annotations

from dataclasses import dataclass

from vmic import _dialect, _names, _stream
from vmic._dialect import Dialect, Properties, Quoting


@dataclass(frozen=True)
class Recipe:
    """What is asked for.

    Attributes:
        name: The microphone's.
        description: What applications show.
        sample_rate: Frames a second.
        channels: Samples in a frame.
    """

    name: str
    description: str
    sample_rate: int
    channels: int

    def sink_arguments(self, dialect: Dialect, marks: Properties) -> str:
        """The arguments of module-null-sink."""
        source_name, sink_name = _names.source_name(self.name), _names.sink_name(self.name)
        properties = {
            "device.description": f"{source_name} (fed by vmic; do not play here)",
            **marks,
            **dialect.sink_properties,
        }
        quoted = _dialect.backslashed("sink_properties", properties)
        return f"sink_name={sink_name} {self._form()} {dialect.sink_arguments} {quoted}"

    def source_arguments(self, dialect: Dialect, marks: Properties, quoting: Quoting) -> str:
        """The arguments of module-remap-source."""
        source_name, sink_name = _names.source_name(self.name), _names.sink_name(self.name)
        properties = {"device.description": self.description, **marks, **dialect.source_properties}
        return (
            f"source_name={source_name} master={sink_name}.monitor {self._form()}"
            f" master_channel_map={_stream.channel_map(self.channels)} remix=no"
            f" {quoting('source_properties', properties)}"
        )

    def _form(self) -> str:
        channel_map = _stream.channel_map(self.channels)
        return f"rate={self.sample_rate} channels={self.channels} channel_map={channel_map}"
