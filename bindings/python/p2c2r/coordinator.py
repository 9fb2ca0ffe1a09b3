"""The one who places tasks."""

from ctypes import byref, c_uint32, c_void_p

from . import _abi, _callbacks
from ._library import lib
from ._role import Role
from ._text import encode, encode_map
from .constants import NONE, Deliver
from .errors import check
from .result import Result


class Coordinator(Role):
    """Places tasks on peers. Without `listen_port` it serves this process only; 0 is port 8765, ANY
    one that is free. With `certificate_file` and `key_file` it speaks TLS, with `access_file` it
    asks for logins: its calls "key.add", "key.token" and "key.invite" let in. The other arguments
    are those of p2c2r_coordinator_config."""

    _kind = "coordinator"

    def __init__(
        self,
        runtime,
        *,
        listen_port=NONE,
        listen_address=None,
        prometheus_port=0,
        max_peers=0,
        task_timeout_ms=0,
        heartbeat_interval_ms=0,
        memory_max=0,
        flags=0,
        deliver=Deliver.ON_DISPATCH,
        options=None,
        event=None,
        certificate_file=None,
        key_file=None,
        access_file=None,
        audit_file=None,
    ):
        config = _abi.CoordinatorConfig(
            listen_port=listen_port,
            max_peers=max_peers,
            task_timeout_ms=task_timeout_ms,
            heartbeat_interval_ms=heartbeat_interval_ms,
            prometheus_port=prometheus_port,
            memory_max=memory_max,
            deliver=deliver,
            flags=flags,
            listen_address=encode(listen_address),
            options=encode_map(options),
            certificate_file=encode(certificate_file),
            key_file=encode(key_file),
            access_file=encode(access_file),
            audit_file=encode(audit_file),
        )
        super().__init__(runtime, config, event)

    def start(self):
        """Listens; the error names the address and port when they cannot be had."""
        why = _abi.Error()
        check(lib.coordinator_start(self, byref(why)), why)
        return self

    @property
    def port(self):
        """The port it listens on; 0: none."""
        return self._ports()[0]

    @property
    def monitoring_port(self):
        return self._ports()[1]

    def _ports(self):
        port, monitoring = c_uint32(), c_uint32()
        check(lib.coordinator_port(self, byref(port), byref(monitoring)))
        return port.value, monitoring.value

    @property
    def stats(self):
        """The fields of p2c2r_coordinator_stats."""
        stats = _abi.CoordinatorStats()
        check(lib.coordinator_stats_get(self, byref(stats)))
        return stats

    def call(self, name, args=None, *, timeout_ms=5000):
        """A named question or command, as "status", "peers", "explain". Blocks."""
        out, why = c_void_p(), _abi.Error()
        status = lib.coordinator_call(
            self, encode(name), encode_map(args), timeout_ms, byref(out), byref(why)
        )
        _callbacks.raise_held()
        check(status, why)
        return Result(out.value)

    def drain(self, timeout_ms):
        """Admits nothing new and waits until no task is pending. Blocks."""
        check(lib.coordinator_drain(self, timeout_ms))
