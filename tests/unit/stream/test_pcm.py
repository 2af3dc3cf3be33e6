"""The inputs that write_frames accepts, and the 16-bit samples that they become."""

from __future__ import annotations

import array
import ctypes
import mmap
import re
import struct
import sys
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmic._stream.pcm import as_frames

DAILYS_WORDS = "frames bytestring should contain 16-bit samples"
SAMPLES = [0, 1, -1, 258, 32767, -32768]
PCM = struct.pack("=6h", *SAMPLES)
# Any, because NumPy's stubs declare the buffer protocol for some Pythons only.
INT16: Any = np.array(SAMPLES, np.int16)
LITTLE = sys.byteorder == "little"
SWAPPED = ">i2" if LITTLE else "<i2"
CTYPES_SWAPPED = ctypes.c_int16.__ctype_be__ if LITTLE else ctypes.c_int16.__ctype_le__

FLOATS = [0.0, 0.5, -0.5, 1.0, -1.0, 32767 / 32768, 1 / 32768, 0.4 / 32768, 0.6 / 32768]
AS_INT16 = [0, 16384, -16384, 32767, -32768, 32767, 1, 0, 1]


def samples(frames: object, channels: int = 1) -> list[int]:
    view, count = as_frames(frames, channels)
    assert (view.ndim, view.itemsize, view.nbytes) == (1, 1, count * channels * 2)
    return list(np.frombuffer(view, np.int16).tolist())


def mapped() -> mmap.mmap:
    memory = mmap.mmap(-1, len(PCM))
    memory.write(PCM)
    return memory


BUFFERS: dict[str, object] = {
    "bytes": PCM,
    "bytearray": bytearray(PCM),
    "memoryview": memoryview(PCM),
    "memoryview of int16": memoryview(PCM).cast("h"),
    "memoryview of char": memoryview(PCM).cast("c"),
    "memoryview of two dimensions": memoryview(PCM).cast("B", (3, 4)),
    "slice of a memoryview": memoryview(b"x" + PCM + b"x")[1:-1],
    "read-only memoryview": memoryview(bytearray(PCM)).toreadonly(),
    "array.array": array.array("h", SAMPLES),
    "ctypes": (ctypes.c_int16 * 6)(*SAMPLES),
    "mmap": mapped(),
    "memoryview of NumPy": memoryview(INT16.reshape(3, 2)),
}


@pytest.mark.parametrize("kind", BUFFERS)
@pytest.mark.parametrize("channels", [1, 2, 3, 6])
def test_every_buffer_of_16_bit_samples(kind: str, channels: int) -> None:
    assert samples(BUFFERS[kind], channels) == SAMPLES


def test_a_buffer_is_not_copied() -> None:
    buffer = bytearray(PCM)
    view, _ = as_frames(buffer, 1)
    buffer[0] = 99
    assert view[0] == 99


ARRAYS: dict[str, npt.NDArray[Any]] = {
    "flat": INT16,
    "one column": INT16.reshape(6, 1),
    "every other": np.repeat(INT16, 2)[::2],
    "backwards": INT16[::-1].copy()[::-1],
    "a column of two": np.stack([INT16, INT16 + 1], axis=1)[:, :1],
    "a column of two, flat": np.stack([INT16, INT16 + 1], axis=1)[:, 0],
    "other byte order": INT16.astype(SWAPPED),
    "read-only": np.frombuffer(PCM, np.int16),
    "not aligned": np.frombuffer(b"x" + PCM, np.uint8)[1:].view(np.int16),
}


@pytest.mark.parametrize("kind", ARRAYS)
def test_every_array_of_int16(kind: str) -> None:
    assert samples(ARRAYS[kind]) == SAMPLES


@pytest.mark.parametrize(
    "stereo",
    [INT16, INT16.reshape(3, 2), np.asfortranarray(INT16.reshape(3, 2)), INT16.reshape(2, 3).T.copy().T.T],
    ids=["interleaved", "columns", "Fortran's order", "transposed"],
)
def test_the_channels_of_an_array_are_its_columns(stereo: npt.NDArray[np.int16]) -> None:
    assert samples(stereo, 2) == stereo.reshape(-1).tolist()


@pytest.mark.parametrize("dtype", ["=f4", "=f8", ">f4", "<f8", ">f8"])
def test_floats_are_scaled_and_rounded(dtype: str) -> None:
    assert samples(np.array(FLOATS, dtype)) == AS_INT16
    assert samples(np.array(FLOATS, dtype).repeat(2)[::2]) == AS_INT16


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floats_beyond_one_are_clipped(dtype: Any) -> None:
    largest = float(np.finfo(dtype).max)
    floats = np.array([1.00001, 2, largest, -1.00001, -2, -largest], dtype)
    assert samples(floats) == [32767] * 3 + [-32768] * 3
    assert floats[1] == 2  # the user's own array is unchanged


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_number_is_no_sample(bad: float, dtype: Any) -> None:
    with pytest.raises(ValueError, match="got NaN or infinity"):
        as_frames(np.array([0, bad], dtype), 1)


@given(st.lists(st.integers(-32768, 32767), max_size=50))
def test_every_int16_survives_as_a_float(numbers: list[int]) -> None:
    for dtype in ("f4", "f8"):
        assert samples((np.array(numbers) / 32768).astype(dtype)) == numbers


@pytest.mark.parametrize(
    "empty",
    [
        b"",
        bytearray(),
        memoryview(b""),
        memoryview(b"").cast("h"),
        memoryview(INT16.reshape(1, 6)[:0]),
        array.array("h"),
        np.zeros(0, np.int16),
        np.zeros((0, 2), np.int16),
        np.zeros((0, 2), np.float32),
    ],
    ids=lambda empty: f"{type(empty).__name__} {getattr(empty, 'shape', '')}",
)
def test_nothing_is_no_frames(empty: object) -> None:
    assert samples(empty, 2) == []


@pytest.mark.parametrize(("size", "channels"), [(1, 1), (3, 1), (2, 2), (6, 2), (63, 32), (66, 32)])
@pytest.mark.parametrize("kind", [bytes, bytearray, lambda size: memoryview(bytes(size))])
def test_what_is_no_whole_number_of_frames(kind: Any, size: int, channels: int) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(DAILYS_WORDS)}: .* got {size} bytes$") as caught:
        as_frames(kind(size), channels)
    assert f"multiple of {2 * channels} " in str(caught.value)


def test_a_flat_array_of_half_a_frame() -> None:
    with pytest.raises(ValueError, match=f"^{DAILYS_WORDS}: .* got 10 bytes$"):
        as_frames(np.zeros(5, np.int16), 2)


@given(st.binary(max_size=40), st.integers(1, 32))
def test_bytes_are_frames_or_an_error(pcm: bytes, channels: int) -> None:
    if len(pcm) % (2 * channels):
        with pytest.raises(ValueError, match=f"^{DAILYS_WORDS}"):
            as_frames(pcm, channels)
    else:
        view, count = as_frames(pcm, channels)
        assert (bytes(view), count) == (pcm, len(pcm) // 2 // channels)


@pytest.mark.parametrize(
    ("shape", "channels"),
    [((), 1), ((6, 2), 1), ((6, 1), 2), ((2, 6), 2), ((0, 3), 2), ((6, 2, 1), 2), ((1, 6, 2), 2)],
)
@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_arrays_of_another_shape(shape: tuple[int, ...], channels: int, dtype: Any) -> None:
    with pytest.raises(ValueError, match=rf"shape \(n,\) or \(n, {channels}\), .* {re.escape(str(shape))}"):
        as_frames(np.zeros(shape, dtype), channels)


@pytest.mark.parametrize(
    "dtype", ["i1", "u1", "u2", "i4", "i8", "f2", "c8", "?", "S2", "U1", "O", "M8[s]", [("left", "i2")]]
)
def test_arrays_of_another_dtype(dtype: Any) -> None:
    with pytest.raises(TypeError, match="must have dtype int16, float32 or float64, got"):
        as_frames(np.zeros(4, dtype), 1)


@pytest.mark.parametrize(
    "buffer",
    [
        array.array("H", [1, 2]),
        array.array("i", [1, 2]),
        array.array("f", [0.5]),
        (CTYPES_SWAPPED * 2)(1, 2),
        array.array("d", [0.5]),
        memoryview(INT16.astype(np.float32)),
    ],
    ids=lambda buffer: memoryview(buffer).format,
)
def test_buffers_of_other_numbers(buffer: Any) -> None:
    kind = memoryview(buffer).format
    with pytest.raises(TypeError, match=f"16-bit samples, got a buffer of format '{kind}'"):
        as_frames(buffer, 1)


@pytest.mark.parametrize(
    "buffer",
    [memoryview(PCM)[::2], memoryview(PCM)[::-1], memoryview(INT16)[::2], memoryview(INT16.reshape(2, 3).T)],
)
def test_buffers_with_holes(buffer: memoryview) -> None:
    with pytest.raises(ValueError, match="a buffer that is not contiguous"):
        as_frames(buffer, 1)


@pytest.mark.parametrize("thing", [None, "text", 5, 0.5, [1, 2], (1, 2), range(4), iter(b"ab"), object()])
def test_what_is_no_buffer(thing: object) -> None:
    with pytest.raises(TypeError, match=f"or a NumPy array, got {type(thing).__name__}$"):
        as_frames(thing, 1)
