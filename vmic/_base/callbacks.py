"""Calls of the program's functions. Their exceptions are logged and have no other effect."""

from __future__ import annotations

import logging
from collections.abc import Callable

from vmic._base.exception_log import log_exception
from vmic._errors import DeviceError

# The number of callbacks that may wait: 60 s of writes of 1 ms, about 20 MB.
MAX_WAITING = 1 << 16

# This logger has its own level: daily-python reports such exceptions even at its default, LogLevel.Off.
log = logging.getLogger("vmic.program")
log.setLevel(logging.ERROR)


def too_many(waiting: int) -> DeviceError:
    """Return the error of a write or read whose completion has no room behind the `waiting` completions."""
    return DeviceError(
        f"nothing was accepted: {waiting} completions wait, as one of them has not returned or the sound "
        "server is away. A completion must take less time than its audio"
    )


def call(function: Callable[..., object], *arguments: object) -> None:
    """Call a function of the program. Log every exception, including that of sys.exit."""
    try:
        function(*arguments)
    # SystemExit and CancelledError are not subclasses of Exception. They would end the thread that makes all
    # calls.
    except BaseException:  # noqa: BLE001 (it is logged)
        log_exception(log, "the callback %r raised", function)
