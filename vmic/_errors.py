"""The errors of vmic, as one tree.

::

    OSError
    └── VmicError
        ├── ServerError        no sound server, or it does not answer
        ├── DeviceError        refused: the name is taken, a module is missing, not allowed
        ├── DeviceLostError    the device was there and went away, or stopped taking audio
        ├── DrainTimeoutError  a drain's time has passed; a TimeoutError too
        └── ClosedError        you closed it

A bad argument is a ``ValueError`` or a ``TypeError``. Each message says what failed, on which device, why,
and what to do.
"""

from __future__ import annotations


class VmicError(OSError):
    """The base class of the errors that the server, a device or the machine causes."""

    __module__ = "vmic"


class ServerError(VmicError):
    """No sound server answers: none runs, it refuses the connection, or it hangs."""

    __module__ = "vmic"


class DeviceError(VmicError):
    """The server, or vmic itself, refused to create, find or remove a device."""

    __module__ = "vmic"


class DeviceLostError(VmicError):
    """The device went away, or its server stopped consuming audio, while it was in use.

    Attributes:
        frames_written: The number of frames that the failed write queued. They are heard if the device
            returns. The other frames were not queued.
    """

    __module__ = "vmic"

    def __init__(self, message: str, frames_written: int = 0) -> None:
        super().__init__(message)
        self.frames_written = frames_written


class DrainTimeoutError(VmicError, TimeoutError):
    """The `timeout` of a drain passed before everything written was heard."""

    __module__ = "vmic"


class ClosedError(VmicError):
    """The device was used after `close`, or another thread closed it during the call.

    Attributes:
        frames_written: The number of frames that the interrupted write queued before the close.
    """

    __module__ = "vmic"

    def __init__(self, message: str, frames_written: int = 0) -> None:
        super().__init__(message)
        self.frames_written = frames_written
