"""A WAV file (16-bit) into a call: python examples/wav.py ADDRESS FILE."""

import queue
import sys
import wave

from vmic import CallClient, Daily


def main(address: str, path: str) -> None:
    """Join, play the file, leave."""
    Daily.init()
    with wave.open(path) as file:
        microphone = Daily.create_microphone_device("wav", file.getframerate(), file.getnchannels())
        client = CallClient()
        inputs = {"microphone": {"isEnabled": True, "settings": {"deviceId": microphone.name}}}
        joined: queue.Queue[str | None] = queue.Queue()
        client.join(
            address, client_settings={"inputs": inputs}, completion=lambda _data, error: joined.put(error)
        )
        try:
            if error := joined.get():
                sys.exit(f"cannot join: {error}")
            while frames := file.readframes(file.getframerate() // 10):
                microphone.write_frames(frames)
        finally:
            client.release()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
