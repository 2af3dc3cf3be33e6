"""Meeting addresses, and the kind of server that each of them names."""

from __future__ import annotations

import contextlib
import importlib.metadata
import urllib.parse
from dataclasses import dataclass

FORMS = (
    "use https://host/whip (or http) for a WHIP endpoint, or janus+http://host:8088/janus?room=1234 (or "
    "janus+https) for a Janus VideoRoom"
)


@dataclass(frozen=True)
class WhipAddress:
    """A WHIP endpoint (RFC 9725)."""

    url: str


@dataclass(frozen=True)
class VideoRoomAddress:
    """A room of Janus's VideoRoom plugin."""

    url: str  # the address of Janus's HTTP interface
    room: int | str  # the id of the room: a number, or a text if the server is configured so
    pin: str | None = None  # the PIN of the room; None if there is none


@dataclass(frozen=True)
class DailyRoomAddress:
    """A room of daily.co."""

    url: str


Address = WhipAddress | VideoRoomAddress | DailyRoomAddress


def _has_daily() -> bool:
    """Return whether Daily's own client is installed."""
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        return bool(importlib.metadata.version("daily-python"))
    return False


def parse(url: str) -> Address:
    """Parse a meeting's address.

    Raises:
        ValueError: `url` is not a meeting's address, or needs a client that is not installed.
    """
    try:
        parts = urllib.parse.urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError as error:
        raise ValueError(f"{url!r} is not a meeting address: {error}") from None
    if parts.scheme not in ("http", "https", "janus+http", "janus+https") or not host:
        raise ValueError(f"{url!r} is not a meeting address: {FORMS}")
    if host == "daily.co" or host.endswith(".daily.co"):
        if not _has_daily():
            raise ValueError(
                f"{url!r} is a room of Daily, which needs Daily's own client: pip install 'vmic[daily]'. "
                f"Without this client, {FORMS}"
            )
        return DailyRoomAddress(url)
    if parts.scheme in ("http", "https"):
        return WhipAddress(url)
    query = dict(urllib.parse.parse_qsl(parts.query))
    room = query.pop("room", "")
    pin = query.pop("pin", None)
    if not room or query:
        raise ValueError(
            f"{url!r} must have the parameter room, as in janus+http://host:8088/janus?room=1234. It can "
            "also have the parameter pin, but no other"
        )
    plain = parts._replace(scheme=parts.scheme.removeprefix("janus+"), query="", fragment="")
    return VideoRoomAddress(plain.geturl().rstrip("/"), int(room) if room.isdecimal() else room, pin)
