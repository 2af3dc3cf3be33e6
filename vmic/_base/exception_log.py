"""Exceptions that reach no caller. They are logged, and their thread continues."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable
from typing import Generic, ParamSpec

from vmic._base.backoff import Backoff

P = ParamSpec("P")

# This logger has its own level: LogLevel.Off, the default of daily-python, silences the rest of vmic.
log = logging.getLogger("vmic.internal")
log.setLevel(logging.ERROR)


def log_exception(logger: logging.Logger, message: str, *arguments: object) -> None:
    """Log the exception that is being handled, even if one of the program's log handlers raises."""
    try:
        logger.exception(message, *arguments)
    except Exception:  # noqa: BLE001 (logging's own handlers print their exceptions too)
        traceback.print_exc()


class LoggedCall(Generic[P]):
    """A function whose exceptions do not end the thread that calls it in a loop.

    Each exception is logged and followed by a pause. The pause grows with each further exception.
    """

    def __init__(
        self,
        function: Callable[P, object],
        *expected: type[BaseException],
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        """Wrap `function`.

        Args:
            function: The function to call.
            expected: Exceptions that the caller handles.
            pause: Waits for the given number of seconds.
        """
        self._function = function
        self._expected = expected
        self._pause = pause
        self._backoff = Backoff()

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Call the function. Return True if it returned, False if its exception was logged."""
        try:
            self._function(*args, **kwargs)
        except self._expected:
            raise
        except Exception:  # noqa: BLE001 (it is logged)
            log_exception(log, "internal error: %s raised an exception; vmic calls it again", self._function)
            self._pause(self._backoff.next())
            return False
        self._backoff.reset()
        return True
