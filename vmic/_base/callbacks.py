"""Calling what is the program's own: what it raises is logged, and harms nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable

from vmic._base.exception_log import log_exception
from vmic._errors import DeviceError

# Its level is its own: LogLevel.Off is daily-python's default, which tells of these all the same.
# So many callbacks may wait: 60 s of writes of 1 ms, some 20 MB.
MAX_WAITING = 1 << 16

log = logging.getLogger("vmic.program")
log.setLevel(logging.ERROR)


def too_many(waiting: int) -> DeviceError:
    """Return the error of a write or read whose completion finds no room behind those that wait."""
    return DeviceError(
        f"nothing was accepted: {waiting} completions wait, as one of them has not returned or the sound "
        "server is away. A completion must take less time than its audio"
    )


def call(function: Callable[..., object], *arguments: object) -> None:
    """Call a function of the program's; sys.exit there is a mistake like any other."""
    try:
        function(*arguments)
    # SystemExit and CancelledError are no Exception, and would end the thread that makes all the calls.
    except BaseException:  # noqa: BLE001 (it is logged)
        log_exception(log, "the callback %r raised", function)
