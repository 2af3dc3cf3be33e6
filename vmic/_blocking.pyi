# What cffi generates from native/python/blocking.cdef.
from typing import Any

ffi: Any
lib: Any
