"""Play a WAV file (16-bit) into a call: python examples/wav.py ADDRESS FILE."""

import argparse
import queue
import sys
import wave

from vmic import CallClient, Daily


def main(address: str, path: str) -> None:
    """Join the call, play the file, and leave."""
    Daily.init()
    with wave.open(path) as file:
        microphone = Daily.create_microphone_device("wav", file.getframerate(), file.getnchannels())
        client = CallClient()
        client.set_user_name("wav")
        inputs = {"microphone": {"isEnabled": True, "settings": {"deviceId": microphone.name}}}
        joined: queue.Queue[str | None] = queue.Queue()
        client.join(
            address, client_settings={"inputs": inputs}, completion=lambda _data, error: joined.put(error)
        )
        try:
            if error := joined.get():
                sys.exit(f"cannot join: {error}")
            print("joined: the file is heard, Ctrl-C ends it", flush=True)
            while frames := file.readframes(file.getframerate() // 10):
                microphone.write_frames(frames)
        finally:
            client.release()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Play a WAV file (16-bit) into a call.")
    parser.add_argument("address", help="of a call, as http://127.0.0.1:8765/whip (of `vmic room`)")
    parser.add_argument("file")
    arguments = parser.parse_args()
    try:
        main(arguments.address, arguments.file)
    except (OSError, EOFError, wave.Error) as error:
        sys.exit(f"cannot play {arguments.file}: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
