"""DeviceProperties: what vmic writes on a sink or source of its own, and reads back: what it is, and whose.

They are properties of it. Anybody may give a device any property, so marks that cannot be read are not
vmic's, nor are they on a device of another name than theirs.
"""

from __future__ import annotations

import contextlib
import secrets
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
    """What each sink and source of one device says.

    Attributes:
        kind: MICROPHONE or SPEAKER; messages call it so.
        name: As it was given.
        sample_rate: Frames a second.
        channels: Samples in a frame.
        owner: Whose it is; None when it stays until it is removed.
        guards_volume: Whether its volume is held at 100 %.
        creation: Tells it from all others, also from those of its name before and after it.
    """

    kind: str
    name: str
    sample_rate: int
    channels: int
    owner: Owner | None
    guards_volume: bool
    creation: str

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
        """Those of a device that is to be made."""
        return cls(kind, name, sample_rate, channels, owner, volume_guard, secrets.token_hex(8))

    @classmethod
    def of(cls, thing: Any) -> DeviceProperties | None:
        """What a sink or source says that it is, if it is vmic's."""
        with contextlib.suppress(KeyError, ValueError):
            identity = cls._read(thing.proplist)
            # On PipeWire a sink's monitor has them too.
            if thing.name in identity._names():
                return identity
        return None

    @classmethod
    def _read(cls, properties: dict[str, str]) -> DeviceProperties:
        sample_rate, channels = (int(n) for n in properties[_FORMAT].split("x"))
        return cls(
            # The microphones of vmic 0.1 do not say it.
            kind=properties.get(_KIND, MICROPHONE),
            name=urllib.parse.unquote(properties[_NAME]),
            sample_rate=sample_rate,
            channels=channels,
            owner=Owner.parse(properties[_OWNER]) if _OWNER in properties else None,
            guards_volume=properties[_VOLUME] != "free",
            creation=properties[_CREATION],
        )

    def written(self) -> dict[str, str]:
        """As properties; in no profile do they need quoting."""
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
        """What the server may call what has them."""
        if self.kind == SPEAKER:
            return names.speaker_sink_names(self.name)
        return names.source_name(self.name), names.sink_name(self.name)
