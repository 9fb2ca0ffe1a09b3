"""A helper's machine."""

import ctypes
from ctypes import byref, c_size_t

from . import _abi
from ._library import lib
from ._role import Role
from ._text import encode, encode_map
from .constants import Deliver, Status
from .credentials import pointer_to
from .errors import check


class Peer(Role):
    """Runs the tasks of one coordinator: `local`, a Coordinator of the same runtime, or the one at
    `coordinator_url`, with Credentials where that is p2c2r://. `capabilities` is a dict of the fields of p2c2r_capabilities that are not to
    be as detected; the rest is p2c2r_peer_config."""

    _kind = "peer"

    def __init__(
        self,
        runtime,
        *,
        local=None,
        coordinator_url=None,
        peer_id=None,
        credentials=None,
        capabilities=None,
        max_concurrent_tasks=0,
        prefetch_tasks=0,
        reconnect_attempts=0,
        deliver=Deliver.ON_DISPATCH,
        options=None,
        event=None,
    ):
        config = _abi.PeerConfig(
            max_concurrent_tasks=max_concurrent_tasks,
            deliver=deliver,
            reconnect_attempts=reconnect_attempts,
            prefetch_tasks=prefetch_tasks,
            local=None if local is None else local._as_parameter_,
            coordinator_url=encode(coordinator_url),
            peer_id=encode(peer_id),
            options=encode_map(options),
            credentials=pointer_to(credentials),
        )
        if capabilities is not None:
            given = {k: encode(v) if isinstance(v, str) else v for k, v in capabilities.items()}
            config.capabilities = ctypes.pointer(_abi.Capabilities(**given))
        self._coordinator = local  # not to be collected before this
        super().__init__(runtime, config, event)

    def start(self):
        """Connects and takes tasks, from here on by itself."""
        why = _abi.Error()
        check(lib.peer_start(self, byref(why)), why)
        return self

    def pause(self):
        check(lib.peer_pause(self))

    def resume(self):
        check(lib.peer_resume(self))

    def activity(self, active):
        """The owner is using the machine, or no longer. Never waits."""
        check(lib.peer_activity(self, 1 if active else 0))

    def set_speed(self, speed_milli):
        """The machine has been measured: in thousandths of any one machine's."""
        check(lib.peer_set_speed(self, speed_milli))

    @property
    def why(self):
        """Why no task is taken, or with what limits; "": neither."""
        text = ctypes.create_string_buffer(1024)
        check(lib.peer_why(self, text, byref(c_size_t(len(text)))))
        return text.value.decode("utf-8", "replace")

    def drain(self, timeout_ms):
        """Pauses and waits until nothing runs. Blocks."""
        check(lib.peer_drain(self, timeout_ms))

    @property
    def capabilities(self):
        """What it offers, as a dict with the names of p2c2r_capabilities."""
        struct = _abi.Capabilities()
        check(lib.peer_capabilities(self, byref(struct)))
        silent = ("struct_size", "reserved", "reserved0")
        names = [name for name, _ in struct._fields_ if name not in silent]
        values = ((name, getattr(struct, name)) for name in names)
        return {k: v.decode("utf-8", "replace") if isinstance(v, bytes) else v for k, v in values}

    @property
    def peer_id(self):
        size = c_size_t(0)
        status = lib.peer_id(self, None, byref(size))
        if status != Status.E_SIZE:
            check(status)
        text = ctypes.create_string_buffer(size.value)
        check(lib.peer_id(self, text, byref(size)))
        return text.value.decode("utf-8")

    @property
    def stats(self):
        """The fields of p2c2r_peer_stats."""
        stats = _abi.PeerStats()
        check(lib.peer_stats_get(self, byref(stats)))
        return stats
