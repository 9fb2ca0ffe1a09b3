"""What came of a task."""

import ctypes
from ctypes import byref, c_size_t
from dataclasses import dataclass

from . import _abi, _buffers, _json
from ._library import lib
from .constants import Format, Pixel, Source, Status, Text, named
from .errors import Error, check


class _Reference:
    """One reference to a p2c2r_result, given back when the last view of its memory is gone."""

    def __init__(self, handle):
        self.handle = handle

    def __del__(self, release=lib.result_release):
        release(self.handle)


@dataclass(frozen=True)
class Image:
    """A picture: `format` (Pixel), size in pixels, its bytes; `stride` is the bytes from one raw
    row to the next, 0: no padding."""

    format: int
    width: int
    height: int
    data: object
    stride: int = 0


def image_of(struct, owner):
    """A read-only Image of a p2c2r_image whose memory `owner` keeps alive."""
    data = _buffers.view(struct.bytes.data, struct.bytes.size, owner)
    return Image(named(Pixel, struct.format), struct.width, struct.height, data, struct.stride)


class Result:
    """The end of a task, good or bad; immutable, any thread. `data`, `image` and what is sliced
    from them show the library's memory without a copy and keep it alive, also after this object,
    its client and its runtime are gone."""

    def __init__(self, handle):
        """Takes over one reference."""
        self._reference = _Reference(handle)
        self._as_parameter_ = handle
        self._fields = None

    @property
    def status(self):
        return named(Status, lib.result_status(self))

    @property
    def ok(self):
        return self.status == Status.OK

    def check(self):
        """This result, or its error raised."""
        if not self.ok:
            info = self.info
            raise Error(info.status, self.message, self._text(Text.FIELD), info.retry_after_ms)
        return self

    @property
    def info(self):
        """The fields of p2c2r_result_info: status, source, attempts, total_us, queue_us and more."""
        info = _abi.ResultInfo()
        check(lib.result_info_get(self, byref(info)))
        return info

    @property
    def source(self):
        return named(Source, self.info.source)

    @property
    def data(self):
        """The bytes, as a read-only memoryview without a copy."""
        size = c_size_t()
        address = lib.result_data(self, byref(size))
        return _buffers.view(address, size.value, self._reference)

    @property
    def fields(self):
        """The map form as a dict; empty when there is none."""
        if self._fields is None:
            size = c_size_t()
            address = lib.result_fields(self, Format.JSON, byref(size))
            self._fields = _json.loads(ctypes.string_at(address, size.value)) if address else {}
        return self._fields

    @property
    def fields_msgpack(self):
        """The map form as it travelled, without a copy."""
        size = c_size_t()
        address = lib.result_fields(self, Format.MSGPACK, byref(size))
        return _buffers.view(address, size.value, self._reference)

    def _text(self, which):
        size = c_size_t()
        address = lib.result_text(self, which, byref(size))
        return _buffers.text_at(address, size.value)

    @property
    def message(self):
        return self._text(Text.MESSAGE)

    @property
    def task_id(self):
        return self._text(Text.TASK_ID)

    @property
    def task_type(self):
        return self._text(Text.TASK_TYPE)

    @property
    def algorithm(self):
        return self._text(Text.ALGORITHM)

    @property
    def digest(self):
        """SHA-256 of the pixels of an image, else of the fields followed by the data."""
        digest = (ctypes.c_uint8 * 32)()
        check(lib.result_digest(self, digest))
        return bytes(digest)

    @property
    def image(self):
        """The picture of an image result; E_STATE for another one."""
        image = _abi.Image()
        check(lib.result_image(self, byref(image)))
        return image_of(image, self._reference)

    def apply_delta(self, before, out=None):
        """What this result, which holds a delta, makes of `before`, the state it is against: into
        `out`, a writable buffer that may be `before` itself, which is returned; without one into a
        fresh bytearray."""
        old = _buffers.Memory(before)
        out = bytearray(old.size) if out is None else out
        new = _buffers.Memory(out, writable=True)
        size, why = c_size_t(new.size), _abi.Error()
        status = lib.result_apply_delta(
            self, old.address, old.size, new.address, byref(size), byref(why)
        )
        check(status, why)
        return out

    def __repr__(self):
        detail = f"{len(self.data)} bytes" if self.ok else repr(self.message)
        return f"<Result {self.task_id} {self.task_type} {self.status!s} {detail}>"
