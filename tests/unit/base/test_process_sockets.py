"""Processes of vmic, and the sockets that connect to them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
from programs import ROOT

from vmic._base import process


@pytest.fixture
def impatient() -> Iterator[None]:
    """Make the program's own sockets wait for 0.05 s at most."""
    socket.setdefaulttimeout(0.05)
    yield
    socket.setdefaulttimeout(None)


@pytest.mark.usefixtures("impatient")
def test_a_socket_waits_as_long_as_it_takes() -> None:
    ours, its = process.sockets()
    with ours, its:
        late = threading.Timer(0.3, its.sendall, [b"late"])
        late.start()
        assert ours.recv(9) == b"late"
        late.join()
        assert its.getblocking()  # the child's socket, too


def test_they_are_made_nowhere_else() -> None:
    users = {path.name for path in (ROOT / "vmic").rglob("*.py") if "socketpair(" in path.read_text()}
    assert users == {"process.py"}
