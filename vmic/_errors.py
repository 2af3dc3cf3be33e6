"""What can go wrong, as one tree.

::

    OSError
    └── VmicError
        ├── ServerError        no sound server, or it does not answer
        ├── DeviceError        refused: the name is taken, a module is missing, not allowed
        ├── DeviceLostError    the device was there and went away, or stopped taking audio
        ├── DrainTimeoutError  a drain's time has passed; a TimeoutError too
        └── ClosedError        you closed it

A bad argument is a ``ValueError`` or a ``TypeError``. Each message says what was tried, on which device,
what the server said, and what to do next.
"""

from __future__ import annotations


class VmicError(OSError):
    """The base of every error that vmic raises for what the world did."""

    __module__ = "vmic"


class ServerError(VmicError):
    """No sound server answers: none runs, it refuses, or it hangs."""

    __module__ = "vmic"


class DeviceError(VmicError):
    """The server (or vmic, before asking it) refused to make, find or remove a device."""

    __module__ = "vmic"


class DeviceLostError(VmicError):
    """The device went away, or its server stopped taking audio, while it was in use.

    Attributes:
        frames_written: How many frames of the failed write were accepted; they are heard if the device
            comes back. The rest was never taken.
    """

    __module__ = "vmic"

    def __init__(self, message: str, frames_written: int = 0) -> None:
        super().__init__(message)
        self.frames_written = frames_written


class DrainTimeoutError(VmicError, TimeoutError):
    """The `timeout` of a drain passed before everything written was heard."""

    __module__ = "vmic"


class ClosedError(VmicError):
    """The device was used after `close`, or closed by another thread during the call.

    Attributes:
        frames_written: How many frames of the interrupted write were accepted before the close.
    """

    __module__ = "vmic"

    def __init__(self, message: str, frames_written: int = 0) -> None:
        super().__init__(message)
        self.frames_written = frames_written
