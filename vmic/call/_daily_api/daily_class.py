"""`Daily`: the entry point of the API for programs that were written for daily-python."""

from __future__ import annotations

import enum
import logging
from typing import Any

from vmic import _microphone_creation, _selected_speaker, _speaker_creation
from vmic._errors import VmicError
from vmic.call import device_lookup
from vmic.call._daily_api.vad import NativeVad
from vmic.call._daily_api.virtual_devices import VirtualMicrophoneDevice, VirtualSpeakerDevice

_log = logging.getLogger("vmic")


class LogLevel(enum.IntEnum):
    """The levels of vmic's log."""

    Off = 0
    Error = 1
    Warn = 2
    Info = 3
    Debug = 4
    Trace = 5

    def __str__(self) -> str:
        return f"LogLevel.{self.name}"


LogLevel.__module__ = "vmic"

# By `LogLevel`. The last one is below the lowest level of `logging`.
_LEVELS = (logging.CRITICAL + 1, logging.ERROR, logging.WARNING, logging.INFO, logging.DEBUG, 5)


class Daily:
    """The functions of daily-python's class `Daily`. Calling `init` is optional."""

    __module__ = "vmic"

    def __new__(cls) -> Any:
        raise TypeError(
            "cannot create 'vmic.Daily' instances: call the functions of the class, such as Daily.init()"
        )

    @staticmethod
    def init(worker_threads: int = 2, log_level: LogLevel = LogLevel.Off) -> None:
        """Set the log level. A program may call this function again.

        Args:
            worker_threads: Has no effect, because each call has its own process.
            log_level: As for `set_log_level`.
        """
        if isinstance(worker_threads, bool) or not isinstance(worker_threads, int):
            raise TypeError(f"worker_threads must be an integer, got {worker_threads!r}")
        Daily.set_log_level(log_level)

    @staticmethod
    def deinit() -> None:
        """Do nothing: devices and calls exist until they are closed or the program exits."""

    @staticmethod
    def set_log_level(log_level: LogLevel) -> None:
        """Set the level of the logger "vmic". Without a handler, the logger writes to standard error.

        vmic always logs the failures that it cannot report to the program.

        Args:
            log_level: The level.

        Raises:
            TypeError: `log_level` is not a `LogLevel`.
        """
        if not isinstance(log_level, LogLevel):
            raise TypeError(f"log_level must be a LogLevel, got {log_level!r}")
        _log.setLevel(_LEVELS[log_level])
        if log_level > LogLevel.Warn and not _log.hasHandlers():
            _log.addHandler(logging.StreamHandler())

    @staticmethod
    def create_microphone_device(
        device_name: str,
        sample_rate: int = 16000,
        channels: int = 1,
        non_blocking: bool = False,
        **settings: Any,
    ) -> VirtualMicrophoneDevice:
        """Create a microphone as `vmic.create_microphone_device` does, with the same exceptions.

        Args:
            device_name: As for `vmic.create_microphone_device`.
            sample_rate: Frames per second, 8000 to 192000.
            channels: Samples per frame, 1 to 32.
            non_blocking: Whether writes return at once.
            settings: The keyword-only arguments of `vmic.create_microphone_device`: `latency`, `replace`, ...
        """
        return _microphone_creation.create_microphone(
            VirtualMicrophoneDevice, device_name, sample_rate, channels, non_blocking=non_blocking, **settings
        )

    @staticmethod
    def create_speaker_device(
        device_name: str,
        sample_rate: int = 16000,
        channels: int = 1,
        non_blocking: bool = False,
        **settings: Any,
    ) -> VirtualSpeakerDevice:
        """Create a speaker as `vmic.create_speaker_device` does, with the same exceptions.

        Args:
            device_name: As for `vmic.create_speaker_device`.
            sample_rate: Frames per second, 8000 to 192000.
            channels: Samples per frame, 1 to 32.
            non_blocking: Whether reads return at once.
            settings: The keyword-only arguments of `vmic.create_speaker_device`: `replace`, `backlog`, ...
        """
        return _speaker_creation.create_speaker(
            VirtualSpeakerDevice, device_name, sample_rate, channels, non_blocking=non_blocking, **settings
        )

    @staticmethod
    def create_native_vad(
        reset_period_ms: int = 1000, sample_rate: int = 16000, channels: int = 1
    ) -> NativeVad:
        """Create a voice activity detector, which needs no sound server.

        Args:
            reset_period_ms: The detector is reset after this many milliseconds of audio, and so forgets the
                background noise that it has learned. At least 10.
            sample_rate: Frames per second, 8000 to 192000.
            channels: Samples per frame, 1 to 32.

        Raises:
            ValueError: An argument is out of range.
            TypeError: An argument has the wrong type.
            VmicError: The package webrtcvad-wheels is not installed.
        """
        return NativeVad(reset_period_ms, sample_rate, channels)

    @staticmethod
    def select_speaker_device(device_name: str) -> None:
        """Play the calls of this process on a speaker, including calls that are joined already.

        Args:
            device_name: Any speaker on the sound server: the name that applications show, or the name of the
                sink.

        Raises:
            RuntimeError: The speaker is not found. The message lists the speakers that exist.
        """
        try:
            _selected_speaker.select(device_lookup.sink_name(device_name))
        except VmicError as error:
            raise RuntimeError(f"unable to select virtual speaker device: {error}") from error
