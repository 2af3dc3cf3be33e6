"""Threads of vmic's own: they take no signal, which is the program's."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable

# Those of a thread's own fault stay: faulthandler wants to see them.
_SIGNALS = signal.valid_signals() - {signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSEGV}


def start(run: Callable[[], object], name: str) -> threading.Thread:
    """Start a daemon thread that blocks all signals.

    A program may wait for a signal with sigwait(); a thread that does not block it would be ended by it, and
    the program too. A thread that calls the program back does not belong here: what the program starts from
    there would block all signals too.
    """
    thread = threading.Thread(target=run, name=name, daemon=True)
    # It inherits what is blocked here.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        thread.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return thread
