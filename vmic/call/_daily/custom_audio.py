"""A program's own audio as the microphone of a call: `CustomAudioSource` and `CustomAudioTrack`."""

from __future__ import annotations

import uuid
import weakref

from vmic._api import create_microphone_device
from vmic._base.validation import check_bool
from vmic._microphone import VirtualMicrophoneDevice
from vmic._stream.completions import Completion
from vmic._stream.paced_write import checked
from vmic._stream.pcm import Frames

# How long a write waits beyond the time that its audio needs.
_PATIENCE = 5.0
# At garbage collection nobody expects to wait.
_GC_SECONDS = 2.0


class CustomAudioSource:
    """Audio that a program writes, for a `CustomAudioTrack`.

    It is a microphone of the operating system, as every audio of vmic's: while it is there, applications show
    it as "custom audio" and a number. It goes when it is collected, or with `close`.
    """

    __module__ = "vmic"

    def __init__(self, sample_rate: int, channels: int, auto_silence: bool = True) -> None:
        """Create the microphone. Blocks for some 50 ms (250 on PipeWire), at most 5 s.

        Args:
            sample_rate: Frames a second, 8000 to 192000.
            channels: Samples in a frame, 1 to 32.
            auto_silence: Accepted as daily-python's; between writes there is silence in any case.

        Raises:
            ValueError: An argument is out of range.
            TypeError: An argument is of another type.
            DeviceError: The server refuses.
            ServerError: No sound server answers.
        """
        check_bool("auto_silence", auto_silence)
        name = f"custom audio {uuid.uuid4().hex[:8]}"
        self._microphone = create_microphone_device(name, sample_rate, channels, non_blocking=True)
        finalizer = weakref.finalize(self, _collect, self._microphone)
        finalizer.atexit = False  # the microphone's own end is

    @property
    def sample_rate(self) -> int:
        """Frames a second."""
        return self._microphone.sample_rate

    @property
    def channels(self) -> int:
        """Samples in a frame."""
        return self._microphone.channels

    @property
    def source_name(self) -> str:
        """What the sound server calls it."""
        return self._microphone.source_name

    def write_frames(self, frames: Frames, completion: Completion | None = None) -> int:
        """Write audio: with a completion at once, without one at the pace of the sound server.

        Args:
            frames: As for `VirtualMicrophoneDevice.write_frames`.
            completion: Called once, with the number of frames that the server took, on a thread of vmic's.
                The write returns at once then; without one it blocks until what is queued will be heard
                within 20 ms (25 ms on PipeWire).

        Returns:
            Frames accepted; fewer than all with a completion where 60 s are queued.

        Raises:
            ValueError: The frames do not fit the source.
            TypeError: They are of no type that is taken.
            DeviceLostError: The server stopped taking audio (without a completion).
            ClosedError: The source is closed.
        """
        if completion is not None:
            return self._microphone.write_frames(frames, completion)
        view, count, timeout = checked(frames, None, self.channels, None, _PATIENCE)
        self._microphone._check_open()
        return self._microphone._write_through(view, count, None, timeout)

    def close(self) -> None:
        """Let everything written be heard, then take the microphone away. Closing twice does nothing."""
        self._microphone.close()


class CustomAudioTrack:
    """A `CustomAudioSource` as `CallClient.update_inputs` takes it: ``{"customTrack": {"id": track.id}}``."""

    __module__ = "vmic"

    def __init__(self, audio_source: CustomAudioSource) -> None:
        """Make a track of a source, which stays for as long as the track.

        Raises:
            TypeError: It is no source.
        """
        if not isinstance(audio_source, CustomAudioSource):
            raise TypeError(f"audio_source is a CustomAudioSource, not {audio_source!r}")
        self._source = audio_source
        self._id = str(uuid.uuid4())
        _tracks[self._id] = self

    @property
    def id(self) -> str:
        """What settings call it, a uuid."""
        return self._id

    @property
    def source_name(self) -> str:
        """What the sound server calls its source."""
        return self._source.source_name


_tracks: weakref.WeakValueDictionary[str, CustomAudioTrack] = weakref.WeakValueDictionary()


def track(identity: str) -> CustomAudioTrack | None:
    """Return this process's track of that id, if there is one."""
    return _tracks.get(identity)


def _collect(microphone: VirtualMicrophoneDevice) -> None:
    microphone._close(_GC_SECONDS, at_most=_GC_SECONDS)
