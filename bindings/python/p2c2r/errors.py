"""Errors of the library as one exception."""

from ._library import lib
from .constants import Status, named


class Error(Exception):
    """What went wrong: `status` (a Status), `name` of it, `field` it is about or "", `text` with
    what, which and how much, and for E_BUSY `retry_after_ms`.

    An executor raises it to say how its job failed; everything else it raises becomes E_EXECUTOR.
    """

    def __init__(self, status, text="", field="", retry_after_ms=0):
        self.status = named(Status, int(status))
        self.name = lib.status_name(int(status)).decode()
        self.text = text or lib.status_text(int(status)).decode()
        self.field = field
        self.retry_after_ms = retry_after_ms
        super().__init__(self.status, self.text, self.field, self.retry_after_ms)

    def __str__(self):
        return f"{self.name}: {self.text}"


def check(status, why=None):
    """Raises an error; returns OK and PENDING. `why`: the struct the library told detail in."""
    if status >= 0:
        return status
    if why is not None and why.status == status:
        text, field = (part.decode("utf-8", "replace") for part in (why.text, why.field))
        raise Error(status, text, field, why.retry_after_ms)
    raise Error(status)
