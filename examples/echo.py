"""An echo in a call: it hears somebody out, waits, and repeats: python examples/echo.py ADDRESS."""

import argparse
import queue
import sys

import numpy as np

import vmic
from vmic import CallClient, Daily

RATE = 16000
BLOCK = RATE // 50  # 20 ms
LOUD = 500  # of 32767: more than a line's noise, less than a voice
PAUSE = 25  # blocks of silence, after which somebody has finished


def hear_out(speaker: vmic.VirtualSpeakerDevice) -> bytes:
    """What is said next, from its first sound to the pause after it; blocks for as long."""
    said = b""
    silent = 0
    while silent < PAUSE:
        block = speaker.read_frames(BLOCK)
        is_loud = np.abs(np.frombuffer(block, np.int16).astype(int)).max() > LOUD
        if said or is_loud:
            said += block
            silent = 0 if is_loud else silent + 1
    return said


def main(address: str) -> None:
    """Join, and repeat until Ctrl-C."""
    Daily.init()
    with vmic.create_headset("echo", RATE) as headset:
        Daily.select_speaker_device("echo")
        client = CallClient()
        client.set_user_name("echo")
        inputs = {"microphone": {"isEnabled": True, "settings": {"deviceId": "echo"}}}
        joined: queue.Queue[str | None] = queue.Queue()
        client.join(
            address, client_settings={"inputs": inputs}, completion=lambda _data, error: joined.put(error)
        )
        try:
            if error := joined.get():
                sys.exit(f"cannot join: {error}")
            print("joined: what is said is repeated, Ctrl-C ends it", flush=True)
            while True:
                headset.microphone.write_frames(hear_out(headset.speaker))
                headset.speaker.flush()  # what was said meanwhile is not repeated
        finally:
            client.release()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Repeat in a call what is said there.")
    parser.add_argument("address", help="of a call, as http://127.0.0.1:8765/whip (of `vmic room`)")
    try:
        main(parser.parse_args().address)
    except KeyboardInterrupt:
        sys.exit(130)
