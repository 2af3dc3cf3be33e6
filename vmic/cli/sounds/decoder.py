"""Files as sounds. A separate process decodes them: ffmpeg where it is installed, otherwise libsndfile."""

from __future__ import annotations

import contextlib
import mmap
import os
import re
import shutil
import stat
import struct
import subprocess
import tempfile
from typing import TYPE_CHECKING

import vmic
from vmic._base import process
from vmic._base.validation import MAX_CHANNELS
from vmic.cli.sounds import pipes

if TYPE_CHECKING:
    from vmic.cli.sounds.sound import Block

# No playlist formats: a file from somebody else must not choose which of this machine's files is heard.
_FORMATS = (
    "aac,ac3,eac3,aiff,amr,ape,asf,au,avi,caf,dsf,dts,flac,flv,gsm,loas,matroska,mlp,mov,mp3,mpc,mpc8,mpeg,"
    "mpegts,ogg,rm,tak,truehd,tta,voc,w64,wav,wv,xwma"
)
# ffmpeg's messages about an MP3 with other data in it: the tag and the table of another MP3 that follows.
_SKIPPED = re.compile(r"Header missing|Error (while decoding|submitting) |Invalid data found when proc")
_ERROR = re.compile(r"^(?:\[[^]]* @ [^]]*\] )?\[(?:error|fatal)\] (.*)", re.MULTILINE)
_DURATION = re.compile(r"^\[info\] +Duration: (\d+):(\d+):([\d.]+)", re.MULTILINE)
_PLAIN = (b"\1\0", b"\3\0")  # the sample formats of a plain WAV: integer and float
# The limits for the sample rate of a file, in Hz.
_MIN_RATE, _MAX_RATE = 1_000, 768_000


class Decoded:
    """A sound that is decoded from a descriptor: of a file on the disk, or of a pipe."""

    def __init__(self, descriptor: int, name: str, hint: str = "") -> None:
        """Take the descriptor over, and begin to decode.

        Args:
            descriptor: The descriptor of the file. `close` closes it.
            name: The name in messages to a person.
            hint: What to do if the file cannot be played.

        Raises:
            VmicError: The file cannot be played.
        """
        self.name, self._descriptor, self._hint = name, descriptor, hint
        self._ffmpeg = shutil.which("ffmpeg")
        self._process: subprocess.Popen[bytes] | None = None
        self._shape = (0, 0, 0)
        self._pipe_writer: pipes.PipeWriter | None = None
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 (it stays open), not a pipe, which could fill
        with contextlib.ExitStack() as undo:
            undo.callback(self.close)
            self._open()
            undo.pop_all()

    def _open(self) -> None:
        self._size = _size(self._descriptor)
        head = pipes.fill(self._descriptor, b"", pipes.HEAD)
        if not head:
            raise vmic.VmicError(f"cannot play {self.name}: it is empty")
        if self._size is None and self._wants_a_file(head):
            file = pipes.spool(self._descriptor, head, self.name)
            os.close(self._descriptor)
            self._descriptor, self._size = file, _size(file)
        self.seekable, self._is_flac = self._size is not None, head[:4] == b"fLaC"
        if not self.seekable and head[:4] + head[12:16] == b"RIFFfmt " and head[20:22] in _PLAIN:
            # ffmpeg (5.1) first reads 64 KiB, in which it looks for another codec: 1.4 s of speech.
            self._ffmpeg = None
        # libsndfile stops an MP3 at its guessed end, except in a pipe.
        guessed = not self._ffmpeg and (head[:3] == b"ID3" or head[:1] == b"\xff")
        joined = self._size is not None and _is_joined(self._descriptor, head, self._size)
        if joined and self._is_flac and not self._ffmpeg:
            raise vmic.VmicError(
                f"cannot play {self.name}: it contains several FLAC files, which only ffmpeg can play "
                "(apt install ffmpeg)"
            )
        self._piped = self._size is None or guessed or joined
        self._start(head, 0.0)
        self.sample_rate, self.channels, self.layout = self._shape
        self.seconds = None if self._piped else self._told_duration()

    def _wants_a_file(self, head: bytes) -> bool:
        """Return whether the decoder seeks in a file that begins with `head`."""
        if self._ffmpeg:
            return head[:4] == b"caff" or (head[4:8] == b"ftyp" and b"moov" not in head)
        return head[:4] not in (b"RIFF", b"OggS", b".snd") and head[:3] != b"ID3" and head[:1] != b"\xff"

    def read(self, frames: int) -> Block | None:
        """Return at most `frames` decoded frames: an empty block at the end, None if none are ready yet.

        Raises:
            VmicError: The file cannot be heard to its end.
        """
        while (block := self._raw.read(frames)) is not None:
            if not len(block):
                if self._goes_on():
                    continue
                return block
            self._given += len(block)
            skipped = min(self._skip, len(block))
            self._skip -= skipped
            if skipped < len(block):
                return block[skipped:]
        return None

    def seek(self, seconds: float) -> None:
        """Continue at `seconds` from the beginning."""
        self._end_process()
        if self._pipe_writer is not None:
            self._pipe_writer.join()
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            self._start(pipes.fill(self._descriptor, b"", pipes.HEAD), 0.0)
            self._skip = int(seconds * self.sample_rate)
        else:
            self._start(b"", seconds)

    def close(self) -> None:
        """End the decoder process and close the descriptor."""
        self._end_process()
        os.close(self._descriptor)
        self._said.close()

    # ---- the process ----

    def _start(self, head: bytes, seconds: float) -> None:
        """Start the decoder, and read the header of its output."""
        self._given, self._skip, self._from = 0, 0, seconds
        self._said.seek(0)
        self._said.truncate()
        self._pipe_writer = None
        self._process = subprocess.Popen(
            self._command(seconds),
            stdin=subprocess.PIPE if self._piped else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._said,
            pass_fds=() if self._piped else (self._descriptor,),
            cwd="/",
            env=os.environ if self._ffmpeg else process.environment(),
            start_new_session=True,  # Ctrl-C is for this process alone
        )
        assert self._process.stdout
        output = self._process.stdout.fileno()
        if self._piped:
            assert self._process.stdin
            head = head if self._ffmpeg else pipes.without_tag(self._descriptor, head)
            self._pipe_writer = pipes.PipeWriter(self._descriptor, head, os.dup(self._process.stdin.fileno()))
            self._process.stdin.close()
        self._shape = self._read_header(output)
        rate, channels, _ = self._shape
        self._raw = pipes.Raw(output, rate, channels, "f32le")
        self._began = self._said.seek(0, os.SEEK_END)

    def _command(self, seconds: float) -> list[str]:
        path = f"/dev/fd/{self._descriptor}"
        if not self._ffmpeg:
            file = "-" if self._piped else path
            return [*process.command("vmic.cli.sounds.libsndfile"), file, str(seconds)]
        url, protocol = ("pipe:0", "pipe") if self._piped else (f"file:{path}", "file")
        # asetpts renumbers the frames: those of a second file begin at 0 again and would be dropped.
        return [
            *(self._ffmpeg, "-nostdin", "-nostats", "-hide_banner", "-loglevel", "level+info"),
            *("-protocol_whitelist", protocol, "-format_whitelist", _FORMATS, "-guess_layout_max", "0"),
            *(("-ss", f"{seconds:.6f}") if seconds else ()),  # a pipe cannot seek, not even to 0
            *("-i", url, "-map", "0:a:0", "-af", "asetpts=N/SR/TB"),
            *("-map_metadata", "-1", "-c:a", "pcm_f32le", "-f", "wav", "-flush_packets", "1", "pipe:1"),
        ]

    def _read_header(self, output: int) -> tuple[int, int, int]:
        """Return the rate, the channels and the layout from the header of the decoder's WAV.

        Raises:
            VmicError: There is no header, or vmic does not play its rate or number of channels.
        """
        kind, size, shape = b"", 12, self._shape  # of a chunk; at first of the data before it
        while kind != b"data":
            chunk = _exactly(output, size)
            if kind == b"fmt ":
                channels, rate = struct.unpack_from("<2xHI", chunk)
                shape = (rate, channels, *(struct.unpack_from("<20xI", chunk) if size >= 24 else (0,)))
            head = _exactly(output, 8)
            if len(head) < 8:
                raise self._failure(f"cannot play {self.name}", "the file contains no sound", self._hint)
            kind, size = struct.unpack("<4sI", head)
        if not (_MIN_RATE <= shape[0] <= _MAX_RATE and 1 <= shape[1] <= MAX_CHANNELS):
            raise vmic.VmicError(
                f"cannot play {self.name}: it must have {_MIN_RATE} to {_MAX_RATE} frames per second and at "
                f"most {MAX_CHANNELS} channels, got {shape[0]} and {shape[1]}"
            )
        return shape

    def _goes_on(self) -> bool:
        """Continue with a file that follows in this one, or return False at the end.

        Raises:
            VmicError: The file was not decoded to its end, or the one that follows cannot be played.
        """
        assert self._process
        if self._process.wait() or self._errors(self._began):
            raise self._failure(
                f"cannot play all of {self.name}" if self._given else f"cannot play {self.name}"
            )
        # ffmpeg (5.1) does not report a FLAC that ends within a frame. For other kinds the length is a guess.
        length = self._told_duration() if self._is_flac else None
        heard = self._from + self._given / self._shape[0]
        if length is not None and heard < length - 0.1:
            raise vmic.VmicError(
                f"cannot play all of {self.name}: it ends after {heard:.1f} of {length:.1f} s"
            )
        if self._size is not None and os.fstat(self._descriptor).st_size < self._size:
            raise vmic.VmicError(f"cannot play all of {self.name}: it was truncated during playback")
        if self._pipe_writer is None:
            return False
        self._pipe_writer.join()
        if not (rest := self._pipe_writer.remainder):
            return False
        self._end_process()
        shape, skip = self._shape, self._skip
        self._start(pipes.fill(self._descriptor, rest, pipes.HEAD), 0.0)
        if self._shape[:2] != shape[:2]:
            raise vmic.VmicError(
                f"cannot play all of {self.name}: its format changes from {shape[0]} frames per second and "
                f"{shape[1]} channels to {self._shape[0]} and {self._shape[1]}"
            )
        self._skip = skip
        return True

    def _end_process(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            assert self._process.stdout
            self._process.stdout.close()
            self._process = None

    # ---- the decoder's messages ----

    def _errors(self, begin: int = 0) -> list[str]:
        """Return the decoder's error messages from offset `begin` on."""
        self._said.seek(begin)
        errors = _ERROR.findall(self._said.read().decode(errors="replace"))
        return [error for error in errors if not _SKIPPED.match(error)]

    def _told_duration(self) -> float | None:
        self._said.seek(0)
        told = _DURATION.search(self._said.read().decode(errors="replace"))
        return int(told[1]) * 3600 + int(told[2]) * 60 + float(told[3]) if told else None

    def _failure(self, what: str, why: str = "", hint: str = "") -> vmic.VmicError:
        """Return an error with the decoder's last message."""
        assert self._process
        errors = self._errors() if self._process.wait() or not why else []
        last = (errors or [why or f"exit code {self._process.returncode}"])[-1]
        # The prefixes of ffmpeg 5 and of ffmpeg 7, which prints more messages after it has found no sound.
        why = re.sub(r"^((file|pipe):\S+|Error opening input files): ", "", last).rstrip(".")
        if any("matches no streams" in error for error in errors):
            why = "the file contains no sound"
        if self._ffmpeg:
            return vmic.VmicError(f"{what}: ffmpeg reports: {why}{hint}")
        more = "" if shutil.which("ffmpeg") else ". ffmpeg supports more formats (apt install ffmpeg)"
        return vmic.VmicError(f"{what}: libsndfile reports: {why}{more}{hint}")


def _exactly(descriptor: int, size: int) -> bytes:
    data = b""
    while len(data) < size and (more := os.read(descriptor, size - len(data))):
        data += more
    return data


def _size(descriptor: int) -> int | None:
    """Return the size of a file on the disk, or None if it can only be read once, from here on."""
    status = os.fstat(descriptor)
    whole = stat.S_ISREG(status.st_mode) and os.lseek(descriptor, 0, os.SEEK_CUR) == 0
    return status.st_size if whole else None


def _is_joined(descriptor: int, head: bytes, size: int) -> bool:
    """Return whether this file holds several files, or is a WAV whose writer left its lengths at 0."""
    length = int.from_bytes(head[4:8], "little") + 8
    if head[:4] not in pipes.JOINTS or (head[:4] == b"RIFF" and size - 1 <= length <= size):
        return False
    with mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) as content:
        joint = content.find(pipes.JOINTS[head[:4]][0], pipes.JOINT_FROM)
    return joint >= 0 or pipes.with_unknown_length(head) != head
