"""daily-python's entry point, in the cases in which daily-python itself crashes."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

import vmic
from vmic import Daily, LogLevel


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    logger = logging.getLogger("vmic")
    level, handlers = logger.level, list(logger.handlers)
    yield
    logger.setLevel(level)
    logger.handlers[:] = handlers


def test_it_may_be_begun_and_ended_in_any_order() -> None:
    Daily.deinit()
    Daily.set_log_level(LogLevel.Warn)
    Daily.init()
    Daily.init(worker_threads=4, log_level=LogLevel.Error)
    Daily.deinit()
    Daily.deinit()
    Daily.init()


def test_levels() -> None:
    names = ["Off", "Error", "Warn", "Info", "Debug", "Trace"]
    assert [(int(level), str(level)) for level in LogLevel] == [
        (n, f"LogLevel.{x}") for n, x in enumerate(names)
    ]
    for wrong in (3, "Info", None):
        with pytest.raises(TypeError):
            Daily.set_log_level(wrong)  # type: ignore[arg-type]


def test_what_is_logged() -> None:
    logger = logging.getLogger("vmic")
    enabled = {}
    for level in LogLevel:
        Daily.set_log_level(level)
        enabled[level.name] = [
            n
            for n in (logging.ERROR, logging.WARNING, logging.INFO, logging.DEBUG, 5)
            if logger.isEnabledFor(n)
        ]
    assert [len(enabled[level.name]) for level in LogLevel] == [0, 1, 2, 3, 4, 5]
    # These messages are logged at any level.
    assert logging.getLogger("vmic.call").isEnabledFor(logging.ERROR)


def test_a_program_can_import_all_of_it() -> None:
    namespace: dict[str, object] = {}
    exec("from vmic import *", namespace)  # noqa: S102 (a program's line)
    for name in ("Daily", "CallClient", "EventHandler", "AudioData", "LogLevel"):
        assert namespace[name] is getattr(vmic, name)
    with pytest.raises(TypeError, match=r"cannot create 'vmic.Daily' instances"):
        Daily()
