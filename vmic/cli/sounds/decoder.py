"""A process that decodes a file, ffmpeg or libsndfile, and the pipe through which it may get the file."""

from __future__ import annotations

import contextlib
import mmap
import os
import re
import shutil
import struct
import subprocess
import tempfile
import threading
from typing import IO

import vmic
from vmic._base import process

# No playlist formats: a file from somebody else must not choose which of this machine's files is heard.
_FORMATS = (
    "aac,ac3,eac3,aiff,amr,ape,asf,au,avi,caf,dsf,dts,flac,flv,gsm,loas,matroska,mlp,mov,mp3,mpc,mpc8,mpeg,"
    "mpegts,ogg,rm,tak,truehd,tta,voc,w64,wav,wv,xwma"
)
# ffmpeg's messages about an MP3 with other data in it: the tag and the table of another MP3 that follows.
_SKIPPED = re.compile(r"Header missing|Error (while decoding|submitting) |Invalid data found when proc")
_ERROR = re.compile(r"^(?:\[[^]]* @ [^]]*\] )?\[(?:error|fatal)\] (.*)", re.MULTILINE)
_DURATION = re.compile(r"^\[info\] +Duration: (\d+):(\d+):([\d.]+)", re.MULTILINE)
_CHUNK = 1 << 16
_HEAD = 1024  # bytes at the beginning of a file that show its kind
_LIMIT = 1 << 30  # bytes that are saved to the disk, for kinds that a decoder cannot read from a pipe
# For each kind of file: the bytes that show that another file begins, and their offset in that file.
_JOINTS = {b"RIFF": (b"WAVEfmt ", 8), b"fLaC": (b"fLaC\0\0\0\x22", 0), b"OggS": (b"OggS\0\x02", 0)}
_JOINT_FROM = 512  # An Ogg file begins each of its streams within this number of bytes.


class Decoder:
    """A process that decodes a file to a WAV of floats, and writes it to the pipe `output`."""

    def __init__(self, ffmpeg: str | None, file: int, head: bytes | None, start: float) -> None:
        """Decode `file` from `start` seconds on, with libsndfile if `ffmpeg`, a path, is None.

        If `head` is not None, the process reads it and the rest of `file` from a pipe. Otherwise it reads
        `file` itself, and can seek in it.
        """
        self._ffmpeg = ffmpeg
        if head is None:
            os.lseek(file, 0, os.SEEK_SET)
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (it stays open), not a pipe, which could fill
        self._process = subprocess.Popen(
            _command(ffmpeg, start, piped=head is not None),
            bufsize=0,
            stdin=file if head is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            cwd="/",
            env=os.environ if ffmpeg else process.environment(),
            start_new_session=True,  # Ctrl-C is for this process alone
        )
        assert self._process.stdout
        self.output = self._process.stdout.fileno()
        self._writer, self._remainder = None, b""
        if head is not None:
            # A daemon, because nothing interrupts a thread that waits in read(2), not even Ctrl-C.
            pipe = (os.dup(file), head if ffmpeg else _without_tag(file, head), self._process.stdin)
            self._writer = threading.Thread(target=self._write, args=pipe, name="vmic-feed", daemon=True)
            self._writer.start()

    def read_header(self) -> tuple[int, int, int] | None:
        """Return the channels, the sample rate and the layout, or None if the process wrote no samples."""
        shape = (0, 0, 0)
        fill(self.output, size=12)  # what precedes the chunks
        while (chunk := fill(self.output, size=8))[:4] != b"data":
            if len(chunk) < 8:
                return None
            content = fill(self.output, size=int.from_bytes(chunk[4:], "little"))
            if chunk[:4] == b"fmt ":
                shape = struct.unpack_from("<2xHI12xI", content.ljust(24, b"\0"))
        self._errors_before = len(self._errors())
        return shape

    def failure(self, default: str = "") -> str:
        """Wait until the process exits. Return its last error, or `default` if it has exited without one."""
        code, errors = self._process.wait(), self._errors()
        if not code and default:
            errors = []
        elif not code and not errors[self._errors_before :]:
            return ""
        why = (errors or [default or f"exit code {code}"])[-1]
        # The prefixes of ffmpeg 5 and of ffmpeg 7, which prints more messages after it has found no sound.
        why = re.sub(r"^((file|pipe):\S+|Error opening input files): ", "", why).rstrip(".")
        if any("matches no streams" in error for error in errors):
            why = "the file contains no sound"
        if self._ffmpeg:
            return f"ffmpeg reports: {why}"
        more = "" if shutil.which("ffmpeg") else ". ffmpeg supports more formats (apt install ffmpeg)"
        return f"libsndfile reports: {why}{more}"

    def remainder(self) -> bytes:
        """Wait until the pipe is written. Return the beginning of another file that follows in the file."""
        if self._writer is not None:
            self._writer.join()
        return self._remainder

    def duration(self) -> float | None:
        """Return the length of the file in seconds, or None if the process does not report it."""
        found = _DURATION.search(self._messages())
        return int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3]) if found else None

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdout
        self._process.stdout.close()
        self._log.close()

    def _write(self, descriptor: int, head: bytes, pipe: IO[bytes]) -> None:
        """Copy the file to the pipe until another file begins in it, it ends or the process exits."""
        marker, before = _JOINTS.get(head[:4], (b"", 0))
        data, begin = _with_unknown_length(head), _JOINT_FROM
        with contextlib.suppress(BrokenPipeError), os.fdopen(descriptor, "rb", buffering=0) as file, pipe:
            while (at := data.find(marker, begin) if marker else -1) < 0:
                end = max(0, len(data) - len(marker) - before)
                pipe.write(data[:end])
                more = file.read(_CHUNK)
                if not more:
                    pipe.write(data[end:])
                    return
                data, begin = data[end:] + more, max(0, begin - end)
            pipe.write(data[: at - before])
            self._remainder = data[at - before :]

    def _messages(self) -> str:
        log = self._log.fileno()
        return os.pread(log, os.fstat(log).st_size, 0).decode(errors="replace")

    def _errors(self) -> list[str]:
        return [error for error in _ERROR.findall(self._messages()) if not _SKIPPED.match(error)]


def _command(ffmpeg: str | None, start: float, *, piped: bool) -> list[str]:
    """Return the command that decodes standard input from `start` seconds on."""
    if not ffmpeg:
        return [*process.command("vmic.cli.sounds.libsndfile_process"), str(start)]
    protocol, url = ("pipe", "pipe:0") if piped else ("file", "file:/dev/fd/0")
    # asetpts renumbers the frames: those of a second file begin at 0 again and would be dropped.
    return [
        *(ffmpeg, "-nostdin", "-nostats", "-hide_banner", "-loglevel", "level+info"),
        *("-protocol_whitelist", protocol, "-format_whitelist", _FORMATS, "-guess_layout_max", "0"),
        *(("-ss", f"{start:.6f}") if start else ()),  # a pipe cannot seek, not even to 0
        *("-i", url, "-map", "0:a:0", "-af", "asetpts=N/SR/TB"),
        *("-map_metadata", "-1", "-c:a", "pcm_f32le", "-f", "wav", "-flush_packets", "1", "pipe:1"),
    ]


def fill(descriptor: int, data: bytes = b"", size: int = _HEAD) -> bytes:
    """Return `data`, extended from the descriptor to `size` bytes or to the end."""
    while len(data) < size and (more := os.read(descriptor, size - len(data))):
        data += more
    return data


def spool(descriptor: int, data: bytes, name: str) -> None:
    """Replace a pipe by a file on the disk that holds `data` and the rest of the pipe, up to 1 GiB."""
    with tempfile.TemporaryFile() as file:
        while data:
            file.write(data)
            if file.tell() > _LIMIT:
                raise vmic.VmicError(
                    f"cannot play {name}: a file of this kind must be read to its end before it can be "
                    "played, and it is longer than 1 GiB. Save it to a file, and play that file"
                )
            data = os.read(descriptor, _CHUNK)
        file.seek(0)
        os.dup2(file.fileno(), descriptor, inheritable=False)


def _without_tag(descriptor: int, head: bytes) -> bytes:
    """Return the beginning of a file without its ID3 tag, which may hold a picture of any size."""
    if head[:3] != b"ID3":
        return head
    size = 10 + sum((byte & 127) << 7 * index for index, byte in enumerate(reversed(head[6:10])))
    return fill(descriptor, head, size + _HEAD)[size:]


def _with_unknown_length(head: bytes) -> bytes:
    """Return the beginning of a file, with the length marked as unknown in a WAV that has the length 0."""
    at = head.find(b"data") + 4 if head[8:12] == b"WAVE" else 0
    return head[:at] + b"\xff" * 4 + head[at + 4 :] if head[at : at + 4] == bytes(4) and at > 4 else head


def is_joined(descriptor: int, head: bytes, size: int) -> bool:
    """Return whether this file holds several files, or is a WAV whose writer left its lengths at 0."""
    length = int.from_bytes(head[4:8], "little") + 8
    if head[:4] not in _JOINTS or (head[:4] == b"RIFF" and size - 1 <= length <= size):
        return False
    with mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) as content:
        joint = content.find(_JOINTS[head[:4]][0], _JOINT_FROM)
    return joint >= 0 or _with_unknown_length(head) != head
