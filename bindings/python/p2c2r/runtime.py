"""The runtime: what the roles of this process stand on."""

import atexit
import ctypes
import threading
import warnings
from ctypes import byref, c_int32, c_uint32, c_void_p

from . import _abi, _asyncio, _buffers, _callbacks
from ._library import lib
from ._text import encode, encode_map
from .constants import ABI_VERSION, Deliver, Gpu, LogLevel, Run, Status, named
from .errors import Error, check
from .executor import Executor
from .result import Result

CLOSE_AT_EXIT_MS = 5000

_alive = set()  # handles of runtimes, not objects: also of those that were thrown away unclosed


@atexit.register
def _close_all():
    """Before the interpreter goes: a library thread that called into it later would end the
    process."""
    for handle in list(_alive):
        if lib.runtime_close(handle, CLOSE_AT_EXIT_MS) == Status.E_TIMEOUT:
            warnings.warn("a p2c2r runtime did not stop: an executor runs on", stacklevel=1)
        elif lib.runtime_destroy(handle) == Status.OK:
            _alive.discard(handle)


@_callbacks.guarded(_abi.LogFn)
def _log(user, level, room, text, size):
    log = _callbacks.kept(user).log
    log(named(LogLevel, level), room.decode(), _buffers.text_at(text, size))


@_callbacks.guarded(_abi.NotifyFn)
def _notify(user):
    _callbacks.kept(user).notify()


class _Hooks:
    """The host functions of a runtime; kept until it is destroyed."""

    def __init__(self, log, notify):
        self.log, self.notify = log, notify


class Runtime:
    """A runtime. Leaving `with` closes it and all roles on it.

    log(level, room, text) and notify() are called on any thread, must be quick and must not call
    the library. asyncio=True makes submit_async work: notify is then the package's own. With
    worker_threads=NONE executors run only inside work(). The other arguments are those of
    p2c2r_runtime_config; `options` is a dict.
    """

    def __init__(
        self,
        *,
        run_mode=Run.THREAD,
        deliver=Deliver.ON_DISPATCH,
        log=None,
        log_level=0,
        notify=None,
        asyncio=False,
        gpu=Gpu.AUTO,
        gpu_index=0,
        worker_threads=0,
        memory_max=0,
        cache_dir=None,
        options=None,
    ):
        self._as_parameter_ = None
        self.asyncio = None
        if asyncio:
            if notify is not None:
                raise ValueError("a runtime with asyncio has its own notify")
            self.asyncio = _asyncio.Driver(self, run_mode == Run.MANUAL)
            notify = self.asyncio.notify
        config = _abi.RuntimeConfig(
            abi_version=ABI_VERSION,
            run_mode=run_mode,
            deliver=deliver,
            log_level=log_level,
            gpu=gpu,
            gpu_index=gpu_index,
            worker_threads=worker_threads,
            memory_max=memory_max,
            cache_dir=encode(cache_dir),
            options=encode_map(options),
        )
        if log is not None:
            config.log = _log
        if notify is not None:
            config.notify = _notify
        self._roles = set()  # kept until they are closed: nobody else may hold them
        self._hooks = config.user = _callbacks.keep(_Hooks(log, notify))
        out, why = c_void_p(), _abi.Error()
        try:
            check(lib.runtime_create(byref(config), byref(out), byref(why)), why)
        except Error:
            _callbacks.drop(self._hooks)
            raise
        self._as_parameter_ = out.value
        _alive.add(out.value)

    # ---- turning and dispatching --------------------------------------------------------------

    def poll(self, timeout_ms=0):
        """Turns the loop once and dispatches; only with run_mode=Run.MANUAL. Blocks."""
        check(lib.runtime_poll(self, timeout_ms))
        _callbacks.raise_held()

    def dispatch(self, callbacks_max=0, budget_us=0):
        """Runs waiting callbacks of all roles here; says how many ran."""
        run = c_uint32()
        check(lib.runtime_dispatch(self, callbacks_max, budget_us, byref(run)))
        _callbacks.raise_held()
        return run.value

    def work(self, jobs_max=0, timeout_ms=0):
        """Lends this thread to executors; False when no job came. Blocks."""
        status = lib.runtime_work(self, jobs_max, timeout_ms)
        _callbacks.raise_held()
        return status != Status.E_AGAIN and check(status) == Status.OK

    def backend(self):
        """For a foreign loop: (fd, timeout_ms); poll when fd is readable or the time has passed."""
        fd, timeout_ms = c_int32(), c_int32()
        check(lib.runtime_backend(self, byref(fd), byref(timeout_ms)))
        return fd.value, timeout_ms.value

    def wake(self):
        check(lib.runtime_wake(self))

    def call(self, name, args=None, *, data=None, timeout_ms=5000):
        """A named question or command, as "devices", "task_types", "exec". Its Result, good or bad
        as the call's own answer is; blocks."""
        out, why = c_void_p(), _abi.Error()
        payload = None if data is None else _buffers.Payload(data)
        pointer = ctypes.pointer(payload.bytes) if payload else None
        status = lib.runtime_call(
            self, encode(name), encode_map(args), pointer, timeout_ms, byref(out), byref(why)
        )
        if payload:
            payload.taken() if status == Status.OK else payload.close()
        _callbacks.raise_held()
        check(status, why)
        return Result(out.value)

    # ---- executors ----------------------------------------------------------------------------

    def add_executor(self, task_type, run, *, cancel=None, flags=0, parallel_max=0):
        """Makes `run(job)` the executor of a task type for all roles here; see Job for what it gets
        and may return. Peers that are made later offer it."""
        executor = Executor(run, cancel)
        desc = executor.describe(encode(task_type), flags, parallel_max)
        why = _abi.Error()
        try:
            check(lib.runtime_add_executor(self, byref(desc), byref(why)), why)
        except Error:
            executor.forget()
            raise

    def remove_executor(self, task_type, timeout_ms=5000):
        """Returns when no run of it is left; E_TIMEOUT while jobs still run. Blocks."""
        check(lib.runtime_remove_executor(self, encode(task_type), timeout_ms))

    # ---- the end ------------------------------------------------------------------------------

    def close(self, timeout_ms=0xFFFFFFFF):
        """Destroys all roles, then the runtime. E_TIMEOUT: an executor runs on; close again.
        Closing twice is fine."""
        if self._as_parameter_ not in _alive:
            return
        check(lib.runtime_close(self, timeout_ms))
        for role in list(self._roles):
            role._closed()
        if self.asyncio:
            self.asyncio.detach()
        check(lib.runtime_destroy(self))
        _alive.discard(self._as_parameter_)
        _callbacks.drop(self._hooks)
        _callbacks.raise_held()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __del__(self):
        if _alive and self._as_parameter_ in _alive:
            warnings.warn("a Runtime was never closed", ResourceWarning, source=self, stacklevel=1)
            if threading.current_thread() is threading.main_thread():
                self.close()
