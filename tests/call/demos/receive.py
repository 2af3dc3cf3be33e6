"""Receive a call's sound as daily-python's demos do: receive.py wav|raw|stt|vad|timed|unset URL [FILE]."""

from __future__ import annotations

import sys
import threading
import wave
from typing import Any

import numpy as np

from vmic import AudioData, CallClient, Daily, EventHandler

RATE = 16000
SECONDS = 2


class Receiver(EventHandler):
    """A client that only listens."""

    def __init__(self) -> None:
        super().__init__()
        self.client = CallClient(event_handler=self)
        self.client.update_subscription_profiles(
            {"base": {"camera": "unsubscribed", "microphone": "subscribed"}}
        )
        self.playable: list[str] = []
        self.heard = bytearray()
        self.changed = threading.Condition()

    def on_participant_updated(self, participant: dict[str, Any]) -> None:
        """As daily-python's timed demo: it begins when somebody can be heard."""
        if not participant["info"]["isLocal"] and participant["media"]["microphone"]["state"] == "playable":
            with self.changed:
                self.playable.append(participant["id"])
                self.changed.notify_all()

    def on_audio(self, _participant: str, audio: AudioData, _source: str) -> None:
        """What that one says."""
        with self.changed:
            self.heard += audio.audio_frames
            self.changed.notify_all()

    def join(self, url: str) -> None:
        """Join, and wait for it."""
        joined, errors = threading.Event(), []

        def note(_data: dict[str, Any] | None, error: str | None) -> None:
            errors.append(error)
            joined.set()

        self.client.join(url, completion=note)
        joined.wait()
        if errors[0]:
            sys.exit(errors[0])

    def rendered(self) -> bytes:
        """What the first one that is playable says, for so many seconds; its renderer is unset then."""
        with self.changed:
            self.changed.wait_for(lambda: self.playable)
            self.client.set_audio_renderer(self.playable[0], self.on_audio, sample_rate=RATE)
            self.changed.wait_for(lambda: len(self.heard) >= 2 * SECONDS * RATE)
            self.client.set_audio_renderer(self.playable[0], None)
            return bytes(self.heard)


def hertz(frames: bytes) -> int:
    """The strongest frequency of a second."""
    samples = np.frombuffer(frames, np.int16)[-RATE:]
    return int(np.abs(np.fft.rfft(samples * np.hanning(len(samples)))).argmax())


def main() -> None:
    """Receive what the arguments say."""
    kind, url, *path = sys.argv[1:]
    Daily.init()
    speaker = Daily.create_speaker_device("my-speaker", sample_rate=RATE, channels=1)
    if kind not in ("timed", "unset"):
        Daily.select_speaker_device("my-speaker")
    receiver = Receiver()
    receiver.join(url)
    print("joined", flush=True)
    sys.stdin.readline()
    if kind in ("timed", "unset"):
        frames = receiver.rendered()
    else:
        frames = b"".join(speaker.read_frames(RATE // 10) for _ in range(SECONDS * 10))
    if kind == "raw":
        sys.stdout.buffer.write(frames)
    elif kind == "stt":  # a recognizer that knows tones
        print(hertz(frames))
    elif kind == "vad":
        vad = Daily.create_native_vad(1000, RATE, 1)
        parts = [frames[at : at + RATE // 50] for at in range(0, len(frames), RATE // 50)]
        print(float(np.median([vad.analyze_frames(part) for part in parts])))
    else:
        with wave.open(path[0], "wb") as file:
            file.setparams((1, 2, RATE, 0, "NONE", ""))
            file.writeframes(frames)
    receiver.client.leave()
    receiver.client.release()


main()
