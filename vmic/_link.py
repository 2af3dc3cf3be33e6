"""A sound server on another machine: who is connected to it notices soon when the network has gone.

TCP itself would try for a quarter of an hour, and libpulse 16.1 mistakes the time that it took for the time
that sound takes: 5 s without a network were followed by 5 s of stutter (138 gaps).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import socket
import struct
from pathlib import Path

# Less is a hiccup, as wireless networks have them.
_NOTICES_WITHIN = 2
_OPTIONS = {
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT): 1000 * _NOTICES_WITHIN,  # for what is under way
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE): 1,  # for who only listens
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE): 1,
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL): 1,
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT): _NOTICES_WITHIN,
}
_libc = ctypes.CDLL(None)
_PULSE_PORT = 4713


def ports(addresses: str) -> set[int]:
    """The TCP ports of the `addresses` of servers, as PULSE_SERVER has them; of a local one none."""
    found = set()
    for address in addresses.split():
        # It may begin with the machine for which it holds.
        place = address.rpartition("}")[2]
        if not place.startswith(("unix:", "/")):
            port = re.fullmatch(r"(?:tcp[46]?:)?(?:\[.*\]|[^:]*):(\d+)", place)
            found.add(int(port[1]) if port else _PULSE_PORT)
    return found


def notice_silence() -> None:
    """Let this process's connections to a server on another machine end after 2 s without an answer."""
    wanted = ports(os.environ.get("PULSE_SERVER", ""))
    if not wanted:
        return
    # libpulse shows no socket of its own. Without a descriptor to spare the next call does it.
    with contextlib.suppress(OSError):
        for descriptor in [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]:
            if _peers_port(descriptor) in wanted:
                for (level, option), value in _OPTIONS.items():
                    _libc.setsockopt(descriptor, level, option, ctypes.byref(ctypes.c_int(value)), 4)


def _peers_port(descriptor: int) -> int | None:
    """Where a connection over the network leads; None of all else.

    Python's own sockets would change how a descriptor blocks, where `socket.setdefaulttimeout` is used.
    """
    peer = ctypes.create_string_buffer(128)
    if _libc.getpeername(descriptor, peer, ctypes.byref(ctypes.c_uint(len(peer)))) != 0:
        return None
    family, port = struct.unpack_from("=H", peer)[0], struct.unpack_from("!H", peer, 2)[0]
    return port if family in (socket.AF_INET, socket.AF_INET6) else None
