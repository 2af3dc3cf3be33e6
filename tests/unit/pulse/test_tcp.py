"""Which addresses of sound servers use a network, and which port."""

from __future__ import annotations

import os
import socket

import pytest

from vmic._pulse import tcp


@pytest.mark.parametrize(
    ("addresses", "hosts"),
    [
        ("", set()),
        ("unix:/run/user/1000/pulse/native", set()),
        ("/run/user/1000/pulse/native", set()),
        ("{8d7e2a}unix:/run/native", set()),
        ("tcp:desktop:4714", {("desktop", 4714)}),
        ("tcp4:10.9.8.1:4715", {("10.9.8.1", 4715)}),
        ("tcp6:[::1]:4716", {("::1", 4716)}),
        ("[fd00::2]:4716", {("fd00::2", 4716)}),
        ("{8d7e2a}tcp:desktop:4717", {("desktop", 4717)}),
        ("desktop", {("desktop", 4713)}),
        ("desktop:4718", {("desktop", 4718)}),
        ("tcp:desktop", {("desktop", 4713)}),
        ("tcp6:::1", {("::1", 4713)}),
        ("unix:/run/native tcp:desktop:4719 other", {("desktop", 4719), ("other", 4713)}),
    ],
)
def test_server_hosts(addresses: str, hosts: set[tuple[str, int]]) -> None:
    assert tcp.server_hosts(addresses) == hosts


def user_timeout(connection: socket.socket) -> int:
    return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
def test_only_the_connections_to_the_server_are_changed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        with (
            socket.create_connection(("127.0.0.1", port)) as connected,
            listening.accept()[0] as accepted,
            # A server of another machine, on the same port.
            socket.create_server(("127.0.0.2", port)) as others,
            socket.create_connection(("127.0.0.2", port)) as to_other,
        ):
            monkeypatch.setenv("PULSE_SERVER", f"tcp:{name}:{port}")
            # Otherwise Python makes every socket that it takes over non-blocking.
            socket.setdefaulttimeout(5)
            try:
                tcp.look_up()
                tcp.notice_silence()
            finally:
                socket.setdefaulttimeout(None)
            sockets = (connected, accepted, listening, others, to_other)
            assert [user_timeout(one) for one in sockets] == [2000, 0, 0, 0, 0]
            assert os.get_blocking(connected.fileno())


def test_a_server_on_this_machine_changes_none(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        socket.create_connection(listening.getsockname()) as connected,
    ):
        monkeypatch.setenv("PULSE_SERVER", "unix:/run/native")
        tcp.look_up()
        tcp.notice_silence()
        assert user_timeout(connected) == 0


def test_a_name_that_leads_nowhere_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULSE_SERVER", "tcp:nowhere.invalid:1 tcp:127.0.0.1:2")
    tcp.look_up()
    tcp.notice_silence()
