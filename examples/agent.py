"""A voice in a call that can be interrupted: python examples/agent.py ADDRESS TEXT...

The program says the texts one after the other with espeak-ng. When somebody speaks, it stops at once, prints
how far it came, and goes on with the next text when there is silence.
"""

import argparse
import asyncio
import sys

import numpy as np

import vmic
from vmic import CallClient, Daily

RATE = 22050  # the sample rate of espeak-ng
BLOCK = RATE // 50  # 20 ms
LOUD = 500  # of 32767: louder than line noise, quieter than a voice
PAUSE = 25  # blocks of silence that end an utterance


async def synthesized(text: str) -> bytes:
    """Return the text as 16-bit frames."""
    process = await asyncio.create_subprocess_exec(
        "espeak-ng", "--stdout", text, stdout=asyncio.subprocess.PIPE
    )
    wav, _ = await process.communicate()
    return wav[44:]  # without the header


async def is_spoken(speaker: vmic.VirtualSpeakerDevice) -> bool:
    """Return whether somebody speaks in the next 20 ms."""
    block = await speaker.read_frames_async(BLOCK)
    return bool(np.abs(np.frombuffer(block, np.int16).astype(int)).max() > LOUD)


async def say(headset: vmic.Headset, text: str) -> None:
    """Say the text until its end, or until somebody speaks."""
    frames = await synthesized(text)
    saying = asyncio.create_task(headset.microphone.write_frames_async(frames))
    while not saying.done():
        if await is_spoken(headset.speaker):
            heard, _ = await headset.microphone.flush_async()
            print(f"interrupted after {heard / RATE:.1f} s of {text!r}", flush=True)
            silent = 0
            while silent < PAUSE:
                silent = 0 if await is_spoken(headset.speaker) else silent + 1
    await saying


async def join(client: CallClient, address: str, name: str) -> None:
    """Join the call with the headset of this name."""
    loop = asyncio.get_running_loop()
    joined: asyncio.Future[str | None] = loop.create_future()

    def on_joined(_data: object, error: str | None) -> None:
        loop.call_soon_threadsafe(joined.set_result, error)

    Daily.select_speaker_device(name)
    inputs = {"microphone": {"isEnabled": True, "settings": {"deviceId": name}}}
    client.join(address, client_settings={"inputs": inputs}, completion=on_joined)
    if error := await joined:
        sys.exit(f"cannot join: {error}")
    print("joined: it speaks, Ctrl-C ends it", flush=True)


async def main(headset: vmic.Headset, address: str, texts: list[str]) -> None:
    """Join the call, say the texts, and leave."""
    client = CallClient()
    client.set_user_name("agent")
    try:
        await join(client, address, headset.name)
        for text in texts:
            headset.speaker.flush()  # what others said before this text does not interrupt it
            await say(headset, text)
        await headset.microphone.drain_async()
    finally:
        await asyncio.to_thread(client.release)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Say texts in a call, and stop where somebody speaks.")
    parser.add_argument("address", help="of a call, as http://127.0.0.1:8765/whip (of `vmic room`)")
    parser.add_argument("texts", nargs="+", metavar="TEXT")
    arguments = parser.parse_args()
    Daily.init()
    try:
        # The end of this block waits, so it must be outside the event loop.
        with vmic.create_headset("agent", RATE) as headset:
            asyncio.run(main(headset, arguments.address, arguments.texts))
    except KeyboardInterrupt:
        sys.exit(130)
