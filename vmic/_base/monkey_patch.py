"""Programs in which gevent or eventlet has replaced what vmic waits with."""

from __future__ import annotations

import _thread
import os
import select
import subprocess

from vmic._errors import DeviceError


def check() -> None:
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
