"""Send sound to a call as daily-python's demos do: send.py wav|async|raw|tts URL [FILE]."""

from __future__ import annotations

import sys
import threading
import wave
from collections.abc import Iterator
from typing import Any

import numpy as np

from vmic import CallClient, Daily, EventHandler, VirtualMicrophoneDevice

RATE = 16000


def pieces(kind: str, path: str | None) -> Iterator[bytes]:
    """Yield the sound, 0.1 s at a time."""
    if kind == "raw":
        while piece := sys.stdin.buffer.read(RATE // 10 * 2):
            yield piece
    elif kind == "tts":  # a synthesizer whose voice is a sine
        for number in range(20):
            t = (np.arange(RATE // 10) + number * RATE // 10) / RATE
            yield (16000 * np.sin(2 * np.pi * 1000 * t)).astype(np.int16).tobytes()
    else:
        assert path
        with wave.open(path) as file:
            while piece := file.readframes(RATE // 10):
                yield piece


class Sender(EventHandler):
    """A client that sends one sound."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.microphone: VirtualMicrophoneDevice = Daily.create_microphone_device(
            "my-mic", sample_rate=RATE, channels=1, non_blocking=kind == "async"
        )
        self.client = CallClient(event_handler=self)
        self.client.update_subscription_profiles(
            {"base": {"camera": "unsubscribed", "microphone": "unsubscribed"}}
        )
        self.joined, self.sent = threading.Event(), threading.Event()
        self.error: str | None = None

    def join(self, url: str) -> None:
        """Join, and wait until the join completes."""
        microphone = {"isEnabled": True, "settings": {"deviceId": "my-mic"}}
        settings = {"inputs": {"camera": False, "microphone": microphone}}
        self.client.join(url, client_settings=settings, completion=self.on_joined)
        self.joined.wait()
        if self.error:
            sys.exit(self.error)

    def on_joined(self, _data: dict[str, Any] | None, error: str | None) -> None:
        """Keep the result of the join."""
        self.error = error
        self.joined.set()

    def send(self, sound: Iterator[bytes]) -> None:
        """Write piece after piece: each write blocks, or its completion writes the next piece."""
        if not self.microphone.non_blocking:
            for piece in sound:
                self.microphone.write_frames(piece)
            return

        def write_next(_count: int) -> None:
            piece = next(sound, None)
            if piece is None:
                self.sent.set()
            else:
                self.microphone.write_frames(piece, completion=write_next)

        write_next(0)
        self.sent.wait()

    def leave(self) -> None:
        """Leave the call, and release the client."""
        self.client.leave()
        self.client.release()


def main() -> None:
    """Send sound as the arguments say."""
    kind, url, *path = sys.argv[1:]
    Daily.init()
    sender = Sender(kind)
    sender.join(url)
    print("joined", flush=True)
    sys.stdin.buffer.readline()
    sender.send(pieces(kind, path[0] if path else None))
    sender.leave()


main()
