"""A tone into a call: python examples/tone.py ADDRESS [SECONDS]."""

import queue
import sys

import numpy as np

from vmic import CallClient, Daily

RATE = 16000


def main(address: str, seconds: float = 5.0) -> None:
    """Join, play, leave."""
    Daily.init()
    microphone = Daily.create_microphone_device("tone", sample_rate=RATE, channels=1)
    client = CallClient()
    inputs = {"microphone": {"isEnabled": True, "settings": {"deviceId": microphone.name}}}
    joined: queue.Queue[str | None] = queue.Queue()
    client.join(
        address, client_settings={"inputs": inputs}, completion=lambda _data, error: joined.put(error)
    )
    try:
        if error := joined.get():
            sys.exit(f"cannot join: {error}")
        t = np.arange(int(seconds * RATE)) / RATE
        microphone.write_frames(0.5 * np.sin(2 * np.pi * 440 * t))
    finally:
        client.release()


if __name__ == "__main__":
    main(sys.argv[1], *map(float, sys.argv[2:]))
