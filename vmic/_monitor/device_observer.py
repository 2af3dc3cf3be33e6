"""The observers of a device, to which the monitor passes its state."""

from __future__ import annotations

from dataclasses import dataclass

from vmic._device.owner import Owner
from vmic._monitor.recording_apps import Listener

DeviceKey = tuple[str, Owner | None]  # a device: its name and its owner; each device of a process has a token


@dataclass(frozen=True)
class DeviceState:
    """The state of a device at one look."""

    listeners: tuple[Listener, ...]  # in the order in which they came
    muted: bool
    played: bool  # whether an application plays to it; speakers only
    latency: int  # that the server has configured for the sink, in microseconds; 0 if it is not known


class DeviceObserver:
    """An object that follows one device through the monitor. The methods must not block."""

    key: DeviceKey | None = None  # The device. None as long as it is not created.

    def publish(self, state: DeviceState) -> None:
        """Note the state of the device."""

    def lose(self) -> None:
        """Note that the server is away or the device was removed."""

    def tell(self, event: str) -> None:
        """Note what the keeper has corrected (see `vmic._keeper.guard`)."""
