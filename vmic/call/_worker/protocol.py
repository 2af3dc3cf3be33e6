"""The messages between the program's process and the worker process: JSON, optionally followed by sound."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import Any

Message = dict[str, Any]
_SIZES = struct.Struct("=II")


def packed(message: Message, sound: bytes = b"") -> bytes:
    text = json.dumps(message).encode()
    return _SIZES.pack(len(text), len(sound)) + text + sound


class Unpacker:
    """A decoder that splits a stream of bytes into messages."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def take(self, data: bytes) -> Iterator[tuple[Message, bytes]]:
        """Yield the messages that `data` completes, each with its sound."""
        self._rest += data
        while len(self._rest) >= _SIZES.size:
            text, sound = _SIZES.unpack_from(self._rest)
            middle, end = _SIZES.size + text, _SIZES.size + text + sound
            if len(self._rest) < end:
                return
            message = json.loads(self._rest[_SIZES.size : middle])
            payload = bytes(self._rest[middle:end])
            del self._rest[:end]
            yield message, payload
