"""The call's own process: it does what the program's process says, and tells it what happens.

::

    python -m vmic.call._worker.__main__ LOG_LEVEL

Its standard input is a socket to that process (see `_wire`); when that ends it leaves the call, and ends.
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

# Sound that the program does not fetch is left out when so much waits for it, in bytes.
_MOST_WAITING = 1 << 20


async def serve(connection: socket.socket) -> None:
    """Do what comes over the connection, until it ends."""
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
    """Set `owner_exited` when the program has ended: a process that it forked may keep its socket open."""
    loop = asyncio.get_running_loop()
    # Before Linux 5.3, and in a Python that was built there, there is none.
    with contextlib.ExitStack() as watch:
        with contextlib.suppress(OSError, AttributeError):
            parent = os.pidfd_open(os.getppid())
            watch.callback(os.close, parent)
            loop.add_reader(parent, owner_exited.set)
            watch.callback(loop.remove_reader, parent)
        yield


def main(log_level: int) -> None:
    """Be the process of one call."""
    # Ctrl-C in a terminal is for the program, whose end is this one's.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.pop("PULSE_LATENCY_MSEC", None)  # would replace the buffer lengths that PortAudio asks for
    os.environ["PULSE_PROP_OVERRIDE"] = "application.name='vmic call'"
    logging.basicConfig()
    _log.setLevel(log_level)
    connection = socket.socket(fileno=0)
    reports = connection.dup()
    code = 0
    try:
        asyncio.run(serve(connection))
    except Exception as error:  # noqa: BLE001 (it is told, and logged)
        _log.exception("the call's process broke")
        why = "".join(traceback.format_exception_only(error)).strip()
        with contextlib.suppress(OSError):
            reports.sendall(packed({"event": "broken", "why": why}))
        code = 1
    # A thread that hangs in ALSA would be waited for.
    os._exit(code)


if __name__ == "__main__":
    main(int(sys.argv[1]))
