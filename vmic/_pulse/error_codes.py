"""The error codes of libpulse: their meaning, and how to resolve them."""

from __future__ import annotations

from vmic._pulse.bindings import libpulse

NO_ENTITY = 5  # PA_ERR_NOENTITY
REFUSED = 6  # PA_ERR_CONNECTIONREFUSED
KILLED = 12  # PA_ERR_KILLED
# PA_ERR_ACCESS, _INVALIDSERVER, _CONNECTIONTERMINATED, _MODINITFAILED
_ACCESS, _INVALID_SERVER, _TERMINATED, _MODULE_FAILED = 1, 13, 11, 14

_OF_CONNECTION = {
    _ACCESS: "The server belongs to another user, or it expects another cookie. Run as that user, or set "
    "PULSE_COOKIE to the cookie file of the server",
    _INVALID_SERVER: "PULSE_SERVER is empty, or is not an address such as unix:/path or tcp:host. Correct "
    "the variable, or unset it to use the user's own server",
    _TERMINATED: "The server has reached its limit of 64 connections. End other programs that use sound, or "
    "use a separate sound server for this program",
}
_MAY_NOT = "configuration of the server does not allow it to load modules (allow-module-loading)"
_OF_MODULE = {
    _ACCESS: f"The {_MAY_NOT}",
    _MODULE_FAILED: f"PulseAudio also reports this error if the {_MAY_NOT}",
}


def text(code: int) -> str:
    """Return libpulse's text for error `code`."""
    return str(libpulse.pa.strerror(code))


def of_connection(code: int) -> str:
    """Return the text and the remedy for a refused connection."""
    return _with(_OF_CONNECTION, code)


def of_module(code: int) -> str:
    """Return the text and the remedy for a module that was not loaded."""
    return _with(_OF_MODULE, code)


def _with(cures: dict[int, str], code: int) -> str:
    return f"{text(code)}. {cures[code]}" if code in cures else text(code)
