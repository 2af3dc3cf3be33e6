"""Threads of vmic's own: the operating system's, and they take no signal, which is the program's."""

from __future__ import annotations

import _thread
import os
import select
import signal
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from vmic._base import wakeup
from vmic._errors import DeviceError

T = TypeVar("T")

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


async def call_in_thread(function: Callable[[], T], name: str) -> T:
    """Call a function that blocks, in a thread of its own; cancelling ends the wait, not the call.

    asyncio's pool has few threads: calls to a server that hangs would hold up everything else in it.
    """
    outcome: Future[T] = Future()
    ended, wake = wakeup.of_task()

    def run() -> None:
        try:
            outcome.set_result(function())
        except BaseException as error:  # noqa: BLE001 (it is raised in the task)
            outcome.set_exception(error)
        wake()

    start(run, name)
    await ended
    return outcome.result()


def require_native() -> None:
    """See that threads and processes are the operating system's.

    libpulse waits in C, where no greenlet gives way to another: one that waits for the sound server stops the
    whole program, and with it the thread that the server waits for.

    Raises:
        DeviceError: They are not.
    """
    for module, function in (
        (_thread, _thread.start_new_thread),
        (select, select.select),
        (subprocess, subprocess.Popen),
        (os, os.fork),
    ):
        by = function.__module__.partition(".")[0]
        if by not in (module.__name__, os.name):
            raise DeviceError(
                f"vmic cannot wait for the sound server in this process: {by} has replaced functions of "
                f"Python's module {module.__name__} (monkey patching). Use vmic in a process without that"
            )
