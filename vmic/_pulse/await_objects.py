"""Waiting for the server, which answers before the promised objects exist or are settled."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Any

from vmic._errors import DeviceError
from vmic._pulse.server import Server

_APPEARS_WITHIN = 2.0


def await_listed(
    server: Server, things: Callable[[], list[Any]], is_it: Callable[[Any], bool], wanted: str, device: str
) -> Any:
    """Wait for the object `wanted` of `device`, which has just been created and for which `is_it` is true.

    Raises:
        DeviceError: The object does not appear.
    """
    found: list[Any] = []

    def appeared() -> bool:
        found[:] = [thing for thing in things() if is_it(thing)]
        return bool(found)

    if not await_that(server, appeared, _APPEARS_WITHIN):
        raise DeviceError(f"cannot create {device}: the server did not list {wanted} within 2 s. Try again")
    return found[0]


def await_own(server: Server, things: Callable[[], list[Any]], wanted: str, module: int, device: str) -> Any:
    """Wait for the object of `module`, and check that it has the name `wanted` (PulseAudio appends ".2")."""
    own = await_listed(server, things, lambda thing: thing.owner_module == module, wanted, device)
    rivals = [t for t in things() if t.name == wanted and t.owner_module < module]
    if own.name != wanted or rivals:
        raise DeviceError(f"{device} already exists: another program has just created it. Choose a new name")
    return own


def await_removed(server: Server, names: Collection[str]) -> None:
    """Wait until no sink and no source has one of these names."""

    def removed() -> bool:
        return all(thing.name not in names for thing in (*server.sink_list(), *server.source_list()))

    await_that(server, removed, _APPEARS_WITHIN)


def await_client(server: Server, client_name: str, seconds: float) -> bool:
    """Wait up to `seconds` until a client of that name is connected, and return whether it is."""

    def connected() -> bool:
        return any(client.name == client_name for client in server.client_list())

    return await_that(server, connected, seconds)


def await_owner(server: Server, client_name: str, device: str) -> None:
    """Wait until the owner of `device` is connected. The connection shows other machines that it is alive."""
    if not await_client(server, client_name, _APPEARS_WITHIN):
        raise DeviceError(
            f"cannot create {device}: the sound server did not list this program's connection {client_name} "
            "within 2 s. If the server has reached its limit of 64 connections, end other programs that use "
            "sound. If PULSE_PROP sets another name for the connection, unset PULSE_PROP"
        )


def await_that(server: Server, happened: Callable[[], bool], seconds: float) -> bool:
    """Call `happened` after each server change, for up to `seconds`, and return whether it returned True."""
    deadline = time.monotonic() + seconds
    seen = server.changes
    if happened():
        return True
    with server.current():
        while (remaining := deadline - time.monotonic()) > 0:
            server.wait_change(seen, remaining)
            seen = server.changes
            if happened():
                return True
    return False
