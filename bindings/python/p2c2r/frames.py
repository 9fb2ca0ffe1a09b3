"""An answer for every frame."""

from ctypes import byref, c_uint64, c_void_p
from dataclasses import dataclass

from . import _abi, _buffers, _callbacks, _json
from ._library import lib
from .client import TaskDesc, _Filled, image_struct, part_of
from .constants import Source, Status, named
from .errors import Error, check
from .result import Result, image_of


@dataclass(frozen=True)
class Answer:
    """What `pull` says: the Result (None with Source.NONE), who gave it and for which frame; the
    numbers are those of p2c2r_answer."""

    source: int
    quality: int
    quality_next: int
    frame: int
    answers_frame: int
    used_us: int
    late_count: int
    result: object
    age_us: int = 0
    parts: int = 0
    parts_came: int = 0


def _answer(struct, result):
    return Answer(
        named(Source, struct.source),
        struct.quality,
        struct.quality_next,
        struct.frame,
        struct.answers_frame,
        struct.used_us,
        struct.late_count,
        result,
        struct.age_us,
        struct.parts,
        struct.parts_came,
    )


class _Hooks:
    def __init__(self, capture, display, fallback, part):
        self.capture, self.display, self.fallback = capture, display, fallback
        self.part = part


@_callbacks.guarded(_abi.CaptureFn, default=int(Status.E_EXECUTOR))
def _capture(user, out):
    image = _callbacks.kept(user).capture()
    if image is None:
        return int(Status.E_AGAIN)
    # Given away: the library reads it after this function has returned.
    payload = _buffers.Payload(image.data, give=True)
    try:
        filled = image_struct(image, payload)
    except BaseException:
        payload.close()
        raise
    filled.struct_size = out.contents.struct_size
    out[0] = filled
    return int(Status.OK)


@_callbacks.guarded(_abi.DisplayFn)
def _display(user, image, answer):
    struct = answer.contents
    # The result is lent; a reference of its own lets the callback keep what it is shown.
    result = Result(lib.result_retain(struct.result)) if struct.result else None
    shown = image_of(image.contents, result) if image and result else None
    _callbacks.kept(user).display(shown, _answer(struct, result))


@_callbacks.guarded(_abi.FallbackFn, default=int(Status.E_EXECUTOR))
def _fallback(user, frame, left_us, out):
    data = _callbacks.kept(user).fallback(frame, left_us)
    if data is None:
        return int(Status.E_AGAIN)
    out[0] = _buffers.Payload(data, give=True).bytes
    return int(Status.OK)


@_callbacks.guarded(_abi.PartFn)
def _part(user, frame, struct, handle):
    # Its memory is counted, so it may be kept for longer than this call.
    result = Result(lib.result_retain(handle))
    _callbacks.kept(user).part(frame, part_of(struct.contents), result)


class Frames:
    """A stream of frames of a client. Leaving `with` closes it; the client must live longer.

    capture() -> Image or None, display(image or None, answer) and fallback(frame, left_us) -> bytes
    or None run inside step and pull; so does part(frame, part, result), for each part that comes of
    a frame that is cut (`split` of push) before its pull has returned. The other arguments are those
    of p2c2r_frames_config."""

    def __init__(
        self,
        client,
        *,
        budget_us=0,
        pipeline_max=0,
        window=0,
        age_max=0,
        quality=0,
        flags=0,
        output_size=(0, 0),
        capture=None,
        display=None,
        fallback=None,
        part=None,
    ):
        self.client = client
        config = _abi.FramesConfig(
            budget_us=budget_us,
            pipeline_max=pipeline_max,
            window=window,
            age_max=age_max,
            quality=quality,
            flags=flags,
            output_width=output_size[0],
            output_height=output_size[1],
        )
        if capture is not None:
            config.capture = _capture
        if display is not None:
            config.display = _display
        if fallback is not None:
            config.fallback = _fallback
        self._hooks = config.user = _callbacks.keep(_Hooks(capture, display, fallback, part))
        out, why = c_void_p(), _abi.Error()
        try:
            check(lib.frames_create(client, byref(config), byref(out), byref(why)), why)
        except Error:
            _callbacks.drop(self._hooks)
            raise
        self._as_parameter_ = out.value
        self._tells_parts = part is not None

    def push(self, task_type, data=None, params=None, *, quality=0, forms=None, **options):
        """Submits the task of the next frame and returns the frame's number. Never blocks.
        `params` ask for `quality` (0: the advised one); `forms`, a dict from qualities to params as
        those are (all dicts, or all bytes), is what this machine may compute instead, when no answer
        has come in time."""
        if options.get("part") is not None:
            raise TypeError("part is told to the frames' own function")
        filled = _Filled(self.client, [TaskDesc(task_type, data, params, **options)])
        if self._tells_parts and filled.structs[0].split:
            filled.structs[0].part, filled.structs[0].user = _part, self._hooks
        frame, why = c_uint64(), _abi.Error()
        kept = []  # what the structs point to
        structs = (_abi.FrameForm * len(forms or {}))()
        for index, (form, form_params) in enumerate((forms or {}).items()):
            if isinstance(form_params, dict):
                form_params = _json.dumps(form_params)
            memory = _buffers.Memory(form_params)
            kept.append(memory)
            structs[index] = _abi.FrameForm(
                quality=form, params=memory.address, params_size=memory.size
            )
        status = lib.frames_push_forms(
            self, filled.structs, quality, structs, len(structs), byref(frame), byref(why)
        )
        filled.accepted(1 if status == Status.OK else 0)
        check(status, why)
        return frame.value

    def pull(self, frame, budget_us=0):
        """By the budget's end the best Answer there is. Blocks."""
        return self._ask(lambda out: lib.frames_pull(self, frame, budget_us, out))

    def step(self, budget_us=0):
        """capture, push as `upscale`, pull, display, all here. Blocks."""
        return self._ask(lambda out: lib.frames_step(self, budget_us, out))

    @staticmethod
    def _ask(call):
        struct = _abi.Answer()
        status = call(byref(struct))
        result = Result(struct.result) if struct.result else None
        _callbacks.raise_held()
        check(status)
        return _answer(struct, result)

    def close(self):
        """Forgets the tasks of all its frames. Closing twice is fine."""
        if self._hooks is not None:
            status = lib.frames_destroy(self)
            if status != Status.E_STALE:  # went with its client
                check(status)
            _callbacks.drop(self._hooks)
            self._hooks = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
