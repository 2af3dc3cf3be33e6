"""Calling what is the program's own: what it raises is logged, and harms nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable

# Its level is its own: LogLevel.Off is daily-python's default, which tells of these all the same.
log = logging.getLogger("vmic.program")
log.setLevel(logging.ERROR)


def call(function: Callable[..., object], *arguments: object) -> None:
    """Call a function of the program's; sys.exit there is a mistake like any other."""
    try:
        function(*arguments)
    # SystemExit and CancelledError are no Exception, and would end the thread that makes all the calls.
    except BaseException:
        log.exception("the callback %r raised", function)
