"""PCM: conversion of the arguments of `write_frames` to 16-bit interleaved bytes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypeAlias, Union

if TYPE_CHECKING:
    from collections.abc import Buffer  # type: ignore[attr-defined,unused-ignore]

    import numpy as np

Frames: TypeAlias = Union["bytes", "bytearray", "memoryview", "np.ndarray[Any, Any]", "Buffer"]

SAMPLE_SIZE = 2
# vmic does not import NumPy for programs that do not use it. A program that has an array has imported it.

_FULL_SCALE = 32768.0


def as_frames(frames: object, channels: int) -> tuple[memoryview, int]:
    """Return `frames` as a flat memoryview of bytes, and the number of frames.

    Args:
        frames: bytes, bytearray, memoryview or another contiguous buffer of 16-bit samples, native byte
            order, interleaved; or a NumPy array of int16, float32 or float64 (-1..1, clipped), of shape
            (n,) for interleaved samples or (n, channels). The bytes of a buffer are not copied.
        channels: Samples per frame.

    Raises:
        TypeError: `frames` is not a buffer, or its numbers have another type.
        ValueError: `frames` does not divide into whole frames, or has another shape.
    """
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(frames, numpy.ndarray):
        view = memoryview(_array_to_pcm(frames, channels))
    else:
        view = _buffer_to_pcm(frames)
    if view.nbytes % (SAMPLE_SIZE * channels):
        # The message begins with the words of daily-python, because programs match on them.
        raise ValueError(
            "frames bytestring should contain 16-bit samples"
            f": the length must be a multiple of {SAMPLE_SIZE * channels} bytes"
            f" ({SAMPLE_SIZE} bytes per sample, channels={channels}), got {view.nbytes} bytes"
        )
    return view, view.nbytes // (SAMPLE_SIZE * channels)


def _buffer_to_pcm(frames: object) -> memoryview:
    try:
        view = memoryview(frames)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(
            "frames must be bytes, bytearray, memoryview, another buffer or a NumPy array,"
            f" got {type(frames).__name__}"
        ) from None
    if view.format not in ("B", "b", "c", "h", "@h", "=h", "<h" if sys.byteorder == "little" else ">h"):
        raise TypeError(f"frames must be 16-bit samples, got a buffer of format {view.format!r}")
    if not view.c_contiguous:
        raise ValueError("frames must be a contiguous buffer, got a buffer that is not contiguous")
    # memoryview.cast does not accept a shape with a zero in it.
    return view.cast("B") if view.nbytes else memoryview(b"")


def _array_to_pcm(array: Any, channels: int) -> Any:
    """Return the bytes of `array` as C-contiguous int16 samples in native byte order, flattened."""
    import numpy as np  # noqa: PLC0415 (not for programs without NumPy)

    if array.ndim not in (1, 2) or (array.ndim == 2 and array.shape[1] != channels):
        raise ValueError(
            f"an array of frames must have shape (n,) or (n, {channels}), got shape {array.shape}"
        )
    if array.dtype.newbyteorder("=") == np.int16:
        samples = array
    elif array.dtype.newbyteorder("=") in (np.float32, np.float64):
        samples = _floats_to_int16(array)
    else:
        raise TypeError(f"an array of frames must have dtype int16, float32 or float64, got {array.dtype}")
    return np.ascontiguousarray(samples, dtype=np.int16).reshape(-1).view(np.uint8)


def _floats_to_int16(array: Any) -> Any:
    import numpy as np  # noqa: PLC0415

    if not np.isfinite(array).all():
        raise ValueError("an array of frames must contain finite numbers, got NaN or infinity")
    # Clip first, because the largest numbers would overflow.
    scaled = np.rint(np.clip(array, -1.0, 1.0) * _FULL_SCALE)
    return np.minimum(scaled, _FULL_SCALE - 1).astype(np.int16)
