"""Audio files: opened by path, from memory or from standard input, or refused with the reason."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import sys
import tempfile

import vmic
from vmic._base.validation import MAX_CHANNELS
from vmic.cli.sounds import decoder
from vmic.cli.sounds.sound import Block, RawSound, Sound

_MIN_RATE, _MAX_RATE = 1_000, 768_000  # of a file, in Hz
_PLAIN = (b"\1\0", b"\3\0")  # the sample formats of a plain WAV: integer and float


def open_file(path: str) -> Sound:
    """Open a file, or a named pipe."""
    if path.endswith(".raw"):
        raise vmic.VmicError(f"cannot play {path}: use `vmic play NAME - --raw` for raw samples")
    return _DecodedSound(os.open(path, os.O_RDONLY), path)


def open_bytes(data: bytes, name: str) -> Sound:
    """Open a file that is in memory."""
    with tempfile.TemporaryFile(buffering=0) as file:
        file.write(data)
        file.seek(0)
        return _DecodedSound(os.dup(file.fileno()), name)


def open_standard_input() -> Sound:
    """Open a file of any kind on standard input."""
    return _DecodedSound(os.dup(sys.stdin.fileno()), RawSound.name, " (use --raw for raw samples)")


class _DecodedSound(Sound):
    """A sound that is decoded from a file on the disk, or from a pipe."""

    def __init__(self, descriptor: int, name: str, hint: str = "") -> None:
        """Take `descriptor` over, and begin to decode. `hint` is what to do if the file cannot be played."""
        self.name, self._file, self._hint = name, descriptor, hint
        self._skip = 0  # frames that `read` still drops
        self._running = contextlib.ExitStack()  # ends the decoder
        with contextlib.ExitStack() as undo:
            undo.callback(self.close)
            self._open()
            undo.pop_all()

    def _open(self) -> None:
        self._ffmpeg = shutil.which("ffmpeg")
        # A file on the disk can be read again, unless this process got it after a part of it was read.
        regular = stat.S_ISREG(os.fstat(self._file).st_mode)
        self.seekable = regular and os.lseek(self._file, 0, os.SEEK_CUR) == 0
        head = decoder.fill(self._file)
        if not head:
            raise self._refusal("it is empty")
        self._is_flac, is_mp3 = head[:4] == b"fLaC", head[:3] == b"ID3" or head[:1] == b"\xff"
        if self._ffmpeg:
            must_seek = head[:4] == b"caff" or (head[4:8] == b"ftyp" and b"moov" not in head)
        else:
            must_seek = not is_mp3 and head[:4] not in (b"RIFF", b"OggS", b".snd")
        if must_seek and not self.seekable:
            decoder.spool(self._file, head, self.name)
            self.seekable = True
        if not self.seekable and head[:4] + head[12:16] == b"RIFFfmt " and head[20:22] in _PLAIN:
            # ffmpeg (5.1) first reads 64 KiB, in which it looks for another codec: 1.4 s of speech.
            self._ffmpeg = None
        self._size = os.fstat(self._file).st_size
        joined = self.seekable and decoder.is_joined(self._file, head, self._size)
        if joined and self._is_flac and not self._ffmpeg:
            raise self._refusal(
                "it contains several FLAC files, which only ffmpeg can play (apt install ffmpeg)"
            )
        # libsndfile stops an MP3 at its guessed end, except in a pipe.
        self._piped = not self.seekable or joined or (is_mp3 and not self._ffmpeg)
        self._start(head)
        self.seconds = None if self._piped else self._decoder.duration()

    def _start(self, head: bytes, start: float = 0.0) -> None:
        """Start to decode at `start` seconds. `head` is what was read from the beginning of the file."""
        self._running.close()
        self._from, self._given = start, 0
        self._decoder = decoder.Decoder(self._ffmpeg, self._file, head if self._piped else None, start)
        self._running.callback(self._decoder.close)
        header = self._decoder.read_header()
        if header is None:
            raise self._refusal(self._decoder.failure("the file contains no sound") + self._hint)
        self.channels, self.sample_rate, self.layout = header
        if not (_MIN_RATE <= self.sample_rate <= _MAX_RATE and 1 <= self.channels <= MAX_CHANNELS):
            limits = f"{_MIN_RATE} to {_MAX_RATE} frames per second and at most {MAX_CHANNELS} channels"
            raise self._refusal(f"it must have {limits}, got {self._shape()}")
        self._samples = RawSound(self._decoder.output, self.sample_rate, self.channels, "f32le")

    def read(self, frames: int) -> Block | None:
        """Return at most `frames` decoded frames: an empty block at the end, None if none are ready yet."""
        while (block := self._samples.read(frames)) is not None:
            if not len(block) and not self._goes_on():
                return block
            self._given += len(block)
            skipped = min(self._skip, len(block))
            self._skip -= skipped
            if skipped < len(block):
                return block[skipped:]
        return None

    def seek(self, seconds: float) -> None:
        """Continue at `seconds` from the beginning."""
        self._running.close()
        if not self._piped:
            self._start(b"", seconds)
            return
        self._decoder.remainder()  # from here on the pipe's writer no longer reads the file
        os.lseek(self._file, 0, os.SEEK_SET)
        self._skip = int(seconds * self.sample_rate)
        self._start(decoder.fill(self._file))

    def close(self) -> None:
        """End the decoder and close the descriptor."""
        self._running.close()
        os.close(self._file)

    def _goes_on(self) -> bool:
        """Continue with another file that follows in this one. Return False if there is none."""
        if failure := self._decoder.failure():
            raise self._refusal(failure, partly=self._given > 0)
        # ffmpeg (5.1) does not report a FLAC that ends within a frame. For other kinds the length is a guess.
        length = self._decoder.duration() if self._is_flac else None
        heard = self._from + self._given / self.sample_rate
        if length is not None and heard < length - 0.1:
            raise self._refusal(f"it ends after {heard:.1f} of {length:.1f} s", partly=True)
        if self.seekable and os.fstat(self._file).st_size < self._size:
            raise self._refusal("it was truncated during playback", partly=True)
        if not (rest := self._decoder.remainder()):
            return False
        before = self._shape()
        self._start(decoder.fill(self._file, rest))
        if self._shape() != before:
            raise self._refusal(f"its format changes from {before} to {self._shape()}", partly=True)
        return True

    def _shape(self) -> str:
        return f"{self.sample_rate} frames per second and {self.channels} channels"

    def _refusal(self, why: str, *, partly: bool = False) -> vmic.VmicError:
        return vmic.VmicError(f"cannot play {'all of ' if partly else ''}{self.name}: {why}")
