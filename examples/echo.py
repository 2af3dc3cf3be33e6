"""An echo in a call, which repeats each utterance after its end: python examples/echo.py ADDRESS."""

import argparse
import queue
import sys

import numpy as np

import vmic
from vmic import CallClient, Daily

RATE = 16000
BLOCK = RATE // 50  # 20 ms
LOUD = 500  # of 32767: louder than line noise, quieter than a voice
PAUSE = 25  # blocks of silence that end an utterance


def hear_out(speaker: vmic.VirtualSpeakerDevice) -> bytes:
    """Wait for the next utterance, and return it from its first sound to the pause after it."""
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
    """Join the call, and repeat utterances until Ctrl-C."""
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
                headset.speaker.flush()  # do not repeat what was said meanwhile
        finally:
            client.release()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Repeat in a call what is said there.")
    parser.add_argument("address", help="of a call, as http://127.0.0.1:8765/whip (of `vmic room`)")
    try:
        main(parser.parse_args().address)
    except KeyboardInterrupt:
        sys.exit(130)
