"""`Daily`: the entry to the API for programs that were written for daily-python."""

from __future__ import annotations

import enum
import logging
from typing import Any

from vmic import _api, _selection, _speaker_api
from vmic._errors import VmicError
from vmic.call import devices
from vmic.call._daily.vad import NativeVad

# Finer than logging's own.
_TRACE = 5

_log = logging.getLogger("vmic")


class LogLevel(enum.IntEnum):
    """How much vmic logs."""

    Off = 0
    Error = 1
    Warn = 2
    Info = 3
    Debug = 4
    Trace = 5

    def __str__(self) -> str:
        return f"LogLevel.{self.name}"


LogLevel.__module__ = "vmic"

_LEVELS = {
    LogLevel.Off: logging.CRITICAL + 1,
    LogLevel.Error: logging.ERROR,
    LogLevel.Warn: logging.WARNING,
    LogLevel.Info: logging.INFO,
    LogLevel.Debug: logging.DEBUG,
    LogLevel.Trace: _TRACE,
}


class Daily:
    """What daily-python calls so; nothing needs to be begun, and a second `init` is as good as the first."""

    __module__ = "vmic"

    def __new__(cls) -> Any:
        raise TypeError("cannot create 'vmic.Daily' instances: call its functions, as Daily.init()")

    @staticmethod
    def init(worker_threads: int = 2, log_level: LogLevel = LogLevel.Off) -> None:
        """Set the log level; may be called again.

        Args:
            worker_threads: Not used: a call has a process of its own.
            log_level: As for `set_log_level`.
        """
        if isinstance(worker_threads, bool) or not isinstance(worker_threads, int):
            raise TypeError(f"worker_threads is an int, not {worker_threads!r}")
        Daily.set_log_level(log_level)

    @staticmethod
    def deinit() -> None:
        """Do nothing: devices and calls stay until they are closed, or the program ends."""

    @staticmethod
    def set_log_level(log_level: LogLevel) -> None:
        """Log so much of what vmic does, to the logger "vmic": to standard error where none is set up.

        What fails, and nobody is told of, is logged in any case.

        Args:
            log_level: How much.

        Raises:
            TypeError: It is no `LogLevel`.
        """
        if not isinstance(log_level, LogLevel):
            raise TypeError(f"log_level is a LogLevel, not {log_level!r}")
        _log.setLevel(_LEVELS[log_level])
        if log_level > LogLevel.Warn and not _log.hasHandlers():
            _log.addHandler(logging.StreamHandler())

    # With what vmic takes besides.
    create_microphone_device = staticmethod(_api.create_microphone_device)
    create_speaker_device = staticmethod(_speaker_api.create_speaker_device)

    @staticmethod
    def create_native_vad(
        reset_period_ms: int = 1000, sample_rate: int = 16000, channels: int = 1
    ) -> NativeVad:
        """Make a detector of voice; it needs no sound server.

        Args:
            reset_period_ms: After so much audio it forgets what it has learnt of the noise.
            sample_rate: Frames a second, 8000 to 192000.
            channels: Samples in a frame, 1 to 32.

        Raises:
            ValueError: An argument is out of range.
            TypeError: An argument is of another type.
            VmicError: The package webrtcvad-wheels is not installed.
        """
        return NativeVad(reset_period_ms, sample_rate, channels)

    @staticmethod
    def select_speaker_device(device_name: str) -> None:
        """Let the calls of this process be heard on that speaker, also those that are joined already.

        Args:
            device_name: The name of a speaker, vmic's or any other, as applications show it or as the sound
                server calls it.

        Raises:
            RuntimeError: There is none; the message lists those there are.
        """
        try:
            _selection.select(devices.sink_name(device_name))
        except VmicError as error:
            raise RuntimeError(f"unable to select virtual speaker device: {error}") from error
