"""What is played from a pipe: samples without a header, and whatever keeps its reader waiting."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import vmic

if TYPE_CHECKING:
    from vmic.cli._sounds import Block, Sound

# Blocks of a pipe that wait to be played: while they are being played the pipe's writer is not held up.
_BLOCKS_AHEAD = 20

# Seconds that a reader is kept waiting for the next block.
_PATIENCE = 0.05

RAW_FORMATS = {"s16le": "<i2", "s32le": "<i4", "f32le": "<f4"}
_FULL_SCALE = {"s16le": 32768, "s32le": 2147483648, "f32le": 1}


class Raw:
    """Samples without a header, from a descriptor."""

    seconds: float | None = None
    seekable = False
    name = "standard input"

    def __init__(self, descriptor: int, sample_rate: int, channels: int, sample_format: str) -> None:
        import numpy as np  # noqa: PLC0415

        self.sample_rate, self.channels = sample_rate, channels
        self._descriptor, self._rest = descriptor, b""
        self._type, self._full_scale = np.dtype(RAW_FORMATS[sample_format]), _FULL_SCALE[sample_format]

    def read(self, frames: int) -> Block:
        import numpy as np  # noqa: PLC0415

        size = self._type.itemsize * self.channels
        data = self._rest
        # What is there is played, not held back until a block is full.
        while len(data) < size and (more := os.read(self._descriptor, frames * size)):
            data += more
        whole = len(data) - len(data) % size
        self._rest = data[whole:]
        if self._rest and not whole:
            raise vmic.VmicError(
                f"standard input ended within a frame: {len(self._rest)} bytes are left of one of {size}"
            )
        samples = np.frombuffer(data[:whole], self._type).reshape(-1, self.channels)
        return samples.astype(np.float32) / np.float32(self._full_scale)

    def seek(self, seconds: float) -> None:
        raise NotImplementedError

    def close(self) -> None:
        pass


class Piped:
    """A sound that may keep its reader waiting: a thread of its own does the waiting."""

    seekable = False
    seconds: float | None = None

    def __init__(self, open_it: Callable[[], Sound]) -> None:
        """Open it, and begin to read.

        Raises:
            VmicError: It cannot be played.
        """
        self._blocks: queue.Queue[Block | BaseException] = queue.Queue(_BLOCKS_AHEAD)
        self._ended: Block | None = None
        opened: queue.SimpleQueue[Sound | BaseException] = queue.SimpleQueue()
        # A daemon: who waits in read(2) hears of nothing else, Ctrl-C included; libsndfile reads again.
        threading.Thread(target=self._pump, args=(open_it, opened), name="vmic-pipe", daemon=True).start()
        sound = opened.get()
        if isinstance(sound, BaseException):
            raise sound
        self.name, self.sample_rate, self.channels = sound.name, sound.sample_rate, sound.channels

    def _pump(self, open_it: Callable[[], Sound], opened: queue.SimpleQueue[Sound | BaseException]) -> None:
        try:
            sound = open_it()
        except (vmic.VmicError, OSError) as error:
            opened.put(error)
            return
        opened.put(sound)
        # libsndfile waits until it has all that it is asked for.
        size = max(1, sound.sample_rate // 50)
        while True:
            try:
                block = sound.read(size)
            except (vmic.VmicError, OSError) as error:
                self._blocks.put(error)
                return
            assert block is not None  # it waits
            self._blocks.put(block)
            if not len(block):
                return

    def read(self, frames: int) -> Block | None:  # noqa: ARG002 (as much as there is at a time)
        if self._ended is not None:
            return self._ended
        try:
            block = self._blocks.get(timeout=_PATIENCE)
        except queue.Empty:
            return None
        if isinstance(block, BaseException):
            raise block
        if not len(block):
            self._ended = block
        return block

    def seek(self, seconds: float) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """Leave the pipe to the thread, which may be waiting in it."""
