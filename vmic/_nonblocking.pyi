# What cffi generates from native/python/nonblocking.cdef.
from typing import Any

ffi: Any
lib: Any
