"""The errors of vmic, as one tree.

::

    OSError
    └── VmicError
        ├── ServerError        no sound server answers
        ├── DeviceError        a device cannot be created, found, used or removed
        ├── DeviceLostError    a device in use was removed, or its server stopped
        ├── DrainTimeoutError  a drain did not finish in time (also a TimeoutError)
        └── ClosedError        the device is closed

A bad argument raises a ``ValueError`` or a ``TypeError``. Each message says what failed, on which device,
why, and what to do.
"""

from __future__ import annotations


class VmicError(OSError):
    """The base class of all errors that a sound server, a device or the machine causes."""

    __module__ = "vmic"


class ServerError(VmicError):
    """No sound server answers, because none runs, or the server refuses the connection or hangs."""

    __module__ = "vmic"


class DeviceError(VmicError):
    """A device cannot be created, found, used or removed. The message gives the reason and the remedy."""

    __module__ = "vmic"


class DeviceLostError(VmicError):
    """A device in use was removed, or its server stopped playing or recording.

    Attributes:
        frames_written: The number of frames that the failed write queued. Applications hear these frames
            when the device works again. The other frames of the write were not queued.
    """

    __module__ = "vmic"

    def __init__(self, message: str, frames_written: int = 0) -> None:
        super().__init__(message)
        self.frames_written = frames_written


class DrainTimeoutError(VmicError, TimeoutError):
    """The `timeout` of a drain passed before all written frames were heard."""

    __module__ = "vmic"


class ClosedError(VmicError):
    """The device was used after `close`, or another thread closed it during the call.

    Attributes:
        frames_written: The number of frames that the interrupted write had queued before the close.
    """

    __module__ = "vmic"

    def __init__(self, message: str, frames_written: int = 0) -> None:
        super().__init__(message)
        self.frames_written = frames_written
