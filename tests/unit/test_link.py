"""Which addresses of sound servers lead over a network, and to which port."""

from __future__ import annotations

import os
import socket

import pytest

from vmic import _link


@pytest.mark.parametrize(
    ("addresses", "ports"),
    [
        ("", set()),
        ("unix:/run/user/1000/pulse/native", set()),
        ("/run/user/1000/pulse/native", set()),
        ("{8d7e2a}unix:/run/native", set()),
        ("tcp:desktop:4714", {4714}),
        ("tcp4:10.9.8.1:4715", {4715}),
        ("tcp6:[::1]:4716", {4716}),
        ("{8d7e2a}tcp:desktop:4717", {4717}),
        ("desktop", {4713}),
        ("desktop:4718", {4718}),
        ("tcp:desktop", {4713}),
        ("tcp6:::1", {4713}),
        ("unix:/run/native tcp:desktop:4719 other", {4719, 4713}),
    ],
)
def test_ports(addresses: str, ports: set[int]) -> None:
    assert _link.ports(addresses) == ports


def test_only_the_connections_to_the_server_are_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as connected, listening.accept()[0] as accepted:
            monkeypatch.setenv("PULSE_SERVER", f"tcp:127.0.0.1:{port}")
            # Python would then make every socket that it takes over a non-blocking one.
            socket.setdefaulttimeout(5)
            try:
                _link.notice_silence()
            finally:
                socket.setdefaulttimeout(None)
            timeouts = [
                one.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
                for one in (connected, accepted, listening)
            ]
            assert timeouts == [2000, 0, 0]
            assert os.get_blocking(connected.fileno())
