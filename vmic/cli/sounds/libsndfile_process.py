"""Decode standard input with libsndfile to a WAV of floats on standard output: libsndfile_process.py SECONDS.

This is a process of its own, as ffmpeg is. What libsndfile and its codecs write to standard error is not for
a person. Whatever a broken file does to them, it ends only this process.
"""

from __future__ import annotations

import os
import stat
import struct
import sys

import soundfile

_UNKNOWN = 0xFFFFFFFF  # the length of a WAV


class _Forward(soundfile.SoundFile):  # type: ignore[misc]
    # soundfile (0.14) seeks after each read if the file is seekable. That restarts the decoder of an MP3:
    # half of the samples were zeros.
    def seekable(self) -> bool:
        return False


def _copy(file: soundfile.SoundFile, start: float) -> None:
    if file.frames < 1 << 62:  # libsndfile reports more for a pipe
        sys.stderr.write(f"[info] Duration: 0:0:{file.frames / file.samplerate:f}\n")
    size = 4 * file.channels
    form = (3, file.channels, file.samplerate, _UNKNOWN & size * file.samplerate, size & 0xFFFF, 32)
    riff = (b"RIFF", _UNKNOWN, b"WAVE", b"fmt ", 16, *form, b"data", _UNKNOWN)
    sys.stdout.buffer.write(struct.pack("<4sI4s4sIHHIIHH4sI", *riff))
    if start:
        file.seek(min(int(start * file.samplerate), file.frames))
    while len(block := file.read(max(1, file.samplerate // 50), dtype="float32", always_2d=True)):
        sys.stdout.buffer.write(block.tobytes())
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    try:
        _copy(_Forward(0, closefd=False), float(sys.argv[1]))
    except soundfile.LibsndfileError as error:
        sys.exit(f"[error] {error.error_string}")
    if stat.S_ISFIFO(os.fstat(0).st_mode) and os.read(0, 1):
        sys.exit("[error] the file contains several MP3 files, of which libsndfile plays only the first")
