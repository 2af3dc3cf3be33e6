"""WHIP as RFC 9725 defines it, with an endpoint that answers in all the ways that endpoints do."""

from __future__ import annotations

import asyncio
import email.utils
import socket
import time
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from aiohttp import web
from aiortc.mediastreams import MediaStreamTrack
from call.endpoint import Endpoint, EndpointCall, silent

from vmic.call._signalling import peer_connection, whip
from vmic.call._signalling.base import RemoteParticipant, SessionError, SessionListener
from vmic.call._signalling.peer_connection import PeerError
from vmic.call._signalling.whip import WhipSession


class LossCollector(SessionListener):
    """A `SessionListener` that keeps lost connections, and expects no other report."""

    def __init__(self) -> None:
        self.lost: list[str] = []

    def note(self, participant: RemoteParticipant) -> None:
        raise AssertionError(participant)

    def leave(self, identity: str) -> None:
        raise AssertionError(identity)

    def say(self, message: Any, sender: str) -> None:
        raise AssertionError(message, sender)

    def hear(self, identity: str, track: MediaStreamTrack) -> None:
        raise AssertionError(identity, track)

    def lose(self, why: str) -> None:
        self.lost.append(why)

    def finish(self, why: str) -> None:
        raise AssertionError(why)


def call(url: str, token: str | None = None) -> str:
    """Join, leave at once, and return the server's name for the session."""

    async def join_and_leave() -> str:
        session = WhipSession(url, LossCollector(), silent(token))
        try:
            return await session.join()
        finally:
            await session.hang_up()
            await session.leave()

    return asyncio.run(join_and_leave())


def refusal(url: str, token: str | None = None) -> str:
    with pytest.raises(SessionError) as refused:
        call(url, token)
    return str(refused.value)


def test_a_session_is_offered_and_ended(endpoint: Endpoint) -> None:
    assert call(endpoint.url) == "1"
    assert [(r.method, r.path) for r in endpoint.operations] == [
        ("OPTIONS", "/whip"),
        ("POST", "/whip"),
        ("DELETE", "/whip/1"),
    ]
    offer = endpoint.operations[1].offer
    assert "a=sendonly" in offer
    assert "useinbandfec=1" in offer
    # The offer has Opus alone, although aiortc has other codecs.
    assert offer.count("a=rtpmap:") == 1


def test_the_token_goes_with_each_request(endpoint: Endpoint) -> None:
    call(endpoint.url, "secret")
    assert {request.token for request in endpoint.operations} == {"Bearer secret"}


@pytest.mark.parametrize("status", [307, 308])
def test_a_redirect_is_followed_with_offer_and_token(endpoint: Endpoint, status: int) -> None:
    elsewhere = {"Location": "/elsewhere"}
    endpoint.answers.append(lambda: web.Response(status=status, headers=elsewhere))
    call(endpoint.url, "secret")
    posted = [request for request in endpoint.operations if request.method == "POST"]
    assert [request.path for request in posted] == ["/whip", "/elsewhere"]
    assert posted[0].offer == posted[1].offer
    assert posted[0].token == posted[1].token == "Bearer secret"  # noqa: S105


def test_a_server_that_wants_to_be_asked_at_once_is_not_asked_without_end(endpoint: Endpoint) -> None:
    at_once = {"Retry-After": "0"}
    endpoint.answers.extend([lambda: web.Response(status=503, headers=at_once)] * 1000)
    assert "the server is full or busy (503)" in refusal(endpoint.url)
    assert endpoint.methods().count("POST") < 30


def test_redirects_in_a_circle_end(endpoint: Endpoint) -> None:
    circle = {"Location": "/whip"}
    endpoint.answers.extend([lambda: web.Response(status=307, headers=circle)] * 20)
    assert "the server answered 307" in refusal(endpoint.url)
    assert endpoint.methods().count("POST") == 6


def test_a_busy_server_is_asked_again_when_it_says_so(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whip, "_BUSY_FOR", 2.0)
    busy = {"Retry-After": "1"}
    endpoint.answers.extend([lambda: web.Response(status=503, headers=busy)] * 2)
    began = time.monotonic()
    call(endpoint.url)
    assert time.monotonic() - began >= 2
    endpoint.operations.clear()
    endpoint.answers.extend([lambda: web.Response(status=503, headers=busy)] * 9)
    assert "the server is full or busy (503)" in refusal(endpoint.url)
    assert endpoint.methods() == ["OPTIONS", "POST", "POST", "POST"]


@pytest.mark.parametrize(
    ("response", "said"),
    [
        ({"status": 401}, "the server requires a meeting_token (401)"),
        ({"status": 403, "text": "not you"}, "(403): not you"),
        ({"status": 404, "text": "no such room"}, "the server answered 404 Not Found: no such room"),
        ({"status": 503, "text": "full"}, "the server is full or busy (503): full"),
        ({"status": 200, "text": "<html>", "content_type": "text/html"}, "the server answered 200 OK"),
    ],
)
def test_a_refusal_says_why(endpoint: Endpoint, response: dict[str, Any], said: str) -> None:
    endpoint.answers.append(lambda: web.Response(**response))
    assert refusal(endpoint.url).endswith(said)
    assert "DELETE" not in endpoint.methods()


def test_a_session_that_cannot_be_ended_goes_on_with_a_warning(
    endpoint: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    usual = endpoint._accept

    async def accept_nameless(offer: str) -> web.Response:
        response = await usual(offer)
        del response.headers["Location"]
        return response

    endpoint._accept = accept_nameless  # type: ignore[method-assign]
    call(endpoint.url)
    assert endpoint.methods() == ["OPTIONS", "POST"]
    assert f"{endpoint.url} sent no Location header" in caplog.text


def test_an_answer_that_is_none_is_told_and_the_session_ended(endpoint: Endpoint) -> None:
    headers = {"Location": "/whip/7"}
    endpoint.answers.append(lambda: web.Response(status=201, text="hello", headers=headers))
    with pytest.raises(PeerError, match="cannot apply the SDP answer of the server"):
        call(endpoint.url)
    assert endpoint.methods()[-1] == "DELETE"


def test_nobody_at_the_address() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/whip"
        assert refusal(url).startswith(f"cannot reach {url}: ")


def test_servers_that_help_are_asked(endpoint: Endpoint) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as stun:
        stun.bind(("127.0.0.1", 0))
        stun.settimeout(10)
        endpoint.servers.append(f'<stun:127.0.0.1:{stun.getsockname()[1]}>; rel="ice-server"')
        call(endpoint.url)
        request = stun.recv(1000)
    assert request[:2] == b"\0\1"  # a STUN binding request (RFC 8489)


def test_those_that_are_named_late_are_asked_when_there_is_no_other_way(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peer_connection, "_CONNECTS_WITHIN", 2.0)
    usual = endpoint._accept

    def without_addresses(sdp: str) -> str:
        return "\r\n".join(line for line in sdp.splitlines() if "candidate" not in line) + "\r\n"

    async def accept_without_addresses(offer: str) -> web.Response:
        if endpoint.calls:
            return await usual(offer)
        response = await usual(without_addresses(offer))
        response.text = without_addresses(str(response.text))
        return response

    endpoint._accept = accept_without_addresses  # type: ignore[method-assign]
    with socket.socket(type=socket.SOCK_DGRAM) as stun:
        stun.bind(("127.0.0.1", 0))
        stun.settimeout(10)
        endpoint.late_servers.append(
            f'</other>; rel=next, <stun:127.0.0.1:{stun.getsockname()[1]}>; rel="ice-server"'
        )
        assert call(endpoint.url) == "2"
        assert stun.recv(1000)[:2] == b"\0\1"
    assert endpoint.methods() == ["OPTIONS", "POST", "DELETE", "POST", "DELETE"]


def test_credentials_of_a_server_are_read() -> None:
    header = '<turn:turn.example:3478?transport=udp>; rel="ice-server"; username="me"; credential="a,b;c"'
    (server,) = whip._ice_servers([header])
    assert (server.urls, server.username, server.credential) == (
        "turn:turn.example:3478?transport=udp",
        "me",
        "a,b;c",
    )


def test_servers_that_cannot_be_used_are_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    good = '<stun:stun.example?transport=udp>; rel="ice-server"'
    servers = whip._ice_servers(['<nonsense>; rel="ice-server"', good])
    assert [server.urls for server in servers] == ["stun:stun.example"]
    assert "cannot use the ICE server nonsense" in caplog.text


def test_a_date_says_when_a_busy_server_wants_to_be_asked(endpoint: Endpoint) -> None:
    then = email.utils.format_datetime(datetime.now(timezone.utc) + timedelta(seconds=2))
    endpoint.answers.append(lambda: web.Response(status=503, headers={"Retry-After": then}))
    call(endpoint.url)
    assert endpoint.methods().count("POST") == 2


def test_the_token_goes_to_no_weaker_place() -> None:
    async def authority() -> list[dict[str, str]]:
        session = WhipSession("https://host/whip", LossCollector(), silent("secret"))
        await session.leave()
        return [session._authority("https://other/whip"), session._authority("http://host/whip")]

    assert asyncio.run(authority()) == [{"Authorization": "Bearer secret"}, {}]


def test_an_endpoint_that_has_forgotten_the_session_lets_it_go(endpoint: Endpoint) -> None:
    async def forget() -> None:
        session = WhipSession(endpoint.url, LossCollector(), silent())
        await session.join()
        forgotten.update(endpoint.calls)
        endpoint.calls.clear()
        await session.hang_up()
        await session.leave()

    forgotten: dict[str, EndpointCall] = {}
    asyncio.run(forget())
    for call in forgotten.values():
        endpoint.run(call.connection.close())
    assert endpoint.methods()[-1] == "DELETE"
