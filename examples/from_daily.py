"""A program written for daily-python; only the import and the address were changed.

::

    python examples/from_daily.py ADDRESS
"""

import argparse
import math
import struct
import sys
import threading

from vmic import CallClient, Daily  # was: from daily import *

SAMPLE_RATE = 16000
FRAMES = SAMPLE_RATE // 50  # 20 ms


def sine(frequency: float) -> bytes:
    """Return 20 ms of a sine, which always starts at the same phase."""
    samples = (int(16000 * math.sin(2 * math.pi * frequency * n / SAMPLE_RATE)) for n in range(FRAMES))
    return struct.pack(f"={FRAMES}h", *samples)


class SineSender:
    """A participant that sends a sine into a call."""

    def __init__(self) -> None:
        self.microphone = Daily.create_microphone_device(
            "my-virtual-microphone", sample_rate=SAMPLE_RATE, channels=1
        )
        self.client = CallClient()
        self.client.set_user_name("sine")
        self.client.update_subscription_profiles(
            {"base": {"camera": "unsubscribed", "microphone": "unsubscribed"}}
        )
        self.joined = threading.Event()
        self.error: str | None = None

    def on_joined(self, data: object, error: str | None) -> None:  # noqa: ARG002
        """Keep the result of the join."""
        self.error = error
        self.joined.set()

    def run(self, meeting_url: str, seconds: float) -> None:
        """Join the call, send the sine for `seconds` seconds, and leave."""
        self.client.join(
            meeting_url,
            client_settings={
                "inputs": {
                    "camera": False,
                    "microphone": {"isEnabled": True, "settings": {"deviceId": "my-virtual-microphone"}},
                }
            },
            completion=self.on_joined,
        )
        try:
            self.joined.wait()
            if self.error:
                sys.exit(f"cannot join: {self.error}")
            print("joined: the sine is heard, Ctrl-C ends it", flush=True)
            for _ in range(int(50 * seconds)):
                self.microphone.write_frames(sine(440))
        finally:
            self.client.leave()
            self.client.release()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Play a sine into a meeting.")
    parser.add_argument("url", help="of the meeting")
    parser.add_argument("seconds", nargs="?", type=float, default=10.0)
    arguments = parser.parse_args()
    Daily.init()
    try:
        SineSender().run(arguments.url, arguments.seconds)
    except KeyboardInterrupt:
        sys.exit(130)
