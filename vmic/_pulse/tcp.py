"""A sound server on another machine: who is connected to it notices soon when the network has gone.

TCP itself would try for a quarter of an hour, and libpulse 16.1 mistakes the time that it took for the time
that sound takes: 5 s without a network were followed by 5 s of stutter (138 gaps).
"""

from __future__ import annotations

import contextlib
import ctypes
import ipaddress
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

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Place = tuple[Address, int]
_servers: set[Place] = set()  # replaced by each `look_up`


def places(addresses: str) -> set[tuple[str, int]]:
    """The hosts and TCP ports in `addresses` of servers, as PULSE_SERVER has them; of a local one none."""
    found = set()
    for address in addresses.split():
        # It may begin with the machine for which it holds.
        place = address.rpartition("}")[2]
        if not place.startswith(("unix:", "/")):
            place = re.sub("^tcp[46]?:", "", place)
            both = re.fullmatch(r"(\[.*\]|[^:]*):(\d+)", place)
            host, port = both.groups() if both else (place, _PULSE_PORT)
            found.add((host.strip("[]"), int(port)))
    return found


def look_up() -> None:
    """Find out which addresses PULSE_SERVER leads to; may ask a name server, as libpulse has just done."""
    global _servers  # noqa: PLW0603 (a fact about the process)
    found: set[Place] = set()
    for host, port in places(os.environ.get("PULSE_SERVER", "")):
        with contextlib.suppress(OSError):  # nobody is connected to it then
            for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
                found.add((_plain(ipaddress.ip_address(str(address[0]).partition("%")[0])), port))
    _servers = found


def notice_silence() -> None:
    """Let this process's connections to a server on another machine end after 2 s without an answer."""
    servers = _servers
    if not servers:
        return
    # libpulse shows no socket of its own. Without a descriptor to spare the next call does it.
    with contextlib.suppress(OSError):
        for descriptor in [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]:
            if _peer(descriptor) in servers:
                for (level, option), value in _OPTIONS.items():
                    _libc.setsockopt(descriptor, level, option, ctypes.byref(ctypes.c_int(value)), 4)


def _peer(descriptor: int) -> Place | None:
    """Where a connection over the network leads; None of all else.

    Python's own sockets would change how a descriptor blocks, where `socket.setdefaulttimeout` is used.
    """
    peer = ctypes.create_string_buffer(128)
    if _libc.getpeername(descriptor, peer, ctypes.byref(ctypes.c_uint(len(peer)))) != 0:
        return None
    family, port = struct.unpack_from("=H", peer)[0], struct.unpack_from("!H", peer, 2)[0]
    if family == socket.AF_INET:
        return ipaddress.IPv4Address(peer.raw[4:8]), port
    if family == socket.AF_INET6:
        return _plain(ipaddress.IPv6Address(peer.raw[8:24])), port
    return None


def _plain(address: Address) -> Address:
    """As IPv4 where it is of that."""
    return getattr(address, "ipv4_mapped", None) or address
