"""A sound server on another machine: make its connections notice soon when the network is lost.

TCP itself would retry for a quarter of an hour, and libpulse 16.1 mistakes that time for the time that the
audio takes: 5 s without a network were followed by 5 s of stutter (138 gaps).
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

# Seconds. Shorter interruptions are common in wireless networks.
_NOTICES_WITHIN = 2
_OPTIONS = {
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT): 1000 * _NOTICES_WITHIN,  # for data that is under way
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE): 1,  # for connections that only receive
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE): 1,
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL): 1,
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT): _NOTICES_WITHIN,
}
_libc = ctypes.CDLL(None)
_PULSE_PORT = 4713

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Endpoint = tuple[Address, int]
_servers: set[Endpoint] = set()  # replaced by each `look_up`


def server_hosts(addresses: str) -> set[tuple[str, int]]:
    """Return the hosts and TCP ports in `addresses`, in the form of PULSE_SERVER. Skip local servers."""
    found = set()
    for address in addresses.split():
        # An address may begin with the machine to which it applies.
        server = address.rpartition("}")[2]
        if not server.startswith(("unix:", "/")):
            server = re.sub("^tcp[46]?:", "", server)
            both = re.fullmatch(r"(\[.*\]|[^:]*):(\d+)", server)
            host, port = both.groups() if both else (server, _PULSE_PORT)
            found.add((host.strip("[]"), int(port)))
    return found


def look_up() -> None:
    """Find out which addresses PULSE_SERVER leads to. May ask a name server, as libpulse has just done."""
    global _servers  # noqa: PLW0603 (a fact about the process)
    found: set[Endpoint] = set()
    for host, port in server_hosts(os.environ.get("PULSE_SERVER", "")):
        with contextlib.suppress(OSError):  # there is no connection to it then
            for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
                found.add((_plain(ipaddress.ip_address(str(address[0]).partition("%")[0])), port))
    _servers = found


def notice_silence() -> None:
    """Make this process's connections to a server on another machine end after 2 s without an answer."""
    servers = _servers
    if not servers:
        return
    # libpulse does not expose its sockets. If no descriptor is free for the listing, the next call does this.
    with contextlib.suppress(OSError):
        for descriptor in [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]:
            if _peer(descriptor) in servers:
                for (level, option), value in _OPTIONS.items():
                    _libc.setsockopt(descriptor, level, option, ctypes.byref(ctypes.c_int(value)), 4)


def _peer(descriptor: int) -> Endpoint | None:
    """Return where a network connection leads, or None for any other descriptor.

    A Python socket would change the blocking mode of the descriptor if `socket.setdefaulttimeout` is used.
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
    """Return an IPv4-mapped address as IPv4, and any other address unchanged."""
    return getattr(address, "ipv4_mapped", None) or address
