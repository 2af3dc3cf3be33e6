# What cffi generates from native/quick.cdef.
from typing import Any

ffi: Any
lib: Any
