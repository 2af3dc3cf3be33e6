"""The threads of vmic: native threads that block signals, as signals belong to the program."""

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

from vmic._errors import DeviceError

T = TypeVar("T")

# Signals for a fault of the thread itself stay unblocked, because faulthandler needs them.
_SIGNALS = signal.valid_signals() - {signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSEGV}


def start(run: Callable[[], object], name: str) -> threading.Thread:
    """Start a daemon thread that blocks all signals.

    A program may wait for a signal with sigwait(). If another thread did not block that signal, the signal
    would end that thread and the program. Do not use this for a thread that runs callbacks: processes and
    threads that the program starts in a callback would block all signals too.
    """
    thread = threading.Thread(target=run, name=name, daemon=True)
    # The new thread inherits the signal mask.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        thread.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return thread


async def call_in_thread(function: Callable[[], T], name: str) -> T:
    """Call a function that blocks, on a separate thread. Cancelling ends the wait, not the call.

    The thread pool of asyncio is small: calls to a server that hangs would delay all other work in it.
    """
    import asyncio  # noqa: PLC0415 (the import is slow, and only tasks need it)

    outcome: Future[T] = Future()
    outcome.set_running_or_notify_cancel()  # it can no longer be cancelled

    def run() -> None:
        try:
            outcome.set_result(function())
        except BaseException as error:  # noqa: BLE001 (it is raised in the task)
            outcome.set_exception(error)

    start(run, name)
    return await asyncio.wrap_future(outcome)


def require_native() -> None:
    """Check that threads and processes are native ones.

    libpulse waits in C, where greenlets cannot switch. A greenlet that waits for the sound server stops the
    whole program, including the thread that the server waits for.

    Raises:
        DeviceError: The functions for threads or processes have been replaced.
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
                f"the Python module {module.__name__} (monkey patching). Use vmic in a process without "
                "monkey patching"
            )
