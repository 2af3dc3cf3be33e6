"""A headset: a microphone and a speaker with the same name."""

from __future__ import annotations

import contextlib
from types import TracebackType

from vmic._microphone import VirtualMicrophoneDevice
from vmic._speaker import VirtualSpeakerDevice
from vmic._virtual_device import ContextDevice


class Headset(ContextDevice):
    """A microphone and a speaker with the same name. `create_headset` returns this object.

    The end of a ``with`` or ``async with`` block closes both devices.
    """

    __module__ = "vmic"

    def __init__(self, microphone: VirtualMicrophoneDevice, speaker: VirtualSpeakerDevice) -> None:
        """Do not call this: use `create_headset`."""
        self._microphone, self._speaker = microphone, speaker

    @property
    def name(self) -> str:
        """Return the name of both devices."""
        return self._microphone.name

    @property
    def microphone(self) -> VirtualMicrophoneDevice:
        """Return the microphone, which the program writes to and applications record."""
        return self._microphone

    @property
    def speaker(self) -> VirtualSpeakerDevice:
        """Return the speaker, which applications play to and the program reads."""
        return self._speaker

    def close(self) -> None:
        """Drain the microphone, then remove both devices. A second call does nothing."""
        self.__exit__(None, None, None)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.ExitStack() as both:
            both.callback(self._speaker.close)
            self._microphone.__exit__(kind, error, trace)

    def __repr__(self) -> str:
        return f"<Headset {self._microphone!r}, {self._speaker!r}>"
