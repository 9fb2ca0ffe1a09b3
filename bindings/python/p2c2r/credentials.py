"""Whom a client or peer believes to be its coordinator, and what it shows there."""

import ctypes
from dataclasses import dataclass, field

from . import _abi
from ._text import encode

PIN_SIZE, TOKEN_SIZE, INVITE_SIZE = 32, 32, 16


def _exactly(name, value, size):
    """The bytes of a value that is bytes, or their hexadecimal text; None stays None."""
    if value is None:
        return None
    try:
        data = bytes.fromhex(value) if isinstance(value, str) else bytes(value)
    except ValueError:
        raise ValueError(f"{name} is no hexadecimal text") from None
    if len(data) != size:
        raise ValueError(f"{name} has {len(data)} bytes, not {size}")
    return data


@dataclass(frozen=True)
class Credentials:
    """p2c2r_credentials. `server_pin` (32 bytes): the coordinator's public key, by its SHA-256;
    without it `ca_file` decides. `identity_file`: a private key, as `runtime.call("keys.new")`
    makes; `token` (32 bytes), for software without a key; `invite` (16 bytes): the secret of a join
    code, which enrols the key once. Bytes may be given as hexadecimal text. What is secret is not
    shown by repr."""

    server_pin: object = None
    ca_file: str = None
    identity_file: str = None
    token: object = field(default=None, repr=False)
    invite: object = field(default=None, repr=False)

    def _struct(self):
        """For one call: it keeps what it points to."""
        struct = _abi.Credentials(
            ca_file=encode(self.ca_file), identity_file=encode(self.identity_file)
        )
        pin = _exactly("server_pin", self.server_pin, PIN_SIZE)
        if pin is not None:
            struct.server_pin[:] = pin
        struct.kept = []
        for name, size in (("token", TOKEN_SIZE), ("invite", INVITE_SIZE)):
            secret = _exactly(name, getattr(self, name), size)
            if secret is None:
                continue
            memory = ctypes.create_string_buffer(secret, size)
            struct.kept.append(memory)
            setattr(struct, name, ctypes.addressof(memory))
            setattr(struct, name + "_size", size)
        return struct


def pointer_to(credentials):
    """For the `credentials` of a config; None stays NULL."""
    return None if credentials is None else ctypes.pointer(credentials._struct())
