"""Texts on their way in."""

from . import _json


def encode(text):
    """UTF-8 for a const char*; None stays NULL."""
    if text is None:
        return None
    encoded = text.encode("utf-8")
    if b"\0" in encoded:
        raise ValueError(f"a text for the library holds a zero: {text!r}")
    return encoded


def encode_map(value):
    """JSON for a const char*: of a dict, or text that is JSON already; None stays NULL."""
    return encode(value) if value is None or isinstance(value, str) else _json.dumps(value)
