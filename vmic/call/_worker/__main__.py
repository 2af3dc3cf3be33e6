"""The worker process of a call: it runs the commands of the program's process and reports events to it.

::

    python -m vmic.call._worker LOG_LEVEL

Its standard input is a socket to that process (see `protocol`). When the socket is closed, the worker leaves
the call and exits.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import traceback
from collections.abc import Iterator

from vmic.call._worker.commands import Commands
from vmic.call._worker.protocol import Message, Unpacker, packed

_log = logging.getLogger("vmic")

# When this many bytes wait for the program to read them, further sound is dropped.
_MOST_WAITING = 1 << 20


async def serve(connection: socket.socket) -> None:
    """Run the commands that arrive over the connection, until it ends or the program exits."""
    reader, writer = await asyncio.open_connection(sock=connection)

    def tell(message: Message, sound: bytes = b"") -> None:
        if not sound or writer.transport.get_write_buffer_size() < _MOST_WAITING:
            writer.write(packed(message, sound))

    commands = Commands(tell)
    unpacker = Unpacker()

    async def obey() -> None:
        while data := await reader.read(1 << 16):
            for message, _ in unpacker.take(data):
                await commands.do(message)

    obeying = asyncio.ensure_future(obey())
    owner_exited = asyncio.Event()
    waiting = asyncio.ensure_future(owner_exited.wait())
    try:
        with _noticing_end_of_parent(owner_exited):
            await asyncio.wait((obeying, waiting), return_when=asyncio.FIRST_COMPLETED)
        if obeying.done():
            obeying.result()
    finally:
        waiting.cancel()
        await commands.close()


@contextlib.contextmanager
def _noticing_end_of_parent(owner_exited: asyncio.Event) -> Iterator[None]:
    """Set `owner_exited` when the program has exited: a process that it forked may keep its socket open."""
    loop = asyncio.get_running_loop()
    # pidfd_open does not exist before Linux 5.3, nor in a Python built on such a system.
    with contextlib.ExitStack() as watch:
        with contextlib.suppress(OSError, AttributeError):
            parent = os.pidfd_open(os.getppid())
            watch.callback(os.close, parent)
            loop.add_reader(parent, owner_exited.set)
            watch.callback(loop.remove_reader, parent)
        yield


def main(log_level: int) -> None:
    """Run the worker process of one client."""
    # Ctrl-C in a terminal is for the program; the worker exits when the program does.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.pop("PULSE_LATENCY_MSEC", None)  # would replace the buffer lengths that PortAudio requests
    os.environ["PULSE_PROP_OVERRIDE"] = "application.name='vmic call'"
    logging.basicConfig()
    _log.setLevel(log_level)
    connection = socket.socket(fileno=0)
    reports = connection.dup()
    code = 0
    try:
        asyncio.run(serve(connection))
    except Exception as error:  # noqa: BLE001 (it is reported, and logged)
        _log.exception("the call process failed")
        why = "".join(traceback.format_exception_only(error)).strip()
        with contextlib.suppress(OSError):
            reports.sendall(packed({"event": "broken", "why": why}))
        code = 1
    # A normal exit would wait for a thread that hangs in ALSA.
    os._exit(code)


if __name__ == "__main__":
    main(int(sys.argv[1]))
