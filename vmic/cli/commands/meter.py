"""The command meter: how loud a microphone is, and which applications record it."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass

import click

import vmic
from vmic._device import orphans
from vmic._monitor.recording_apps import Listener
from vmic._pulse import connection
from vmic._pulse.server import Server
from vmic._pulse.subscription import ServerObserver
from vmic.cli.options import LENGTH, name_argument
from vmic.cli.system.microphone_status import listeners, who
from vmic.cli.system.peak_reader import Peaks
from vmic.cli.terminal import level_bar
from vmic.cli.terminal.output import Picture, clock, line, screen

_REDRAW, _LINE = 0.05, 1.0  # seconds
_HOLD = 1.5  # seconds
_WIDTH = 50  # columns


@click.command(epilog="Example: vmic meter my-mic")
@name_argument
@click.option("--seconds", type=LENGTH, help="Stop after this time.  [default: run until Ctrl-C]")
def meter(name: str, seconds: float | None) -> None:
    """Show the loudness of microphone NAME, and which applications record it.

    The applications that record the microphone are its listeners. The meter does not count as one. If
    standard output is not a terminal, the command prints one line per second: the time since the start, the
    peak of that second, how often the sound reached full scale, and the listeners.
    """
    info = connection.call(lambda pulse: orphans.remove_then_find(pulse, name)).info
    observer = _SourceObserver(info.source_name)
    threading.Thread(target=observer.follow, args=("vmic-meter",), name="vmic-meter", daemon=True).start()
    view = _View(info.name)
    began = time.monotonic()
    with screen(sys.stdout) as draw:
        due = began
        while seconds is None or due - began < seconds:
            due += _LINE if draw is None else _REDRAW
            if observer.removed.wait(max(0.0, due - time.monotonic())):
                lost = f"microphone {info.name!r} was removed, or the sound server disconnected"
                raise vmic.DeviceLostError(lost)
            heard = observer.take()
            if draw is None:
                click.echo(_line(due - began, heard))
            else:
                draw(view.picture(heard))


@dataclass
class _MeterReading:
    peak: float = 0.0  # of a full scale of 1
    clips: int = 0  # the number of the server's peaks at full scale
    listeners: tuple[Listener, ...] = ()


class _SourceObserver(ServerObserver):
    """An observer of one source, on a thread of its own."""

    def __init__(self, source_name: str) -> None:
        super().__init__(("source", "source_output"))
        self.removed = threading.Event()  # set when the source is removed or the server disconnects
        self._source_name = source_name
        self._lock = threading.Lock()  # guards `_heard`
        self._heard = _MeterReading()
        self._followed: Peaks | None = None  # used by the thread alone

    def take(self) -> _MeterReading:
        """Return what was heard since the last call."""
        with self._lock:
            heard, self._heard = self._heard, _MeterReading(listeners=self._heard.listeners)
        return heard

    def look(self, pulse: Server) -> None:
        """Update the listeners, and follow the peaks of the source."""
        sources = [source for source in pulse.source_list() if source.name == self._source_name]
        if not sources:
            self.lose()
            return
        if self._followed is None:
            self._followed = Peaks(pulse, self._source_name, self._note)
        heard_by = listeners(pulse, {source.index for source in sources})
        with self._lock:
            self._heard.listeners = tuple(one for those in heard_by.values() for one in those)

    def lose(self) -> None:
        """Stop, because the server has disconnected or the source was removed."""
        self.removed.set()
        self.end()

    def _note(self, peak: float) -> None:
        with self._lock:
            self._heard.peak = max(self._heard.peak, peak)
            self._heard.clips += peak >= level_bar.CLIPS


class _View:
    """The view on the screen. It holds the greatest peak for a while."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._peak = self._held = self._held_at = 0.0
        self._clips = 0

    def picture(self, heard: _MeterReading) -> Picture:
        """Return the level, the held peak, a warning and the listeners."""
        from rich.console import Group  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        now = time.monotonic()
        # The server sends a peak about every 40 ms. If one is late, a redraw has no new one.
        self._peak = max(heard.peak, self._peak * 0.7)
        if heard.peak >= self._held or now - self._held_at > _HOLD:
            self._held, self._held_at = heard.peak, now
        self._clips += heard.clips
        bar = level_bar.bar(self._peak, _WIDTH, self._held)
        level = line([], Text(self._name, "bold"), [bar, Text(level_bar.said(self._held))])
        clip = f"reached full scale {self._clips} times: too loud" if self._clips else ""
        names = [Text(f"  {who(listener)}") for listener in heard.listeners]
        return Group(level, Text(clip, "bold red"), Text("listeners:" if names else "no listeners"), *names)


def _line(seconds: float, heard: _MeterReading) -> str:
    clip = f"  reached full scale {heard.clips} times" if heard.clips else ""
    names = ", ".join(who(listener) for listener in heard.listeners) or "no listeners"
    return f"{clock(seconds)}  {level_bar.said(heard.peak)}{clip}  {names}"
