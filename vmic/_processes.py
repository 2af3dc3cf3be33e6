"""The end of another process, which is no child of this one."""

from __future__ import annotations

import contextlib
import math
import os
import select
import time
from collections.abc import Callable, Iterator

from vmic._owner import started

# How often to look where the system does not tell.
_PAUSE = 0.05


@contextlib.contextmanager
def watching(pid: int) -> Iterator[Callable[[float], bool]]:
    """Watch process `pid` during the block; gives what waits so many seconds for its end, and tells of it.

    Raises:
        ProcessLookupError: It has ended already.
    """
    try:
        descriptor = os.pidfd_open(pid)
    except (AttributeError, OSError) as error:
        # gVisor has none (ENOSYS), nor has Linux before 5.3, nor a Python that was built there.
        if isinstance(error, ProcessLookupError):
            raise
        yield _looking(pid)
        return
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    try:
        yield lambda seconds: bool(poller.poll(None if seconds == math.inf else 1000 * seconds))
    finally:
        os.close(descriptor)


def _looking(pid: int) -> Callable[[float], bool]:
    begun = started(pid)
    if begun == 0:
        raise ProcessLookupError(f"process {pid} has ended")

    def has_ended(seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while started(pid) == begun:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_PAUSE)
        return True

    return has_ended
