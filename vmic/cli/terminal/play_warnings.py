"""Warnings for a person who plays a sound: why nobody hears it, or why it has gaps."""

from __future__ import annotations

import time

import vmic
from vmic.cli.sounds.player import Player
from vmic.cli.terminal.output import say

# An application that is started together with the player begins to record within this time.
_LISTENS_WITHIN = 1.0  # seconds


class PlayWarnings:
    """Warnings of a muted microphone, of missing listeners and of gaps: each once, in one line."""

    def __init__(self, microphone: vmic.VirtualMicrophoneDevice, player: Player) -> None:
        """Monitor what `player` plays into `microphone`."""
        self._microphone, self._player = microphone, player
        self._heard_at = time.monotonic()  # when an application listened last, or playing began
        self._was_heard = self._told_muted = self._told_unheard = False

    def look(self) -> None:
        """Warn of the problems that exist now. This does not block."""
        name, now = self._microphone.name, time.monotonic()
        if self._microphone.muted and not self._told_muted:
            self._told_muted = True
            remedy = f"pactl set-source-mute {self._microphone.source_name} 0"
            silent = f"microphone {name!r} is muted: applications hear silence"
            say(f"warning: {silent}. To unmute it, run {remedy}")
        if self._player.paused or self._microphone.wait_for_listener(timeout=0):
            self._heard_at = now
            self._was_heard |= not self._player.paused
        elif now - self._heard_at > _LISTENS_WITHIN:
            self._warn_unheard()

    def finish(self) -> None:
        """Warn of the problems that are certain only after all is played."""
        if self._microphone.stats.frames_written:
            _ = self._microphone.listeners  # waits until the server has reported them
            self.look()
            if not self._was_heard:
                self._warn_unheard()
        if gaps := self._player.gaps():
            say(f"warning: the sound had {gaps} gap{'s'[: gaps > 1]}: this machine was too busy")

    def _warn_unheard(self) -> None:
        if not self._told_unheard:
            self._told_unheard = True
            say(
                f"warning: no application records microphone {self._microphone.name!r}: "
                "select it as the microphone in the application"
            )
