"""Remove orphans, the devices of dead owners."""

from __future__ import annotations

from vmic._device import registry
from vmic._device.owner import Owner
from vmic._device.registry import Device
from vmic._errors import DeviceError
from vmic._pulse import await_objects
from vmic._pulse.server import Server

# An owner that has lost its connection reconnects within 0.4 s after its network is back.
_COMES_BACK_WITHIN = 2.0


def remove(pulse: Server) -> list[Device]:
    """Remove and return the orphans that no process removed when their owner exited.

    If neither an owner's process nor its connection can be seen, this waits up to 2 s for the connection.
    """
    owned = [(device, device.owner) for device in registry.find_all(pulse) if device.owner is not None]
    owners = {owner.client_name: owner for _, owner in owned}
    gone = {name for name, owner in owners.items() if _is_gone(pulse, owner)}
    left = [device for device, owner in owned if owner.client_name in gone]
    for device in left:
        registry.remove(pulse, device)
    return left


def remove_then_find(pulse: Server, name: str) -> Device:
    """Remove orphans, then return the microphone that has this name, or this name on the server.

    Raises:
        DeviceError: The microphone is not found. The message lists the existing ones.
    """
    remove(pulse)
    device = registry.find(pulse, name)
    if device is None:
        there = ", ".join(repr(d.name) for d in registry.find_microphones(pulse)) or "none"
        raise DeviceError(f"microphone {name!r} not found on this sound server; available: {there}")
    return device


def _is_gone(pulse: Server, owner: Owner) -> bool:
    if not owner.has_exited(()):
        return False
    clients = {client.name for client in pulse.client_list()}
    if not owner.has_exited(clients):
        return False
    return owner.has_exited([owner.client_name]) or not await_objects.await_client(
        pulse, owner.client_name, _COMES_BACK_WITHIN
    )
