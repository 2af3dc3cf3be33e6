"""Failures on vmic's threads are logged and retried ever more slowly, and end nothing."""

from __future__ import annotations

import logging

import pytest

import vmic
from vmic._base.exception_log import LoggedCall


class Broken:
    """Fails `failures` times."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.pauses: list[float] = []
        self.call = LoggedCall(self._work, vmic.ClosedError, pause=self.pauses.append)

    def _work(self) -> None:
        self.failures -= 1
        if self.failures >= 0:
            raise RuntimeError("broken")


def test_pauses_grow_to_a_second_and_begin_anew_after_a_success(caplog: pytest.LogCaptureFixture) -> None:
    broken = Broken(7)
    assert [broken.call() for _ in range(8)] == 7 * [False] + [True]
    assert broken.pauses == [0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
    broken.failures = 1
    assert not broken.call()
    assert broken.pauses[-1] == 0.05
    assert {(record.name, record.levelname) for record in caplog.records} == {("vmic.internal", "ERROR")}
    assert len(caplog.records) == 8
    assert "RuntimeError: broken" in caplog.text


def test_what_is_expected_is_raised(caplog: pytest.LogCaptureFixture) -> None:
    def close() -> None:
        raise vmic.ClosedError("closed")

    with pytest.raises(vmic.ClosedError):
        LoggedCall(close, vmic.ClosedError)()
    assert not caplog.records


def test_a_handler_that_raises_ends_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    class Handler(logging.Handler):
        def emit(self, _: logging.LogRecord) -> None:
            raise OSError("no room for a log")

    broken, handler = Broken(1), Handler()
    logger = logging.getLogger("vmic")
    logger.addHandler(handler)
    try:
        assert not broken.call()
    finally:
        logger.removeHandler(handler)
    assert "no room for a log" in capsys.readouterr().err


def test_dailys_log_level_does_not_silence_it(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("vmic"), "level", logging.NOTSET)
    vmic.Daily.init()
    Broken(1).call()
    assert len(caplog.records) == 1
