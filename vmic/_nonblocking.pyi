# Functions of vmic.h and vmic_reader.h with the GIL held: those that never wait.
# cffi generates this module from native/python/nonblocking.cdef.
from typing import Any

ffi: Any
lib: Any
