"""Connections that are of this machine alone."""

from __future__ import annotations

import re
from contextvars import ContextVar

import aioice.ice

HOST = "127.0.0.1"

_machines_addresses = aioice.ice.get_host_addresses
_besides: ContextVar[list[str]] = ContextVar("besides", default=[])  # noqa: B039 (never changed)
_HIDDEN = re.compile(r"^(a=candidate:.* )\S+\.local( .*)$", re.MULTILINE)
_FIREFOX = re.compile(r"^o=mozilla", re.MULTILINE)


def stay() -> None:
    """Have the connections of this process be on loopback.

    aioice takes every address but loopback's, and lets nobody choose (0.13).
    """
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: [HOST, *_besides.get()]  # noqa: ARG005


def reach(offer: str) -> str:
    """Have this task's next connection reach who offers this; returns the offer with what it hides.

    A browser hides this machine's addresses behind names (mDNS). To ask for one takes aioice 1 s where nobody
    answers, and then there is nobody to connect to. Firefox (153) goes from no other address to loopback's:
    it alone is given the machine's others too.
    """
    addresses = _machines_addresses(use_ipv4=True, use_ipv6=False)
    if _FIREFOX.search(offer):
        _besides.set(addresses)
    shown = "\n".join(rf"\g<1>{address}\g<2>" for address in (HOST, *addresses))
    return _HIDDEN.sub(shown, offer)
