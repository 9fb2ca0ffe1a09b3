"""Executors written in Python."""

import ctypes
from ctypes import byref, c_size_t

from . import _abi, _buffers, _callbacks, _json
from ._library import lib
from .constants import FOREVER, Format, JobState, Status
from .errors import Error, check


class _Reference:
    """One reference to a p2c2r_job, given back when the last view of its input is gone."""

    def __init__(self, handle):
        self.handle = lib.job_retain(handle)

    def __del__(self, release=lib.job_release):
        release(self.handle)


class Job:
    """What an executor is asked to do. The executor is a callable that takes it and returns

    - bytes or anything with a buffer: the result's data, handed over without a copy,
    - a dict: the result's fields,
    - a tuple (data, fields): both,
    - PENDING: `finish` or `fail` comes later, from any thread.

    What it raises ends the job: an Error with its own status, field and text, anything else as
    E_EXECUTOR with the exception's text. It runs on threads of the library, several at once.
    """

    def __init__(self, handle):
        self._reference = _Reference(handle)
        self._as_parameter_ = handle

    @property
    def task_type(self):
        return lib.job_task_type(self).decode("utf-8", "replace")

    @property
    def data(self):
        """The task's bytes as a read-only memoryview without a copy; good as long as it is held."""
        size = c_size_t()
        address = lib.job_input(self, 0, byref(size))
        return _buffers.view(address, size.value, self._reference)

    @property
    def params(self):
        """The task's params as a dict. Error E_PARAMS when they are no map."""
        size = c_size_t()
        address = lib.job_params(self, Format.JSON, byref(size))
        if not address:
            raise Error(Status.E_PARAMS, "the params are not a map", "params")
        return _json.loads(ctypes.string_at(address, size.value))

    @property
    def params_msgpack(self):
        """The params as they travelled, without a copy."""
        size = c_size_t()
        address = lib.job_params(self, Format.MSGPACK, byref(size))
        if not address:
            raise Error(Status.E_PARAMS, "the params are not a map", "params")
        return _buffers.view(address, size.value, self._reference)

    @property
    def cancelled(self):
        """Nobody wants the answer any more: ask between slices of work."""
        return bool(lib.job_state(self) & JobState.CANCELLED)

    @property
    def orphan(self):
        """The role it ran for is gone; finish will say E_STALE."""
        return bool(lib.job_state(self) & JobState.ORPHAN)

    @property
    def left_us(self):
        """Microseconds until its deadline; None: it has none."""
        left = lib.job_left_us(self)
        return None if left == FOREVER else left

    def finish(self, answer):
        """Ends a job whose executor returned PENDING, with what it might have returned. Error
        E_STATE the second time, E_STALE when its role is gone."""
        if answer is Status.PENDING:
            raise Error(Status.E_ARGUMENT, "a job cannot be finished with PENDING")
        self._answer(answer)
        check(lib.job_finish(self, Status.OK))

    def fail(self, error):
        """Ends a job whose executor returned PENDING, with an exception."""
        check(lib.job_finish(self, self._explain(error)))

    # ---- what executors answer ----------------------------------------------------------------

    def _answer(self, answer):
        data, fields = answer if isinstance(answer, tuple) else _halves(answer)
        if data is not None:
            payload = _buffers.Payload(data, give=True)
            status = lib.job_output_adopt(self, byref(payload.bytes))
            payload.taken() if status == Status.OK else payload.close()
            check(status)
        if fields is not None:
            text = _json.dumps(fields)
            check(lib.job_output_fields(self, Format.JSON, text, len(text)))

    def _explain(self, error):
        """Tells the detail and says the status."""
        if isinstance(error, Error):
            status, field, text = error.status, error.field, error.text
        else:
            status, field, text = Status.E_EXECUTOR, "", f"{type(error).__name__}: {error}"
        if status >= 0:  # an error that calls itself OK
            status = Status.E_EXECUTOR
        lib.job_explain(self, _quote(field), _quote(text))
        return status


def _halves(answer):
    """(data, fields) of an answer that is one of both, or neither, which the library judges."""
    return (None, answer) if answer is None or isinstance(answer, dict) else (answer, None)


def _quote(text):
    return text.replace("\0", " ").encode("utf-8", "replace")


class Executor:
    """The host functions of one executor; kept until the library has called destroy."""

    def __init__(self, run, cancel):
        self.run, self.cancel = run, cancel
        self._number = _callbacks.keep(self)

    def describe(self, task_type, flags, parallel_max):
        desc = _abi.ExecutorDesc(
            flags=flags,
            parallel_max=parallel_max,
            task_type=task_type,
            run=_run,
            destroy=_destroy,
            user=self._number,
        )
        if self.cancel is not None:
            desc.cancel = _cancel
        return desc

    def forget(self):
        _callbacks.drop(self._number)


@_callbacks.guarded(_abi.RunFn, default=int(Status.E_EXECUTOR))
def _run(user, handle):
    job = Job(handle)
    try:
        answer = _callbacks.kept(user).run(job)
        if answer is Status.PENDING:
            return int(Status.PENDING)
        job._answer(answer)
        return int(Status.OK)
    except BaseException as error:
        _callbacks.hold(error)
        return int(job._explain(error))


@_callbacks.guarded(_abi.CancelFn)
def _cancel(user, handle):
    _callbacks.kept(user).cancel(Job(handle))


@_callbacks.guarded(_abi.DestroyFn)
def _destroy(user):
    _callbacks.drop(user)
