"""The server that a meeting's address selects."""

from __future__ import annotations

import pytest

from vmic.call._signalling import meeting_url
from vmic.call._signalling.meeting_url import Address, DailyRoomAddress, VideoRoomAddress, WhipAddress, parse


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://host/whip?x=1", WhipAddress("https://host/whip?x=1")),
        ("http://127.0.0.1:8765/whip", WhipAddress("http://127.0.0.1:8765/whip")),
        ("https://notdaily.co/whip", WhipAddress("https://notdaily.co/whip")),
        ("janus+http://host:8088/janus?room=1234", VideoRoomAddress("http://host:8088/janus", 1234)),
        (
            "janus+https://host/janus/?room=tea&pin=a%26b",
            VideoRoomAddress("https://host/janus", "tea", "a&b"),
        ),
    ],
)
def test_addresses(url: str, address: Address) -> None:
    assert parse(url) == address


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "is not a meeting address"),
        ("x", "is not a meeting address"),
        ("ftp://host/", "is not a meeting address"),
        ("http://", "is not a meeting address"),
        ("http://[", "is not a meeting address"),
        ("http://host:99999/whip", "is not a meeting address: Port out of range"),
        ("janus+http://host/janus", "must have the parameter room"),
        ("janus+http://host/janus?room=", "must have the parameter room"),
        ("janus+http://host/janus?room=1&x=2", "must have the parameter room"),
    ],
)
def test_what_is_none(url: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as refused:
        parse(url)
    assert said in str(refused.value)
    assert repr(url) in str(refused.value)


@pytest.mark.parametrize("url", ["https://daily.co/room", "https://me.daily.co/room"])
def test_a_room_of_dailys_needs_its_own_client(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert parse(url) == DailyRoomAddress(url)
    monkeypatch.setattr(meeting_url, "_has_daily", lambda: False)
    with pytest.raises(ValueError, match=r"is a room of Daily.*pip install 'vmic\[daily\]'") as refused:
        parse(url)
    assert repr(url) in str(refused.value)
