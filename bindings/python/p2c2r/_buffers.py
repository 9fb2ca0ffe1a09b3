"""Bytes on their way in, and views of bytes that came out; copied only where that is safer.

Read-only objects (bytes, read-only memoryviews and arrays) of LEND_FROM bytes and more are lent:
the library reads their memory and they stay alive until it lets go. Writable ones are copied by the
library before the call returns, for their owner may change them at any time; one that will not be
changed is lent as memoryview(x).toreadonly().
"""

import ctypes
from ctypes import POINTER, Structure, byref, c_char_p, c_int, c_ssize_t, c_ubyte, c_void_p

from . import _abi, _callbacks

LEND_FROM = 4096  # below, a copy costs less than remembering whose memory it is


class _Buffer(Structure):
    """Py_buffer of CPython's stable interface: the way to the address of a read-only object."""

    _fields_ = [
        ("buf", c_void_p),
        ("obj", c_void_p),
        ("len", c_ssize_t),
        ("itemsize", c_ssize_t),
        ("readonly", c_int),
        ("ndim", c_int),
        ("format", c_char_p),
        ("shape", POINTER(c_ssize_t)),
        ("strides", POINTER(c_ssize_t)),
        ("suboffsets", POINTER(c_ssize_t)),
        ("internal", c_void_p),
    ]


_get_buffer = ctypes.pythonapi.PyObject_GetBuffer
_get_buffer.argtypes = [ctypes.py_object, POINTER(_Buffer), c_int]
_get_buffer.restype = c_int
_release_buffer = ctypes.pythonapi.PyBuffer_Release
_release_buffer.argtypes = [POINTER(_Buffer)]
_release_buffer.restype = None
_SIMPLE, _WRITABLE = 0, 1


class Memory:
    """The memory of an object, which neither moves nor goes away while this lives. Raises TypeError
    for what has none and BufferError for what is not in one piece."""

    def __init__(self, thing, writable=False):
        self._buffer = None
        buffer = _Buffer()
        _get_buffer(thing, byref(buffer), _WRITABLE if writable else _SIMPLE)
        self._buffer = buffer
        self.address, self.size, self.readonly = buffer.buf, buffer.len, bool(buffer.readonly)

    def close(self, release=_release_buffer, byref=byref):  # bound: the interpreter may be going
        buffer, self._buffer = self._buffer, None
        if buffer is not None:
            release(byref(buffer))

    __del__ = close


@_callbacks.guarded(_abi.ReleaseFn)
def _let_go(user, data, size, drop=_callbacks.drop):
    memory = drop(user)
    if memory is not None:
        memory.close()


class Payload:
    """A p2c2r_bytes of an object, for one call. After the call: taken(), when it said OK, or
    close().

    `give` lends writable memory too: it was handed over, as an executor's answer is."""

    def __init__(self, thing, give=False):
        memory = self._memory = Memory(thing)
        self._number = None
        self.bytes = _abi.Bytes(data=memory.address, size=memory.size)
        if memory.size > 0 and (give or memory.readonly and memory.size >= LEND_FROM):
            self._number = _callbacks.keep(memory)
            self.bytes.release = _let_go
            self.bytes.user = self._number

    def taken(self):
        """The call has the bytes now: copied, or lent until it calls back."""
        if self._number is None:
            self._memory.close()

    def close(self):
        """The call failed, or there was none: the memory is the caller's as before."""
        if self._number is not None:
            _callbacks.drop(self._number)
        self._memory.close()


def view(address, size, owner):
    """A read-only memoryview of the library's memory that keeps `owner` alive."""
    if not address or size == 0:
        return memoryview(b"")
    array = (c_ubyte * size).from_address(address)
    array.owner = owner
    return memoryview(array).cast("B").toreadonly()


def text_at(address, size):
    return ctypes.string_at(address, size).decode("utf-8", "replace") if address and size else ""
