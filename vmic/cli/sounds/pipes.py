"""Sound from a descriptor: samples without a header, and files that a decoder reads."""

from __future__ import annotations

import contextlib
import os
import select
import tempfile
import threading
from typing import TYPE_CHECKING

import vmic

if TYPE_CHECKING:
    from vmic.cli.sounds.sound import Block

RAW_FORMATS = {"s16le": "<i2", "s32le": "<i4", "f32le": "<f4"}
_FULL_SCALE = {"s16le": 32768, "s32le": 2147483648, "f32le": 1}
# Seconds that a reader waits for more samples.
_PATIENCE = 0.05
_CHUNK = 1 << 16
# The number of bytes at the beginning of a file that show its kind.
HEAD = 1024
# The most bytes that are saved to the disk, for kinds that a decoder cannot read from a pipe.
_LIMIT = 1 << 30
# For each kind of file: the bytes that show that another file begins, and their offset in that file.
JOINTS = {b"RIFF": (b"WAVEfmt ", 8), b"fLaC": (b"fLaC\0\0\0\x22", 0), b"OggS": (b"OggS\0\x02", 0)}
# An Ogg file begins each of its streams within this number of bytes.
JOINT_FROM = 512


class Raw:
    """Samples without a header, from a descriptor."""

    seconds: float | None = None
    seekable = False
    name = "standard input"
    layout = 0

    def __init__(self, descriptor: int, sample_rate: int, channels: int, sample_format: str) -> None:
        import numpy as np  # noqa: PLC0415

        self.sample_rate, self.channels = sample_rate, channels
        self._descriptor, self._rest = descriptor, b""
        self._type, self._full_scale = np.dtype(RAW_FORMATS[sample_format]), _FULL_SCALE[sample_format]

    def read(self, frames: int) -> Block | None:
        """Return at most `frames` frames: an empty block at the end, None if none come for a moment."""
        import numpy as np  # noqa: PLC0415

        size = self._type.itemsize * self.channels
        data = self._rest
        while len(data) < size and select.select([self._descriptor], [], [], _PATIENCE)[0]:
            more = os.read(self._descriptor, frames * size)
            data += more
            if not more and data:
                raise vmic.VmicError(
                    f"{self.name} ended within a frame: the last frame must have {size} bytes, got "
                    f"{len(data)}"
                )
            if not more:
                return np.zeros((0, self.channels), np.float32)
        whole = len(data) - len(data) % size
        self._rest = data[whole:]
        samples = np.frombuffer(data[:whole], self._type).reshape(-1, self.channels)
        return samples.astype(np.float32) / np.float32(self._full_scale) if whole else None

    def seek(self, seconds: float) -> None:
        """Raise NotImplementedError, because `seekable` is False."""
        raise NotImplementedError

    def close(self) -> None:
        """Leave standard input open."""


class PipeWriter:
    """A thread that copies a file from one descriptor to another, up to where another file begins in it.

    Attributes:
        remainder: The beginning of that other file; empty at the end.
    """

    def __init__(self, source: int, head: bytes, target: int) -> None:
        """Start to write `head` and the rest of `source` to `target`, which the thread closes at the end."""
        self.remainder = b""
        self._source, self._head, self._target = os.dup(source), head, target
        # A daemon, because nothing interrupts a thread that waits in read(2), not even Ctrl-C.
        self._thread = threading.Thread(target=self._run, name="vmic-feed", daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait until all is written, or the reader has closed its end."""
        self._thread.join()

    def _run(self) -> None:
        marker, before = JOINTS.get(self._head[:4], (b"", 0))
        data, begin = with_unknown_length(self._head), JOINT_FROM
        # The decoder may exit before its input ends.
        with (
            contextlib.suppress(BrokenPipeError),
            os.fdopen(self._source, "rb", buffering=0) as source,
            os.fdopen(self._target, "wb", buffering=0) as out,
        ):
            while (at := data.find(marker, begin) if marker else -1) < 0:
                end = max(0, len(data) - len(marker) - before)
                out.write(data[:end])
                more = source.read(_CHUNK)
                if not more:
                    out.write(data[end:])
                    return
                data, begin = data[end:] + more, max(0, begin - end)
            out.write(data[: at - before])
            self.remainder = data[at - before :]


def fill(descriptor: int, data: bytes, size: int) -> bytes:
    """Return `data`, extended from the descriptor to at least `size` bytes or to the end."""
    while len(data) < size and (more := os.read(descriptor, _CHUNK)):
        data += more
    return data


def without_tag(descriptor: int, head: bytes) -> bytes:
    """Return the beginning of a file without its ID3 tag, which may hold a picture of any size."""
    if head[:3] != b"ID3":
        return head
    size = 10 + sum((byte & 127) << 7 * index for index, byte in enumerate(reversed(head[6:10])))
    return fill(descriptor, head, size + HEAD)[size:]


def spool(descriptor: int, head: bytes, name: str) -> int:
    """Return the descriptor of a file on the disk that holds `head` and all that follows.

    Raises:
        VmicError: The file is longer than 1 GiB.
    """
    with tempfile.TemporaryFile() as file:
        while head:
            file.write(head)
            if file.tell() > _LIMIT:
                raise vmic.VmicError(
                    f"cannot play {name}: a file of this kind must be read to its end before it can be "
                    "played, and it is longer than 1 GiB. Save it to a file, and play that file"
                )
            head = os.read(descriptor, _CHUNK)
        file.seek(0)
        return os.dup(file.fileno())


def with_unknown_length(head: bytes) -> bytes:
    """Return the beginning of a file, with the length marked as unknown in a WAV that has the length 0."""
    at = head.find(b"data") + 4 if head[8:12] == b"WAVE" else 0
    return head[:at] + b"\xff" * 4 + head[at + 4 :] if head[at : at + 4] == bytes(4) and at > 4 else head
