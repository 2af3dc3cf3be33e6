# What cffi generates from native/cffi.cdef.
from typing import Any

ffi: Any
lib: Any
