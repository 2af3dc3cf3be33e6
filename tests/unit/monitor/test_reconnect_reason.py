"""The reason for a lost device, as messages give it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from vmic._monitor.reconnect import Reconnection
from vmic._stream.native import DISCONNECTED

REMOVED = "the microphone was removed from the sound server"


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [(REMOVED, REMOVED), ("", "the sound server is disconnected: it does not answer")],
)
def test_a_server_that_still_runs_is_not_called_disconnected(trouble: str, reason: str) -> None:
    reconnection = Reconnection.__new__(Reconnection)
    reconnection.trouble = trouble
    lost = SimpleNamespace(state=DISCONNECTED, error=0)
    reconnection._stream = SimpleNamespace(state=lambda: lost)  # type: ignore[assignment]
    assert reconnection.reason("play") == reason
