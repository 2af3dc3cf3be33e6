"""The devices that `Daily` creates: they also take the argument names of daily-python's documentation."""

from __future__ import annotations

from typing import TypeVar

from vmic import _microphone, _speaker
from vmic._stream.completions import Completion
from vmic._stream.pcm import Frames
from vmic._stream.read_queue import Callback

T = TypeVar("T")


class VirtualMicrophoneDevice(_microphone.VirtualMicrophoneDevice):
    """A `vmic.VirtualMicrophoneDevice` whose writes also take ``frame``."""

    def write_frames(
        self,
        frames: Frames | None = None,
        completion: Completion | None = None,
        *,
        timeout: float = 5.0,
        frame: Frames | None = None,
    ) -> int:
        """Write audio, as `vmic.VirtualMicrophoneDevice` does; ``frame`` is the same as ``frames``."""
        return super().write_frames(_one("frames", frames, frame), completion, timeout=timeout)

    async def write_frames_async(
        self,
        frames: Frames | None = None,
        completion: Completion | None = None,
        *,
        timeout: float = 5.0,
        frame: Frames | None = None,
    ) -> int:
        """Write audio without blocking the event loop; ``frame`` is the same as ``frames``."""
        return await super().write_frames_async(_one("frames", frames, frame), completion, timeout=timeout)


class VirtualSpeakerDevice(_speaker.VirtualSpeakerDevice):
    """A `vmic.VirtualSpeakerDevice` whose reads also take ``num_frame``."""

    def read_frames(
        self,
        num_frames: int | None = None,
        completion: Callback | None = None,
        *,
        timeout: float = 5.0,
        num_frame: int | None = None,
    ) -> bytes:
        """Read audio, as `vmic.VirtualSpeakerDevice` does; ``num_frame`` is the same as ``num_frames``."""
        return super().read_frames(_one("num_frames", num_frames, num_frame), completion, timeout=timeout)

    async def read_frames_async(
        self,
        num_frames: int | None = None,
        completion: Callback | None = None,
        *,
        timeout: float = 5.0,
        num_frame: int | None = None,
    ) -> bytes:
        """Read audio without blocking the event loop; ``num_frame`` is the same as ``num_frames``."""
        count = _one("num_frames", num_frames, num_frame)
        return await super().read_frames_async(count, completion, timeout=timeout)


def _one(name: str, value: T | None, alias: T | None) -> T:
    """Return the argument that was given under one of its two names.

    Raises:
        TypeError: None was given, or both.
    """
    if value is not None and alias is None:
        return value
    if alias is not None and value is None:
        return alias
    raise TypeError(f"{name} must be given exactly once: as the first argument, {name}= or {name[:-1]}=")
