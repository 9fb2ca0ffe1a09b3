"""The P2C2R protocol as src/wire/PROTOCOL.md has it, on a stock MessagePack library and sockets.

Written from that document alone. Section numbers below are those of the document.
"""

import collections
import os
import select
import socket
import struct
import time

import msgpack

VERSION = 1

# Section 6
HELLO = 1
HELLO_RESPONSE = 2
GOODBYE = 3
PEER_REGISTER = 10
PEER_REGISTER_RESPONSE = 11
GAMER_REGISTER = 12
GAMER_REGISTER_RESPONSE = 13
PEER_DISCONNECT = 14
TASK_SUBMIT = 20
TASK_ASSIGN = 21
TASK_RESULT = 22
RESULT_DELIVERY = 23
TASK_TIMEOUT = 24
TASK_CANCEL = 25
TASK_REFUSE = 26
HEARTBEAT = 30
PEER_COUNT_UPDATE = 31
CALL = 40
CALL_RESPONSE = 41
CONTENT_PUT = 50
CONTENT_WANT = 51
CONTENT_DROP = 52

# Section 2
MORE = 1
CHECKSUM = 2

# Section 8
VERSIONS = 0
ROLE = 1
NONCE = 2
LIBRARY = 3
VERSION_CHOSEN = 4
LOGIN_METHODS = 5
RESUME = 8
HEARTBEAT_INTERVAL_MS = 9
TASK_TIMEOUT_MS = 10
WINDOW_BYTES = 11
WINDOW_TASKS = 12
SLOTS = 13
SLOTS_FREE = 14
TASK_TYPE = 16
PRIORITY = 18
DEADLINE = 19
CIRCLE = 20
VERIFY = 21
TASK_FLAGS = 23
PAYLOAD_PLACE = 24
DIGEST = 25
DEPENDS_ON = 26
CHECKSUM_VALUE = 27
SIZES = 28
ATTEMPT = 29
STATUS = 32
ERROR = 33
FIELD = 34
PROCESSING_TIME_MS = 35  # microseconds
NETWORK_LATENCY_MS = 36  # microseconds
ATTEMPTS = 38
SOURCE = 39
LOAD = 41
SUCCESS = 42
PEER_ID = 48
CLIENT_ID = 49
CAPABILITIES = 50
REASON = 52
TIMESTAMP = 53
TASKS_COMPLETED = 54
AVAILABLE_PEERS = 56
TOTAL_PEERS = 57
NAME = 58
CONTENT_BYTES = 64

# Section 9
ROLE_GAMER = 1
ROLE_PEER = 2
SOURCE_PEER = 1
SOURCE_COORDINATOR = 2
CIRCLE_OWN = 1
OK = 0
E_STATE = -2
E_VERSION = -4
E_BUSY = -7
E_DEADLINE = -9
E_CANCELLED = -10
E_DISCONNECTED = -11
E_TASK_TYPE = -15
E_PARAMS = -16
E_EXECUTOR = -20
E_EXISTS = -27
E_UNSUPPORTED = -28
E_PROTOCOL = -29

SUBMITTED_BEFORE = 16

# Section 10
CHUNK_MAX = 262144

Frame = collections.namedtuple("Frame", "message flags id envelope params data continuation")


class Closed(Exception):
    """The other side closed the connection."""


class Goodbye(Closed):
    """... and said why."""

    def __init__(self, envelope):
        self.status = envelope.get(STATUS, OK)
        self.text = envelope.get(ERROR, "")
        super().__init__("goodbye %d: %s" % (self.status, self.text))


class Refused(Exception):
    """The registration was refused."""

    def __init__(self, envelope):
        self.status = envelope.get(STATUS, OK)
        self.text = envelope.get(ERROR, "")
        super().__init__("refused %d: %s" % (self.status, self.text))


def pack_frame(message, task_id=0, envelope=None, params=b"", data=b"", flags=0):
    """Section 2. Envelope None: a continuation frame."""
    head = b"\x96\xcc%c\xcc%c\xcf" % (message, flags) + struct.pack(">Q", task_id)
    # A map's fields in ascending order; the library writes shortest forms.
    packed = b"" if envelope is None else msgpack.packb(dict(sorted(envelope.items())))
    return head + b"".join(msgpack.packb(part) for part in (packed, params, data))


def pack_map(values):
    """Params: an empty map travels as no bytes."""
    return msgpack.packb(values) if values else b""


def unpack_map(params):
    return msgpack.unpackb(params, raw=False) if params else {}


CONTENT_IDS = 1 << 63  # from here on: ids of our own for content streams


def apply_delta(content, delta):
    """Section 4: the content with the patches of a delta."""
    whole = bytearray(content)
    while delta:
        offset, size = struct.unpack_from(">II", delta)
        whole[offset : offset + size] = delta[8 : 8 + size]
        delta = delta[8 + size :]
    return bytes(whole)


def payload_frames(message, task_id, envelope, params=b"", data=b"", flags=0, chunk=CHUNK_MAX):
    """Section 4: one frame, or the frames of a stream."""
    if len(params) + len(data) <= chunk:
        yield pack_frame(message, task_id, envelope, params, data, flags)
        return
    envelope = dict(envelope)
    envelope[SIZES] = [len(params), len(data)]
    total = len(params) + len(data)
    for start in range(0, total, chunk):
        end = min(start + chunk, total)
        yield pack_frame(
            message,
            task_id,
            envelope if start == 0 else None,
            params[start:end],
            data[max(0, start - len(params)) : max(0, end - len(params))],
            (flags if start == 0 else 0) | (MORE if end < total else 0),
        )


class Connection:
    """Frames over one socket; answers nothing by itself but sends heartbeats when told how often."""

    def __init__(self, address, timeout=20.0):
        self.timeout = timeout
        self.socket = socket.create_connection(address, timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Frames may hold 256 KiB and an envelope; everything on the wire is plain MessagePack.
        self.unpacker = msgpack.Unpacker(raw=False, max_buffer_size=16 << 20)
        self.streams = {}
        self.heartbeat_seconds = None
        self.heartbeat_envelope = dict
        self.beat_at = None
        self.beats_received = 0

    def close(self):
        self.socket.close()

    def close_hard(self):
        """Ends the connection under a thread that reads it; nothing that waits is sent."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.shutdown(socket.SHUT_RDWR)

    def send(self, message, task_id=0, envelope=None, params=b"", data=b"", flags=0):
        self.send_bytes(pack_frame(message, task_id, envelope or {}, params, data, flags))

    def send_payload(self, message, task_id, envelope, params=b"", data=b"", flags=0):
        for frame in payload_frames(message, task_id, envelope, params, data, flags):
            self.send_bytes(frame)

    def send_bytes(self, data):
        self.socket.sendall(data)

    def start_heartbeats(self, interval_ms, envelope=dict):
        self.heartbeat_seconds = (interval_ms or 1000) / 1000.0
        self.heartbeat_envelope = envelope
        self.beat_at = time.monotonic() + self.heartbeat_seconds

    def _beat(self, now):
        envelope = {TIMESTAMP: int(time.time() * 1000)}
        envelope.update(self.heartbeat_envelope())
        self.send(HEARTBEAT, 0, envelope)
        self.beat_at = now + self.heartbeat_seconds

    def receive(self, timeout=None, wake=None):
        """The next frame; None when `timeout` seconds have passed or `wake` became readable."""
        until = time.monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            try:
                return self._frame(next(self.unpacker))
            except StopIteration:
                pass
            now = time.monotonic()
            if self.beat_at is not None and now >= self.beat_at:
                self._beat(now)
            if now >= until:
                return None
            wait = until - now
            if self.beat_at is not None:
                wait = min(wait, self.beat_at - now)
            watched = [self.socket] + ([wake] if wake else [])
            readable = select.select(watched, [], [], max(0.0, wait))[0]
            if wake in readable:
                return None
            if self.socket not in readable:
                continue
            try:
                received = self.socket.recv(1 << 16)
            except ConnectionError:
                received = b""
            if not received:
                raise Closed("the other side closed the connection")
            self.unpacker.feed(received)

    def _frame(self, values):
        message, flags, task_id, envelope, params, data = values
        fields = msgpack.unpackb(envelope, raw=False, strict_map_key=False) if envelope else {}
        return Frame(message, flags, task_id, fields, params, data, not envelope)

    def receive_message(self, timeout=None, wake=None):
        """The next message with its whole payload; heartbeats are counted, goodbye is raised."""
        while True:
            frame = self.receive(timeout, wake)
            if frame is None:
                return None
            if frame.message == HEARTBEAT:
                self.beats_received += 1
                continue
            if frame.message == GOODBYE:
                raise Goodbye(frame.envelope)
            whole = self._assemble(frame)
            if whole is not None:
                return whole

    def _assemble(self, frame):
        key = (frame.message, frame.id)
        if not frame.continuation:
            self.streams.pop(key, None)  # an envelope starts the stream anew
            if not frame.flags & MORE:
                return frame
            self.streams[key] = (frame, bytearray(), bytearray())
        if key not in self.streams:
            return None  # belongs to something that has ended
        first, params, data = self.streams[key]
        if frame.params and data:
            raise ValueError("params behind data")
        params += frame.params
        data += frame.data
        if frame.flags & MORE:
            return None
        del self.streams[key]
        if [len(params), len(data)] != first.envelope[SIZES]:
            raise ValueError("a payload of another size than announced")
        return first._replace(params=bytes(params), data=bytes(data))


def hello(connection, role, versions=(VERSION,)):
    """Section 5: the first half of the handshake."""
    connection.send(
        HELLO,
        0,
        {VERSIONS: list(versions), ROLE: role, NONCE: os.urandom(16), LIBRARY: "interop 1.0"},
    )
    answer = connection.receive_message()
    assert answer.message == HELLO_RESPONSE, answer
    return answer.envelope


def register(connection, message, envelope):
    """Section 5: the second half. Returns the response's fields."""
    connection.send(message, 0, envelope)
    answer = connection.receive_message()
    assert answer.message == message + 1, answer
    if not answer.envelope[SUCCESS]:
        raise Refused(answer.envelope)
    return answer.envelope


def parse_address(text):
    host, _, port = text.rpartition(":")
    return host, int(port)
