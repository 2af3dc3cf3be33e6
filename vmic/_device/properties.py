"""The properties that vmic writes on its sinks and sources and reads back: what a device is, and its owner.

Any program may give a device any property. Properties that cannot be parsed are therefore not vmic's. Neither
are properties on a device whose name does not match them.
"""

from __future__ import annotations

import contextlib
import os
import urllib.parse
from dataclasses import dataclass
from typing import Any

from vmic._device import names
from vmic._device.owner import Owner

MICROPHONE, SPEAKER = "microphone", "speaker"

_KIND, _NAME, _FORMAT, _OWNER = "vmic.kind", "vmic.name", "vmic.format", "vmic.owner"
_VOLUME, _CREATION = "vmic.volume", "vmic.creation"


@dataclass(frozen=True)
class DeviceProperties:
    """The properties on each sink and source of one device."""

    kind: str  # MICROPHONE or SPEAKER, also used in messages
    name: str  # the name as it was given
    sample_rate: int  # frames per second
    channels: int  # samples per frame
    owner: Owner | None  # The owner. None if the device stays until it is removed.
    guards_volume: bool  # whether the volume is held at 100 %
    creation: str  # an id that no other device has, not even an earlier or later one of the same name

    def __hash__(self) -> int:
        return hash(self.creation)

    @classmethod
    def new(
        cls,
        kind: str,
        name: str,
        sample_rate: int,
        channels: int,
        owner: Owner | None,
        *,
        volume_guard: bool = True,
    ) -> DeviceProperties:
        """Return the properties of a device that is to be created."""
        # The module `secrets` would take 0.3 MB in each keeper.
        return cls(kind, name, sample_rate, channels, owner, volume_guard, os.urandom(8).hex())

    @classmethod
    def of(cls, thing: Any) -> DeviceProperties | None:
        """Return the properties of a sink or source, or None if it is not vmic's."""
        # Each look at the server reads all devices, and parsing one takes 40 us.
        if "vmic_properties" not in vars(thing):
            thing.vmic_properties = cls._of(thing)
        found: DeviceProperties | None = thing.vmic_properties
        return found

    @classmethod
    def _of(cls, thing: Any) -> DeviceProperties | None:
        with contextlib.suppress(KeyError, ValueError):
            identity = cls._read(thing.proplist)
            # On PipeWire a sink's monitor has these properties too.
            if thing.name in identity._names():
                return identity
        return None

    @classmethod
    def _read(cls, properties: dict[str, str]) -> DeviceProperties:
        sample_rate, channels = (int(n) for n in properties[_FORMAT].split("x"))
        return cls(
            # Microphones of development versions before 0.1.0 do not have this property.
            kind=properties.get(_KIND, MICROPHONE),
            name=urllib.parse.unquote(properties[_NAME]),
            sample_rate=sample_rate,
            channels=channels,
            owner=Owner.parse(properties[_OWNER]) if _OWNER in properties else None,
            guards_volume=properties[_VOLUME] != "free",
            creation=properties[_CREATION],
        )

    def written(self) -> dict[str, str]:
        """Return the properties as the server stores them. No server needs their values in quotes."""
        properties = {
            _KIND: self.kind,
            _NAME: urllib.parse.quote(self.name, safe=""),
            _FORMAT: f"{self.sample_rate}x{self.channels}",
            _VOLUME: "held" if self.guards_volume else "free",
            _CREATION: self.creation,
        }
        if self.owner is not None:
            properties[_OWNER] = str(self.owner)
        return properties

    def _names(self) -> tuple[str, ...]:
        """Return the possible server names of a sink or source with these properties."""
        if self.kind == SPEAKER:
            return names.speaker_sink_names(self.name)
        return names.source_name(self.name), names.sink_name(self.name)
