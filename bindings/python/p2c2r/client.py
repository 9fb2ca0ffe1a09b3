"""The one who asks: a game."""

import asyncio
import ctypes
from ctypes import byref, c_size_t, c_uint32, c_void_p
from dataclasses import dataclass

from . import _abi, _buffers, _callbacks, _json
from ._library import lib
from ._role import Role
from ._text import encode, encode_map
from .constants import FOREVER, Deliver, Format, Quality, Status
from .credentials import pointer_to
from .errors import Error, check
from .result import Result, image_of

# Waiting lasts this long at most before Python looks for Ctrl-C again.
SLICE_US = 200_000


@dataclass
class TaskDesc:
    """A task to be. `data` is anything with a buffer, or a Content, which `patches` may change for
    this task: pairs of an offset and bytes to stand there; `params` a dict, or a map in MessagePack as
    bytes; `done(task, result)` runs where the client delivers and makes the task's answer come
    there and nowhere else. A task that is cut (`split`, `split_by`) calls `part(task, part, result)`
    for each Part that came, before `done`, which it needs. The rest is p2c2r_task_desc; zero is the
    type's default."""

    task_type: str
    data: object = None
    params: object = None
    deadline_us: int = 0
    priority: int = 0
    verify: int = 0
    place: int = 0
    circle: int = 0
    flags: int = 0
    depends_on: tuple = ()
    done: object = None
    patches: tuple = ()
    split: int = 0
    split_by: str = None
    part: object = None


@dataclass(frozen=True)
class Part:
    """Which part of a task that was cut: its units are the `unit_count` of the whole's `units`
    smallest pieces that begin at `first_unit`."""

    index: int
    count: int
    first_unit: int
    unit_count: int
    units: int
    unit_name: str


class Content:
    """An input that stays: it travels once, and tasks refer to it. To be dropped, or used with
    `with`; tasks that were submitted before go on."""

    def __init__(self, client, number):
        self.client, self.id = client, number

    def get(self, *, timeout_ms=5000):
        """Its bytes, as the data of a Result. Blocks where they are away."""
        out, why = c_void_p(), _abi.Error()
        status = lib.client_get_content(self.client, self.id, timeout_ms, byref(out), byref(why))
        _callbacks.raise_held()
        check(status, why)
        return Result(out.value)

    def drop(self):
        """No further task may refer to it. E_STALE the second time."""
        check(lib.client_drop(self.client, self.id))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.drop()

    def __repr__(self):
        return f"<Content {self.id:016x}>"


class Task:
    """A task that was accepted: it ends once, however that may be."""

    def __init__(self, client, number, done_number=None):
        self.client, self.id = client, number
        self._done_number = done_number

    def poll(self):
        """The Result, or None while it runs. The answer comes once: then E_STALE. Never blocks."""
        out = c_void_p()
        status = check(lib.client_poll(self.client, self.id, byref(out)))
        return Result(out.value) if status == Status.OK else None

    def wait(self, timeout_us=FOREVER):
        """The Result, good or bad, or None when the time has passed. Blocks."""
        deadline = None if timeout_us == FOREVER else lib.now_us() + timeout_us
        out = c_void_p()
        while True:
            left = SLICE_US if deadline is None else max(deadline - lib.now_us(), 0)
            status = lib.client_get_result(self.client, self.id, min(left, SLICE_US), byref(out))
            _callbacks.raise_held()
            if check(status) == Status.OK:
                return Result(out.value)
            if left <= SLICE_US and deadline is not None:
                return None

    def result(self, timeout_us=FOREVER):
        """The good Result; raises the Error of a bad one, E_TIMEOUT when the time has passed."""
        result = self.wait(timeout_us)
        if result is None:
            raise Error(Status.E_TIMEOUT, f"task {self.id} has not ended after {timeout_us} us")
        return result.check()

    def cancel(self):
        """A request: the task still ends. E_STALE when it has ended."""
        check(lib.client_cancel(self.client, self.id))

    def forget(self):
        """Cancels; nothing is told any more."""
        check(lib.client_forget(self.client, self.id))
        if self._done_number is not None:
            _callbacks.drop(self._done_number)

    def __repr__(self):
        return f"<Task {self.id:016x}>"


class _Done:
    def __init__(self, client, function, part):
        self.client, self.function, self.part = client, function, part


def part_of(it):
    return Part(
        it.index, it.count, it.first_unit, it.unit_count, it.units, it.unit_name.decode()
    )


@_callbacks.guarded(_abi.DoneFn)
def _done(user, task, handle):
    result = Result(handle)
    done = _callbacks.drop(user)
    done.function(Task(done.client, task), result)


@_callbacks.guarded(_abi.PartFn)
def _part(user, task, struct, handle):
    # Its memory is counted, so it may be kept for longer than this call.
    result = Result(lib.result_retain(handle))
    done = _callbacks.kept(user)
    done.part(Task(done.client, task), part_of(struct.contents), result)


class _Filled:
    """p2c2r_task_desc structs and all they point to, for one call."""

    def __init__(self, client, descs):
        self.structs = (_abi.TaskDesc * len(descs))()
        self.done_numbers = [None] * len(descs)
        self._payloads = [None] * len(descs)
        self._kept = []
        try:
            for index, desc in enumerate(descs):
                self._fill(index, client, desc)
        except BaseException:
            self.accepted(0)
            raise

    def _fill(self, index, client, desc):
        struct = _abi.TaskDesc(
            flags=desc.flags,
            deadline_us=desc.deadline_us,
            priority=desc.priority,
            verify=desc.verify,
            place=desc.place,
            circle=desc.circle,
            task_type=encode(desc.task_type),
            split=desc.split,
            split_by=encode(desc.split_by),
        )
        if desc.params is not None:
            if isinstance(desc.params, dict):
                memory = _buffers.Memory(_json.dumps(desc.params))
                struct.params_format = Format.JSON
            else:
                memory = _buffers.Memory(desc.params)
            struct.params, struct.params_size = memory.address, memory.size
            self._kept.append(memory)
        if isinstance(desc.data, Content):
            struct.content = desc.data.id
        elif desc.data is not None:
            payload = self._payloads[index] = _buffers.Payload(desc.data)
            struct.data = ctypes.pointer(payload.bytes)
        if desc.patches:
            memories = [_buffers.Memory(data) for _, data in desc.patches]
            self._kept.extend(memories)
            structs = [
                _abi.Patch(offset, memory.address, memory.size)
                for (offset, _), memory in zip(desc.patches, memories)
            ]
            struct.patches = (_abi.Patch * len(structs))(*structs)
            struct.patch_count = len(structs)
        if desc.depends_on:
            numbers = [task.id if isinstance(task, Task) else task for task in desc.depends_on]
            struct.depends_on = (_abi.Task * len(numbers))(*numbers)
            struct.depends_count = len(numbers)
        if desc.done is not None:
            kept = _Done(client, desc.done, desc.part)
            number = self.done_numbers[index] = _callbacks.keep(kept)
            struct.done, struct.user = _done, number
        if desc.part is not None:
            struct.part = _part
        self.structs[index] = struct

    def accepted(self, count):
        """After the call: the first `count` are the library's, the rest is the caller's again."""
        for index, (payload, number) in enumerate(zip(self._payloads, self.done_numbers)):
            if payload is not None:
                payload.taken() if index < count else payload.close()
            if number is not None and index >= count:
                _callbacks.drop(number)


class Client(Role):
    """Asks one coordinator: `local`, a Coordinator of the same runtime, or the one at
    `coordinator_url`, with Credentials where that is p2c2r://; neither: all runs on this machine.
    Connects in the background. The other arguments are those of p2c2r_client_config."""

    _kind = "client"

    def __init__(
        self,
        runtime,
        *,
        local=None,
        coordinator_url=None,
        client_id=None,
        credentials=None,
        tasks_max=0,
        bytes_max=0,
        connect_timeout_ms=0,
        reconnect_attempts=0,
        deliver=Deliver.ON_DISPATCH,
        options=None,
        event=None,
    ):
        config = _abi.ClientConfig(
            tasks_max=tasks_max,
            bytes_max=bytes_max,
            deliver=deliver,
            connect_timeout_ms=connect_timeout_ms,
            reconnect_attempts=reconnect_attempts,
            local=None if local is None else local._as_parameter_,
            coordinator_url=encode(coordinator_url),
            client_id=encode(client_id),
            options=encode_map(options),
            credentials=pointer_to(credentials),
        )
        self._coordinator = local  # not to be collected before this
        super().__init__(runtime, config, event)

    def connect(self, timeout_ms=5000):
        """Waits until connected. Blocks."""
        why = _abi.Error()
        status = lib.client_connect(self, timeout_ms, byref(why))
        _callbacks.raise_held()
        check(status, why)
        return self

    # ---- tasks --------------------------------------------------------------------------------

    def put(self, data):
        """Keeps anything with a buffer as a Content, for the data of tasks, and begins to send it.
        Never blocks, but hashes it here."""
        payload = _buffers.Payload(data)
        content, why = _abi.Content(), _abi.Error()
        status = lib.client_put(self, byref(payload.bytes), byref(content), byref(why))
        payload.taken() if status == Status.OK else payload.close()
        check(status, why)
        return Content(self, content.value)

    def put_result(self, result):
        """The data of a result as a Content. Those that stayed away (TaskFlags.RESIDENT) are not
        brought for it, and a task that names them when they are gone ends as E_CONTENT."""
        content, why = _abi.Content(), _abi.Error()
        check(lib.client_put_result(self, result, byref(content), byref(why)), why)
        return Content(self, content.value)

    def submit(self, task_type, data=None, params=None, **options):
        """Submits a task (options: those of TaskDesc) and returns its Task. Never blocks."""
        filled = _Filled(self, [TaskDesc(task_type, data, params, **options)])
        task, why = _abi.Task(), _abi.Error()
        status = lib.client_submit(self, filled.structs, byref(task), byref(why))
        filled.accepted(1 if status == Status.OK else 0)
        check(status, why)
        return Task(self, task.value, filled.done_numbers[0])

    def submit_many(self, descs):
        """Submits TaskDescs in order. Returns the tasks that were accepted and the Error of the
        first one that was not, or None."""
        descs = list(descs)
        filled = _Filled(self, descs)
        tasks, accepted, why = (_abi.Task * len(descs))(), c_uint32(), _abi.Error()
        status = lib.client_submit_many(
            self, filled.structs, len(descs), tasks, byref(accepted), byref(why)
        )
        filled.accepted(accepted.value)
        error = None
        try:
            check(status, why)
        except Error as refused:
            error = refused
        given = zip(tasks[: accepted.value], filled.done_numbers)
        return [Task(self, number, done) for number, done in given], error

    def submit_and_wait(self, task_type, data=None, params=None, *, output=None, **options):
        """Submits and returns the good Result, or raises the Error. `output`: a writable buffer
        that the result's bytes are written to as well. Blocks."""
        filled = _Filled(self, [TaskDesc(task_type, data, params, **options)])
        memory = None
        if output is not None:
            memory = _buffers.Memory(output, writable=True)
            filled.structs[0].output = memory.address
            filled.structs[0].output_size = memory.size
        out, why = c_void_p(), _abi.Error()
        status = lib.client_submit_and_wait(self, filled.structs, byref(out), byref(why))
        filled.accepted(1 if status == Status.OK else 0)
        if memory is not None:
            memory.close()
        _callbacks.raise_held()
        check(status, why)
        return Result(out.value).check()

    async def submit_async(self, task_type, data=None, params=None, **options):
        """As submit_and_wait, for asyncio: the runtime must have been made with asyncio=True.
        Cancelling what awaits it cancels the task."""
        driver = self.runtime.asyncio
        if driver is None:
            raise Error(Status.E_STATE, "submit_async needs a Runtime(asyncio=True)", "asyncio")
        loop = driver.attach()
        future = loop.create_future()

        def done(_, result):
            # On whichever thread dispatches: most often this loop's, but a wait elsewhere does too.
            loop.call_soon_threadsafe(_settle, future, result)

        task = self.submit(task_type, data, params, done=done, **options)
        try:
            result = await future
        except asyncio.CancelledError:
            _forget_quietly(task)
            raise
        return result.check()

    def wait_any(self, tasks, timeout_us=FOREVER):
        """The first of these tasks that has ended, or None when the time has passed. Blocks."""
        tasks = list(tasks)
        numbers = (_abi.Task * len(tasks))(*(task.id for task in tasks))
        which = c_uint32()
        status = lib.client_wait(self, numbers, len(tasks), timeout_us, byref(which))
        _callbacks.raise_held()
        return tasks[which.value] if check(status) == Status.OK else None

    def keep(self, task, tasks):
        """Of tasks that were submitted for one purpose keeps `task` (None: none) and forgets the
        others, which are stopped where they run. E_STATE for those with `done` or `output`."""
        tasks = list(tasks)
        numbers = (_abi.Task * len(tasks))(*(other.id for other in tasks))
        why = _abi.Error()
        kept = 0 if task is None else task.id
        check(lib.client_keep(self, kept, numbers, len(tasks), byref(why)), why)

    def dispatch(self, callbacks_max=0, budget_us=0):
        """As Runtime.dispatch, of this client only."""
        run = c_uint32()
        check(lib.client_dispatch(self, callbacks_max, budget_us, byref(run)))
        _callbacks.raise_held()
        return run.value

    # ---- pictures -----------------------------------------------------------------------------

    def submit_frame_for_upscaling(self, image, width, height, quality=Quality.BALANCED):
        """Submits an Image to be made width x height; its Task's result has the `image`."""
        payload = _buffers.Payload(image.data)
        frame = image_struct(image, payload)
        task, why = _abi.Task(), _abi.Error()
        status = lib.client_submit_frame_for_upscaling(
            self, byref(frame), width, height, quality, byref(task), byref(why)
        )
        payload.taken() if status == Status.OK else payload.close()
        check(status, why)
        return Task(self, task.value)

    def get_upscaled_frame(self, task, timeout_us=FOREVER):
        """The Image of such a task, or None when the time has passed. Blocks."""
        view, out = _abi.Image(), c_void_p()
        status = lib.client_get_upscaled_frame(self, task.id, timeout_us, byref(view), byref(out))
        _callbacks.raise_held()
        if check(status) == Status.PENDING:
            return None
        return image_of(view, Result(out.value).check())

    # ---- questions ----------------------------------------------------------------------------

    @property
    def stats(self):
        """The fields of p2c2r_client_stats."""
        stats = _abi.ClientStats()
        check(lib.client_stats_get(self, byref(stats)))
        return stats

    def call(self, name, args=None, *, timeout_ms=5000):
        """Asks the coordinator: "status", "peers", "gamers", "tasks", "explain". Blocks."""
        out, why = c_void_p(), _abi.Error()
        status = lib.client_call(
            self, encode(name), encode_map(args), timeout_ms, byref(out), byref(why)
        )
        _callbacks.raise_held()
        check(status, why)
        return Result(out.value)


def image_struct(image, payload):
    """The p2c2r_image of an Image whose bytes are those of `payload`."""
    return _abi.Image(
        format=image.format,
        width=image.width,
        height=image.height,
        stride=image.stride,
        bytes=payload.bytes,
    )


def _settle(future, result):
    if not future.done():
        future.set_result(result)


def _forget_quietly(task):
    try:
        task.forget()
    except Error:
        pass  # it has ended meanwhile, and its answer is on the way to nobody


def params_from_json(text):
    """MessagePack of a map in JSON text."""
    return _convert(lib.params_from_json, encode(text))


def params_to_json(packed):
    """JSON text of a map in MessagePack."""
    memory = _buffers.Memory(packed)
    return _convert(lib.params_to_json, memory.address, memory.size).decode("utf-8")


def _convert(function, given, given_size=None):
    given_size = len(given) if given_size is None else given_size
    size, why = c_size_t(0), _abi.Error()
    status = function(given, given_size, None, byref(size), byref(why))
    if status != Status.E_SIZE:
        check(status, why)
    room = ctypes.create_string_buffer(size.value)
    check(function(given, given_size, room, byref(size), byref(why)), why)
    return room.raw[: size.value]
