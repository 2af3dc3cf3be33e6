"""Runs a program that was written for daily-python in a call, and lets a browser hear it.

The call is in a room of `vmic room`, the browser is Chromium on that room's page. Prints who is there and
what is heard, by what the page shows, and keeps a picture of it. Exits with 1 unless it is heard.
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from apps.browser import Browser, Chromium
from programs import VMIC
from servers import PulseAudio

PROGRAM = Path(__file__).parents[2] / "examples" / "from_daily.py"
SECONDS = 12
PATIENCE = 30.0
WINDOW = "--window-size=1200,800"


@contextlib.contextmanager
def running(argv: list[str], env: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Run a program, and terminate it at the end of the block."""
    with subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()


def await_text(page: Browser, selector: str, wanted: str) -> str:
    """Wait until the element shows `wanted`; return all that it shows, or "" after the timeout."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if wanted in (shown := page.text(selector)):
            return shown
        time.sleep(0.1)
    return ""


def main() -> int:
    """Run the whole demonstration; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--picture", type=Path, default=Path("build/call.png"), help="(build/call.png)")
    options = parser.parse_args()
    with (
        PulseAudio() as server,
        running([VMIC, "room", "--port", "0"], server.env) as room,
        Chromium(server, (*Chromium.usual, WINDOW)) as page,
    ):
        assert room.stdout
        address, join = room.stdout.readline().strip(), room.stdout.readline().strip()
        print(f"room        {address}")
        page.open(address)
        argv = [sys.executable, str(PROGRAM), join, str(SECONDS)]
        print(f"program     examples/{PROGRAM.name} {join}")
        with running(argv, server.env):
            # The program's sine of 440 Hz restarts every 20 ms, so it has lines only at multiples of 50 Hz.
            heard = await_text(page, "#peak", "450")
            names = page.call(
                "(() => [...document.querySelectorAll('#participants .called')].map((e) => e.innerText))"
            )
            print(f"in the room {', '.join(names)}")
            print(f"heard       {heard or page.text('#peak')} (the page's spectrum)")
            options.picture.parent.mkdir(exist_ok=True)
            options.picture.write_bytes(page.picture())
    print(f"picture     {options.picture}")
    return 0 if heard else 1


if __name__ == "__main__":
    sys.exit(main())
