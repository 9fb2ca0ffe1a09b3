"""P2C2R from Python: the C interface of the library through ctypes, without logic of its own.

    import p2c2r

    with p2c2r.Runtime() as runtime:
        coordinator = p2c2r.Coordinator(runtime).start()
        peer = p2c2r.Peer(runtime, local=coordinator).start()
        client = p2c2r.Client(runtime, local=coordinator).connect()
        print(bytes(client.submit_and_wait("echo", b"hello").data))

Names, units and defaults are those of p2c2r.h. Errors are Error.
"""

from . import _callbacks as _callbacks
from ._library import lib as _lib
from ._role import Event
from .client import Client, Content, Part, Task, TaskDesc, params_from_json, params_to_json
from .constants import (
    ABI_VERSION,
    ANY,
    FOREVER,
    NONE,
    Circle,
    CoordinatorFlags,
    Deliver,
    EventType,
    ExecutorFlags,
    Format,
    FramesFlags,
    Gpu,
    JobState,
    LogLevel,
    Mode,
    Pixel,
    Place,
    Quality,
    Run,
    Source,
    Split,
    State,
    Status,
    TaskFlags,
    Text,
    Verify,
)
from .coordinator import Coordinator
from .credentials import Credentials
from .errors import Error
from .executor import Job
from .frames import Answer, Frames
from .peer import Peer
from .result import Image, Result
from .runtime import Runtime

PENDING = Status.PENDING  # what an executor returns when it finishes its job later


def version_text():
    """Version, compiler and parts of the library."""
    return _lib.version_text().decode()


def now_us():
    """The monotonic clock of every point in time that comes out."""
    return _lib.now_us()


__all__ = [
    "ABI_VERSION", "ANY", "FOREVER", "NONE", "PENDING", "Answer", "Circle", "Client", "Content",
    "Coordinator", "CoordinatorFlags", "Credentials", "Deliver", "Error", "Event", "EventType",
    "ExecutorFlags", "Format", "Frames", "FramesFlags", "Gpu", "Image", "Job", "JobState",
    "LogLevel", "Mode", "Peer", "Pixel", "Place", "Quality", "Result", "Run", "Runtime", "Source",
    "State", "Status", "Task", "TaskDesc", "TaskFlags", "Text", "Verify", "now_us",
    "params_from_json", "params_to_json", "version_text",
]
