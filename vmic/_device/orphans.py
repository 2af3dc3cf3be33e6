"""Taking away what dead owners left."""

from __future__ import annotations

from vmic._device import registry
from vmic._device.owner import Owner
from vmic._device.registry import Device
from vmic._errors import DeviceError
from vmic._pulse import wait
from vmic._pulse.bindings import pulsectl

# Who has lost its connection is back within 0.4 s after its network is.
_COMES_BACK_WITHIN = 2.0


def remove(pulse: pulsectl.Pulse) -> list[Device]:
    """Take away, and return, what dead owners left, when nobody was there to do it at their end.

    Where an owner's process cannot be seen, this waits 2 s for its connection to come back.
    """
    owned = [(device, device.owner) for device in registry.find_both(pulse) if device.owner is not None]
    left = [device for device, owner in owned if _is_gone(pulse, owner)]
    for device in left:
        registry.remove(pulse, device)
    return left


def find(pulse: pulsectl.Pulse, name: str) -> Device:
    """The microphone of that name, or with that server's name, that is none of those.

    Raises:
        DeviceError: There is none; lists those there are.
    """
    remove(pulse)
    device = registry.find(pulse, name)
    if device is None:
        there = ", ".join(repr(d.name) for d in registry.find_all(pulse)) or "none"
        raise DeviceError(f"there is no microphone {name!r} on this sound server; there are: {there}")
    return device


def _is_gone(pulse: pulsectl.Pulse, owner: Owner) -> bool:
    clients = {client.name for client in pulse.client_list()}
    if not owner.has_exited(clients):
        return False
    return owner.has_exited([owner.client_name]) or not wait.await_client(
        pulse, owner.client_name, _COMES_BACK_WITHIN
    )
