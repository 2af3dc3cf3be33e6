"""Play a tone into a call: python examples/tone.py ADDRESS [SECONDS]."""

import argparse
import queue
import sys

import numpy as np

from vmic import CallClient, Daily

RATE = 16000


def main(address: str, seconds: float) -> None:
    """Join the call, play the tone, and leave."""
    Daily.init()
    microphone = Daily.create_microphone_device("tone", sample_rate=RATE, channels=1)
    client = CallClient()
    client.set_user_name("tone")
    inputs = {"microphone": {"isEnabled": True, "settings": {"deviceId": microphone.name}}}
    joined: queue.Queue[str | None] = queue.Queue()
    client.join(
        address, client_settings={"inputs": inputs}, completion=lambda _data, error: joined.put(error)
    )
    try:
        if error := joined.get():
            sys.exit(f"cannot join: {error}")
        print("joined: the tone is heard, Ctrl-C ends it", flush=True)
        t = np.arange(int(seconds * RATE)) / RATE
        microphone.write_frames(0.5 * np.sin(2 * np.pi * 440 * t))
    finally:
        client.release()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Play a tone into a call.")
    parser.add_argument("address", help="of a call, as http://127.0.0.1:8765/whip (of `vmic room`)")
    parser.add_argument("seconds", nargs="?", type=float, default=5.0)
    arguments = parser.parse_args()
    try:
        main(arguments.address, arguments.seconds)
    except KeyboardInterrupt:
        sys.exit(130)
