"""The process that writes without a pause, and says how long each call took.

A loop that sleeps finds its memory cold at each write; this one shows what the call alone costs.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from audio_signals import numbered

import vmic
from benching.measuring import RATE, Times, percentiles
from benching.process_messages import hear, say
from benching.writing import be_busy

CHUNK = RATE // 50
# The queue of a microphone holds 60 s.
CALLS = 60 * RATE // CHUNK


def main() -> None:
    """See the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--busy-threads", type=int, required=True)
    options = parser.parse_args()
    frames = numbered(CHUNK).tobytes()
    with vmic.create_microphone_device("bench", RATE, non_blocking=True) as microphone:
        be_busy(options.busy_threads)
        # The first pass touches the queue's memory for the first time.
        for _ in range(2):
            took = fill(microphone, frames)
            microphone.flush()
    say(percentiles("write_us", 1e6 * took))
    hear()


def fill(microphone: vmic.VirtualMicrophoneDevice, frames: bytes) -> Times:
    """Fill the queue; return how long each call took, in seconds."""
    took = np.zeros(CALLS)
    for i in range(CALLS):
        called = time.perf_counter()
        accepted = microphone.write_frames(frames)
        took[i] = time.perf_counter() - called
        assert accepted == CHUNK
    return took


if __name__ == "__main__":
    main()
