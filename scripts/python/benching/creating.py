"""The process that makes devices and writes to each at once: says when it began, and when it could write."""

from __future__ import annotations

import argparse
import time

from audio_signals import numbered

from benching import audio_outputs
from benching.audio_outputs import Floor
from benching.contestants import CONTESTANTS
from benching.measuring import RATE
from benching.process_messages import hear, say

CHUNK = RATE // 100
# Enough chunks that even the quickest application certainly hears one.
CHUNKS = 40


def main() -> None:
    """See the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contestant", choices=CONTESTANTS, required=True)
    options = parser.parse_args()
    contestant = CONTESTANTS[options.contestant]
    frames = numbered(CHUNK).tobytes()
    while True:
        began = time.monotonic()
        with audio_outputs.opened(contestant, 1, CHUNK) as (writer,):
            if isinstance(writer, Floor):
                writer.start(CHUNK, CHUNKS)
                opened = time.monotonic()
                writer.begin(opened)
                writer.await_written()
                writer.times(CHUNKS)
            else:
                opened = time.monotonic()
                for i in range(CHUNKS):
                    time.sleep(max(0.0, opened + i * CHUNK / RATE - time.monotonic()))
                    writer.write(frames)
        say([began, opened])
        hear()


if __name__ == "__main__":
    main()
