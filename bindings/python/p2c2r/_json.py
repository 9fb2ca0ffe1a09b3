"""Maps between Python and the library's JSON: bytes are {"$bytes": base64}, as everywhere in it."""

import base64
import json


def _encode(thing):
    if isinstance(thing, (bytes, bytearray, memoryview)):
        return {"$bytes": base64.b64encode(thing).decode()}
    raise TypeError(f"{type(thing).__name__} has no place in a map: {thing!r}")


def _decode(pairs):
    if len(pairs) == 1 and isinstance(pairs.get("$bytes"), str):
        return base64.b64decode(pairs["$bytes"])
    return pairs


def dumps(thing):
    """UTF-8 JSON of a map. NaN and infinities are refused (ValueError): the protocol has none."""
    text = json.dumps(thing, default=_encode, allow_nan=False, ensure_ascii=False)
    return text.encode("utf-8")


def loads(text):
    return json.loads(text, object_hook=_decode)
