"""The numbers of p2c2r.h under names. A test compares each with the header."""

from enum import IntEnum, IntFlag

ABI_VERSION = 1
NONE = 0xFFFFFFFF  # uint32 fields: none, off
ANY = 0xFFFFFFFE  # a port: whichever is free
FOREVER = 0xFFFFFFFFFFFFFFFF  # uint64 microseconds


class Status(IntEnum):
    OK = 0
    PENDING = 1
    E_ARGUMENT = -1
    E_STATE = -2
    E_STALE = -3
    E_VERSION = -4
    E_MEMORY = -5
    E_AGAIN = -6
    E_BUSY = -7
    E_TIMEOUT = -8
    E_DEADLINE = -9
    E_CANCELLED = -10
    E_DISCONNECTED = -11
    E_CLOSED = -12
    E_AUTH = -13
    E_DENIED = -14
    E_TASK_TYPE = -15
    E_PARAMS = -16
    E_LIMIT = -17
    E_SIZE = -18
    E_DISPUTED = -19
    E_EXECUTOR = -20
    E_DEVICE = -21
    E_NO_DEVICE = -22
    E_SANDBOX = -23
    E_CONTENT = -24
    E_KERNEL = -25
    E_IO = -26
    E_EXISTS = -27
    E_UNSUPPORTED = -28
    E_PROTOCOL = -29
    E_INTERNAL = -30


class LogLevel(IntEnum):
    ERROR = 1
    WARN = 2
    INFO = 3
    DEBUG = 4
    TRACE = 5


class Run(IntEnum):
    """Who turns the loop: a thread of the library, or the host through poll()."""

    THREAD = 0
    MANUAL = 1


class Deliver(IntEnum):
    """Where callbacks run: inside dispatch() and its like, or on the thread that turns the loop."""

    ON_DISPATCH = 0
    ON_LOOP = 1


class Gpu(IntEnum):
    AUTO = 0
    OFF = 1
    INDEX = 2
    LENT = 3


class Format(IntEnum):
    MSGPACK = 0
    JSON = 1


class Verify(IntEnum):
    """Answers are not compared in this version: B, C and D are refused with E_UNSUPPORTED."""

    TYPE = 0
    A = 1
    B = 2
    C = 3
    D = 4


class Circle(IntEnum):
    TYPE = 0
    OWN = 1
    INVITED = 2
    PUBLIC = 3


class Place(IntEnum):
    AUTO = 0
    REMOTE = 1
    LOCAL = 2


class Split(IntEnum):
    """Into how many parts a task is cut; a number of them is as good."""

    NEVER = 0
    AUTO = -1


class TaskFlags(IntFlag):
    LOCAL_AT_DEADLINE = 2
    NO_CACHE = 4
    RESIDENT = 8


class Source(IntEnum):
    """Who computed an answer."""

    NONE = 0
    PEER = 1
    COORDINATOR = 2
    LOCAL = 3
    CACHE = 4
    PREVIOUS = 5
    HOST = 6


class Text(IntEnum):
    MESSAGE = 0
    FIELD = 1
    TASK_ID = 2
    ALGORITHM = 3
    TASK_TYPE = 4


class ExecutorFlags(IntFlag):
    GPU = 1
    SHORT = 2
    EXACT = 4


class JobState(IntFlag):
    CANCELLED = 1
    YIELD = 2
    ORPHAN = 4


class FramesFlags(IntFlag):
    NO_LOCAL = 1
    NO_PREVIOUS = 2


class Quality(IntEnum):
    FAST = 1
    BALANCED = 2
    QUALITY = 3


class Pixel(IntEnum):
    RGBA8 = 1
    RGB8 = 2
    JPEG = 16
    PNG = 17


class EventType(IntEnum):
    STATE = 1
    PEERS = 2
    PEER_JOINED = 6
    PEER_LEFT = 7
    PEER_FAILED = 9
    ACCEPTS = 10
    CERTIFICATE = 11


class Mode(IntEnum):
    """When a peer helps."""

    ALWAYS = 0
    IDLE = 1
    WHILE_GAMING = 2
    SCHEDULE = 3


class State(IntEnum):
    """The connection of a client or a peer."""

    CONNECTING = 0
    CONNECTED = 1
    CLOSED = 2


class CoordinatorFlags(IntFlag):
    PLAINTEXT_ANYWHERE = 1


def named(kind, number):
    """The member of `kind`, or the plain number where a newer library has one more."""
    try:
        return kind(number)
    except ValueError:
        return number
