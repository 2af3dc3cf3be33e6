"""Take part in a call with the machine's own microphone and speaker, as daily-python's PyAudio demo does."""

from __future__ import annotations

import sys
import threading
from typing import Any

import sounddevice

from vmic import CallClient, Daily

RATE, BLOCK = 16000, 320


def main() -> None:
    """Join, and carry sound in both directions until standard input ends."""
    Daily.init()
    microphone = Daily.create_microphone_device("call-mic", sample_rate=RATE, channels=1, non_blocking=True)
    speaker = Daily.create_speaker_device("call-speaker", sample_rate=RATE, channels=1)
    Daily.select_speaker_device("call-speaker")
    client, joined = CallClient(), threading.Event()
    settings = {"inputs": {"microphone": {"isEnabled": True, "settings": {"deviceId": "call-mic"}}}}
    client.join(sys.argv[1], client_settings=settings, completion=lambda *_: joined.set())
    joined.wait()

    def record(block: Any, *_: object) -> None:
        microphone.write_frames(bytes(block))

    form = {"samplerate": RATE, "blocksize": BLOCK, "channels": 1, "dtype": "int16", "device": "pulse"}
    over = threading.Event()

    def await_end() -> None:
        sys.stdin.read()
        over.set()

    threading.Thread(target=await_end, daemon=True).start()
    with sounddevice.RawInputStream(callback=record, **form), sounddevice.RawOutputStream(**form) as output:
        print("joined", flush=True)
        while not over.is_set():
            output.write(speaker.read_frames(BLOCK))
    client.leave()
    client.release()


main()
