"""The keeper of a microphone of ``vmic create``: a small process, connected for as long as the device exists.

Such a device belongs to no program, so something must tell a sound server that vmic started that it is still
needed: it ends a minute after its last client.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pulsectl

from vmic import _server


def start(source_name: str) -> None:
    """Start the keeper of `source_name`, in a session of its own: it outlives the caller's terminal."""
    subprocess.Popen(
        [sys.executable, "-m", "vmic._keeper", source_name],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    )


def keep(source_name: str) -> None:
    """Stay connected until the source, or the server, has gone."""

    def look(_: Any) -> None:
        raise pulsectl.PulseLoopStop

    with _server.connect() as pulse:
        pulse.event_callback_set(look)
        pulse.event_mask_set("source")
        while any(source.name == source_name for source in pulse.source_list()):
            # Nothing is lost when an event comes during the list: removing a source makes two of them.
            pulse.event_listen(timeout=60)


if __name__ == "__main__":
    try:
        keep(sys.argv[1])
    except pulsectl.PulseError:
        sys.exit(0)  # the server has gone, and the device with it
