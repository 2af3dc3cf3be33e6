# Functions of vmic.h and vmic_reader.h with the GIL released: those that may wait, or copy for long.
# cffi generates this module from native/python/blocking.cdef.
from typing import Any

ffi: Any
lib: Any
