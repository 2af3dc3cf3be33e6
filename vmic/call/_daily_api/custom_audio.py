"""Custom audio as the microphone of a call: `CustomAudioSource` and `CustomAudioTrack`."""

from __future__ import annotations

import uuid
import weakref

from vmic._base.validation import check_bool
from vmic._base.waiter import ThreadWaiter, run
from vmic._microphone_creation import create_microphone_device
from vmic._stream.completions import Completion
from vmic._stream.pcm import Frames

# The time that a write waits beyond the length of its audio, in seconds.
_PATIENCE = 5.0
# Garbage collection must not block for long.
_GC_SECONDS = 2.0


class CustomAudioSource:
    """Audio that the program writes, for a `CustomAudioTrack`.

    The source is a microphone of the operating system. Applications show it as "custom audio" and 8
    hexadecimal digits. `close` or garbage collection removes the microphone.
    """

    __module__ = "vmic"

    def __init__(self, sample_rate: int, channels: int, auto_silence: bool = True) -> None:
        """Create the microphone. This blocks for about 50 ms (250 ms on PipeWire).

        Args:
            sample_rate: Frames per second, 8000 to 192000.
            channels: Samples per frame, 1 to 32.
            auto_silence: Has no effect: between writes, there is always silence.

        Raises:
            ValueError: An argument is out of range.
            TypeError: An argument has the wrong type.
            DeviceError: The server refuses the microphone.
            ServerError: No sound server answers.
        """
        check_bool("auto_silence", auto_silence)
        name = f"custom audio {uuid.uuid4().hex[:8]}"
        self._microphone = create_microphone_device(name, sample_rate, channels, non_blocking=True)
        finalizer = weakref.finalize(self, self._microphone._close, _GC_SECONDS, at_most=_GC_SECONDS)
        finalizer.atexit = False  # the microphone itself is closed at exit

    @property
    def sample_rate(self) -> int:
        """Return the sample rate, in frames per second."""
        return self._microphone.sample_rate

    @property
    def channels(self) -> int:
        """Return the number of channels, which is the number of samples per frame."""
        return self._microphone.channels

    @property
    def source_name(self) -> str:
        """Return the name of the microphone's source on the sound server."""
        return self._microphone.source_name

    def write_frames(self, frames: Frames, completion: Completion | None = None) -> int:
        """Write audio. If `completion` is given, this returns at once. Otherwise, it blocks.

        Args:
            frames: As for `VirtualMicrophoneDevice.write_frames`.
            completion: As for `VirtualMicrophoneDevice.write_frames`. Without a completion, this waits as
                long as a write to a blocking microphone does.

        Returns:
            The number of accepted frames. If `completion` is given and the queue (60 s) fills up, this is
            less than the number of frames passed.

        Raises:
            ValueError: The frames do not fit the source.
            TypeError: The frames have an unsupported type.
            DeviceLostError: The server stopped consuming audio (only without a completion).
            ClosedError: The source is closed.
        """
        if completion is not None:
            return self._microphone.write_frames(frames, completion)
        return run(self._microphone._write(ThreadWaiter, frames, None, _PATIENCE, paced=True))

    def close(self) -> None:
        """Wait until all frames are heard, then remove the microphone. A second call does nothing."""
        self._microphone.close()


class CustomAudioTrack:
    """A track that sends a `CustomAudioSource` in a call, through `CallClient.update_inputs`.

    The settings are ``{"microphone": {"isEnabled": True, "settings": {"customTrack": {"id": track.id}}}}``.
    """

    __module__ = "vmic"

    def __init__(self, audio_source: CustomAudioSource) -> None:
        """Create a track of a source. The track keeps its source from being garbage-collected.

        Raises:
            TypeError: `audio_source` is not a `CustomAudioSource`.
        """
        if not isinstance(audio_source, CustomAudioSource):
            raise TypeError(f"audio_source must be a CustomAudioSource, got {audio_source!r}")
        self._source = audio_source
        self._id = str(uuid.uuid4())
        tracks[self._id] = self

    @property
    def id(self) -> str:
        """Return the id of the track (a UUID), for `CallClient.update_inputs`."""
        return self._id

    @property
    def source_name(self) -> str:
        """Return the sound server's name for the source that the track sends."""
        return self._source.source_name


# The tracks of this process, by their ids.
tracks: weakref.WeakValueDictionary[str, CustomAudioTrack] = weakref.WeakValueDictionary()
