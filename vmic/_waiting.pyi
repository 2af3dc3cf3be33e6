# What cffi generates from native/waiting.cdef.
from typing import Any

ffi: Any
lib: Any
