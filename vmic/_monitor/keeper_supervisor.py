"""The supervision of this process's keeper, and the guard of the devices until the keeper is ready."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from vmic._base.exception_log import log
from vmic._device.owner import Owner
from vmic._device.registry import Device
from vmic._keeper.client import KeeperClient
from vmic._keeper.guard import FOREIGN_STREAM, Guard
from vmic._pulse.server import Server
from vmic._pulse.subscription import ServerObserver

# A keeper that exits sooner than this would do so again.
_KEEPER_LIVES = 2.0
# What the guard here and the keeper both see while they change over, they see within this time.
_BOTH_SEE_IT = 0.5


class KeeperSupervisor:
    """The supervisor of the keeper. Only the monitor's thread uses it.

    Attributes:
        keeper: The client of the keeper that runs, or None.
        is_wanted: Whether a keeper should run. False again if it cannot be started.
    """

    def __init__(
        self, observer: ServerObserver, hurry: Callable[[], None], tell: Callable[[str, str], None]
    ) -> None:
        """Supervise a keeper from `observer`, once `attend` is called.

        Args:
            observer: The monitor, whose thread waits for the keeper's messages.
            hurry: Makes the monitor's thread call `attend`.
            tell: Reports an event, and the token of the device that it is about.
        """
        self.keeper: KeeperClient | None = None
        self._observer, self._hurry, self._tell = observer, hurry, tell
        self._client_name = Owner.this_process().client_name
        self.is_wanted = False
        # Guards the devices until the keeper does, which takes 0.1 s, or 1 s on a busy machine. The creation
        # itself sets the volumes.
        self._guard: Guard | None = None
        self._reported: dict[str, float] = {}  # by a device's token, when `_guard` last reported a stream

    def attend(self) -> None:
        """Start the keeper if it is wanted. One that runs looks at the server, or is replaced if it hangs."""
        if self.keeper is not None and self.keeper.is_overdue:
            self._end_keeper("did not answer")
        elif self.keeper is not None:
            self.keeper.hurry()
        elif self.is_wanted:
            self._start_keeper()

    def end(self) -> None:
        """End the keeper, when no device is left."""
        if self.keeper is not None:
            self.keeper.end()

    # ---- the guard of the devices until the keeper is ready ----

    def react(self, server: Server, event: Any) -> None:
        """Handle an event of the server."""
        if self._guard is not None:
            self._guard.react(server, event)

    def note(self, server: Server, kind: str, index: int, info: Any) -> None:
        """Handle what the server shows of an object."""
        if self._guard is not None:
            self._guard.note(server, kind, index, info)

    def look(self, server: Server) -> None:
        """Correct what is wrong with the devices."""
        if self._guard is not None:
            self._guard.look(server, self._is_own)

    def lose(self) -> None:
        """Forget the state of the disconnected server."""
        if self._guard is not None:
            self._guard = Guard(self._report, holds_volumes=False)

    def _is_own(self, device: Device) -> bool:
        return device.owner is not None and device.owner.client_name == self._client_name

    def _report(self, device: Device, event: str) -> None:
        assert device.owner is not None
        self._reported[device.owner.token] = time.monotonic()
        self._tell(device.owner.token, event)

    # ---- the keeper ----

    def _start_keeper(self) -> None:
        try:
            self.keeper = KeeperClient(Owner.this_process(), self._hurry)
        except (OSError, ValueError) as error:
            self._do_without_keeper(str(error))
            return
        self._guard = Guard(self._report, holds_volumes=False)
        self._observer.wake_by(self.keeper.descriptor, self._hear_keeper)

    def _hear_keeper(self) -> None:
        assert self.keeper
        try:
            told = self.keeper.hear()
        except ValueError:
            self._end_keeper("sent an unexpected answer")
            return
        if told is None:
            self._end_keeper("exited immediately")
        elif self.keeper.is_ready:
            self._guard = None
        for token, event in told or ():
            both_saw_it = time.monotonic() - self._reported.get(token, -_BOTH_SEE_IT) < _BOTH_SEE_IT
            if event != FOREIGN_STREAM or not both_saw_it:
                self._tell(token, event)

    def _end_keeper(self, how: str) -> None:
        """Replace a keeper that has worked. Continue without a keeper if it never began to work."""
        assert self.keeper
        ended, self.keeper = self.keeper, None
        self._observer.ignore(ended.descriptor)
        code = ended.end()
        if ended.has_answered and time.monotonic() - ended.since > _KEEPER_LIVES:
            self._start_keeper()
        else:
            why = f"{ended.program} {how} (exit code {code}). Check that it is a Python interpreter"
            self._do_without_keeper(why)

    def _do_without_keeper(self, why: str) -> None:
        self.is_wanted = False
        self._guard = None
        log.error(
            "cannot start the keeper (watchdog process) of this program's devices: %s. Without a keeper, "
            "other programs can play into the devices, recordings can switch to another microphone, and the "
            "devices remain on the sound server if this program is killed",
            why,
        )
