"""The devices that `Daily` creates: they also accept the argument names of daily-python's documentation."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from vmic import _microphone, _speaker

T = TypeVar("T")


def _with_second_name(name: str, method: Callable[..., T]) -> Callable[..., T]:
    """Wrap `method` so that its first argument, `name`, can also be named without the final "s"."""
    second = name.removesuffix("s")

    @functools.wraps(method)
    def under_either_name(self: object, *arguments: Any, **named: Any) -> T:
        given = [*arguments[:1], *(named.pop(key) for key in (name, second) if key in named)]
        values = [value for value in given if value is not None]
        if len(values) != 1:
            raise TypeError(f"{name} must be given exactly once: as the first argument, {name}= or {second}=")
        return method(self, *values, *arguments[1:], **named)

    @functools.wraps(method)
    async def awaited(self: object, *arguments: Any, **named: Any) -> Any:
        result: Any = under_either_name(self, *arguments, **named)
        return await result

    return awaited if inspect.iscoroutinefunction(method) else under_either_name  # type: ignore[return-value]


class VirtualMicrophoneDevice(_microphone.VirtualMicrophoneDevice):
    """A `vmic.VirtualMicrophoneDevice` whose write methods also accept the argument name ``frame``."""

    write_frames = _with_second_name("frames", _microphone.VirtualMicrophoneDevice.write_frames)
    write_frames_async = _with_second_name("frames", _microphone.VirtualMicrophoneDevice.write_frames_async)


class VirtualSpeakerDevice(_speaker.VirtualSpeakerDevice):
    """A `vmic.VirtualSpeakerDevice` whose read methods also accept the argument name ``num_frame``."""

    read_frames = _with_second_name("num_frames", _speaker.VirtualSpeakerDevice.read_frames)
    read_frames_async = _with_second_name("num_frames", _speaker.VirtualSpeakerDevice.read_frames_async)
