"""Exceptions that reach no caller: they are logged, and the thread in which they occur goes on."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable
from typing import Generic, ParamSpec

from vmic._base.backoff import Backoff

P = ParamSpec("P")

# It has a level of its own: LogLevel.Off, daily-python's default, silences the rest of vmic.
log = logging.getLogger("vmic.internal")
log.setLevel(logging.ERROR)


def log_exception(logger: logging.Logger, message: str, *arguments: object) -> None:
    """Log the exception that is being handled; a handler of the program's may raise too."""
    try:
        logger.exception(message, *arguments)
    except Exception:  # noqa: BLE001 (logging's own handlers print what they raise likewise)
        traceback.print_exc()


class LoggedCall(Generic[P]):
    """A function that cannot end the thread that calls it again and again.

    An exception is logged, and followed by a pause that grows with each exception after it.
    """

    def __init__(
        self,
        function: Callable[P, object],
        *expected: type[BaseException],
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        """Wrap `function`.

        Args:
            function: What to call.
            expected: Exceptions that are the caller's to handle.
            pause: Waits so many seconds.
        """
        self._function = function
        self._expected = expected
        self._pause = pause
        self._backoff = Backoff()

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Call the function, and return whether it returned."""
        try:
            self._function(*args, **kwargs)
        except self._expected:
            raise
        except Exception:  # noqa: BLE001 (it is logged)
            log_exception(log, "%s failed; it is called again", self._function)
            self._pause(self._backoff.next())
            return False
        self._backoff.reset()
        return True
