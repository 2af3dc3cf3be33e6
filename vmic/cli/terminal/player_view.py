"""The view of a player on a terminal, and the keys that control it."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import vmic
from vmic.cli.sounds.player import Player
from vmic.cli.sounds.playlist import Playlist
from vmic.cli.terminal import level_bar
from vmic.cli.terminal.keys import keys
from vmic.cli.terminal.output import Picture, clock, line, printable, screen
from vmic.cli.terminal.play_warnings import PlayWarnings

_SKIP = 5.0  # seconds
_WIDTH = 20  # columns
# A player with little sound queued waits less than this each time.
_REDRAW = 0.05  # seconds


def play_all(microphone: vmic.VirtualMicrophoneDevice, playlist: Playlist, ahead: float) -> None:
    """Play all sounds, until they are heard to the end or the person stops them."""
    player = Player(microphone, playlist, ahead)
    warnings = PlayWarnings(microphone, player)
    with contextlib.ExitStack() as stack:
        stack.callback(warnings.finish)
        stack.enter_context(contextlib.closing(playlist))
        draw, pressed = stack.enter_context(screen()), stack.enter_context(keys())
        drawn_at = 0.0

        def wait(seconds: float) -> None:
            nonlocal drawn_at
            now = time.monotonic()
            if now - drawn_at >= _REDRAW:
                drawn_at = now
                warnings.look()
                if draw is not None:
                    draw(picture(player, has_keys=bool(pressed)))
            key = pressed.wait(seconds)
            if key is not None:
                _obey(player, key)
                drawn_at = 0.0

        player.play(wait)


def _obey(player: Player, key: str) -> None:
    if key in ("q", "escape"):
        player.stop()
    elif key == "space":
        player.toggle()
    elif key in ("left", "right"):
        player.skip(_SKIP if key == "right" else -_SKIP)


def picture(player: Player, *, has_keys: bool) -> Picture:
    """Return the view: the position, the time that remains, and the level."""
    from rich.console import Group  # noqa: PLC0415
    from rich.progress_bar import ProgressBar  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    position, level = player.position, player.peak
    sign = Text("\u23f8" if player.paused else "\u25b6", "bold")
    cells: list[Picture] = [Text(clock(position.at))]
    if position.end is not None:
        cells.append(ProgressBar(total=position.end, completed=position.at, width=_WIDTH))
        cells.append(Text(f"-{clock(position.end - position.at)}"))
    cells += [level_bar.bar(level, _WIDTH), Text(level_bar.said(level))]
    keys_said = Text("space: pause   left, right: 5 s back, 5 s forward   q: stop", "bright_black")
    shown = line([sign], Text(printable(Path(position.name).name)), cells)
    return Group(shown, *([keys_said] if has_keys else []))
