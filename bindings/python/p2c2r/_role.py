"""What client, peer and coordinator have in common."""

from ctypes import byref, c_void_p
from dataclasses import dataclass

from . import _abi, _callbacks
from ._library import lib
from .constants import EventType, Status, named
from .errors import Error, check


@dataclass(frozen=True)
class Event:
    """What happened to a role: `type` (EventType), `status`, `number`, `subject` and `text`."""

    type: int
    status: int
    number: int
    subject: str
    text: str


@_callbacks.guarded(_abi.EventFn)
def _event(user, pointer):
    event = pointer.contents
    texts = (event.subject or b"", event.text or b"")
    subject, text = (part.decode("utf-8", "replace") for part in texts)
    kind, status = named(EventType, event.type), named(Status, event.status)
    _callbacks.kept(user)(Event(kind, status, event.number, subject, text))


class Role:
    """A handle below a runtime. Leaving `with` closes it. A call after that raises E_STALE."""

    _kind = ""  # as in p2c2r_<kind>_create

    def __init__(self, runtime, config, event):
        self.runtime = runtime
        self._as_parameter_ = None
        self._event = None
        if event is not None:
            self._event = config.user = _callbacks.keep(event)
            config.event = _event
        out, why = c_void_p(), _abi.Error()
        create = getattr(lib, self._kind + "_create")
        try:
            check(create(runtime, byref(config), byref(out), byref(why)), why)
        except Error:
            self._closed()
            raise
        self._as_parameter_ = out.value
        runtime._roles.add(self)

    def close(self):
        """Destroys it; callbacks that wait run here. Closing twice is fine. Blocks."""
        if self in self.runtime._roles:
            check(getattr(lib, self._kind + "_destroy")(self))
            self._closed()
            _callbacks.raise_held()

    def _closed(self):
        self.runtime._roles.discard(self)
        if self._event is not None:
            _callbacks.drop(self._event)
            self._event = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
