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
        """Note a participant that can be heard; then the timed demo of daily-python begins."""
        if not participant["info"]["isLocal"] and participant["media"]["microphone"]["state"] == "playable":
            with self.changed:
                self.playable.append(participant["id"])
                self.changed.notify_all()

    def on_audio(self, _participant: str, audio: AudioData, _source: str) -> None:
        """Keep the sound of the participant."""
        with self.changed:
            self.heard += audio.audio_frames
            self.changed.notify_all()

    def join(self, url: str) -> None:
        """Join, and wait until the join completes."""
        joined, errors = threading.Event(), []

        def note(_data: dict[str, Any] | None, error: str | None) -> None:
            errors.append(error)
            joined.set()

        self.client.join(url, completion=note)
        joined.wait()
        if errors[0]:
            sys.exit(errors[0])

    def rendered(self) -> bytes:
        """Return `SECONDS` seconds of the first playable participant, and then unset its renderer."""
        with self.changed:
            self.changed.wait_for(lambda: self.playable)
            self.client.set_audio_renderer(self.playable[0], self.on_audio, sample_rate=RATE)
            self.changed.wait_for(lambda: len(self.heard) >= 2 * SECONDS * RATE)
            self.client.set_audio_renderer(self.playable[0], None)
            return bytes(self.heard)


def hertz(frames: bytes) -> int:
    """Return the strongest frequency of the last second."""
    samples = np.frombuffer(frames, np.int16)[-RATE:]
    return int(np.abs(np.fft.rfft(samples * np.hanning(len(samples)))).argmax())


def main() -> None:
    """Receive sound as the arguments say."""
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
