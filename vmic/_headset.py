"""A headset: a microphone and a speaker of one name."""

from __future__ import annotations

import contextlib
from types import TracebackType

from vmic._microphone import VirtualMicrophoneDevice
from vmic._speaker import VirtualSpeakerDevice
from vmic._virtual_device import ContextDevice


class Headset(ContextDevice):
    """A microphone and a speaker of one name, from `create_headset`.

    It is a context manager, for ``with`` and ``async with``, which closes both.
    """

    __module__ = "vmic"

    def __init__(self, microphone: VirtualMicrophoneDevice, speaker: VirtualSpeakerDevice) -> None:
        """Do not call this: use `create_headset`."""
        self._microphone, self._speaker = microphone, speaker

    @property
    def name(self) -> str:
        """Return the name of both."""
        return self._microphone.name

    @property
    def microphone(self) -> VirtualMicrophoneDevice:
        """Return the microphone, which applications record."""
        return self._microphone

    @property
    def speaker(self) -> VirtualSpeakerDevice:
        """Return the speaker, which applications play to."""
        return self._speaker

    def close(self) -> None:
        """Drain the microphone, then close both."""
        self.__exit__(None, None, None)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.ExitStack() as both:
            both.callback(self._speaker.close)
            self._microphone.__exit__(kind, error, trace)

    def __repr__(self) -> str:
        return f"<Headset {self._microphone!r}, {self._speaker!r}>"
