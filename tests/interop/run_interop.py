#!/usr/bin/env python3
"""Peer and client in Python against the real coordinator, and against the program's own roles.

    run_interop.py PROGRAM [unittest arguments]

PROGRAM is the built p2c2r. Exit status 77 where there is no msgpack for Python.
"""

import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

try:
    import msgpack
except ImportError:
    print("skipped: interop (python3-msgpack is not installed)")
    sys.exit(77)

import protocol as p
from client import Client
from peer import Hold, Peer, TaskError, echo

HERE = os.path.dirname(os.path.abspath(__file__))
DOCUMENT = os.path.join(HERE, "..", "..", "src", "wire", "PROTOCOL.md")
PROGRAM = "p2c2r"
# The coordinator: any free ports, and a short heartbeat so that silence shows soon.
COORDINATOR = ["coordinator", "--listen-port", "0", "--prometheus-port", "0",
               "--heartbeat-interval-ms", "300"]
PEER = ["peer", "--no-benchmark", "--mode", "always", "--device", "native", "--coordinator"]
SUBMIT = ["submit", "--coordinator"]


class Process:
    """A program of ours; what it prints is read on a thread, so that it never blocks."""

    def __init__(self, arguments):
        self.arguments = arguments
        self.process = subprocess.Popen(
            arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.lines = []
        self.changed = threading.Condition()
        self.readers = [
            threading.Thread(target=self._read, args=(stream,), daemon=True)
            for stream in (self.process.stdout, self.process.stderr)
        ]
        for reader in self.readers:
            reader.start()

    def _read(self, stream):
        for line in stream:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.changed.notify_all()

    def wait_for_line(self, pattern, timeout=30.0):
        def found():
            for line in self.lines:
                match = re.search(pattern, line)
                if match:
                    return match
            if self.process.poll() is not None and not any(r.is_alive() for r in self.readers):
                raise RuntimeError("ended early: %s\n%s" % (self.arguments, "\n".join(self.lines)))
            return None

        with self.changed:
            match = None
            waited = 0.0
            while match is None and waited < timeout:
                match = found()
                if match is None:
                    self.changed.wait(0.2)
                    waited += 0.2
        if match is None:
            raise TimeoutError("no line like %r:\n%s" % (pattern, "\n".join(self.lines)))
        return match

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(30)
        for reader in self.readers:
            reader.join(10)
        self.process.stdout.close()
        self.process.stderr.close()
        return status


class Session(unittest.TestCase):
    """One coordinator for all cases; each case has peers and task types of its own."""

    @classmethod
    def setUpClass(cls):
        cls.coordinator = Process([PROGRAM] + COORDINATOR)
        match = cls.coordinator.wait_for_line(r"^listening on (.*):(\d+)$")
        cls.address = ("127.0.0.1", int(match.group(2)))
        cls.url = "p2c2r+plain://127.0.0.1:%d" % cls.address[1]

    @classmethod
    def tearDownClass(cls):
        alive = cls.coordinator.process.poll() is None
        status = cls.coordinator.stop()
        if not alive or status != 0:
            raise AssertionError(
                "the coordinator ended with %d:\n%s" % (status, "\n".join(cls.coordinator.lines))
            )

    def setUp(self):
        self.name = self.id().rsplit(".", 1)[1]
        self.kind = ("interop_" + self.name)[:64]

    def peer(self, executors, peer_id=None, **options):
        peer = Peer(self.address, peer_id or "peer-" + self.name, executors, **options)
        self.addCleanup(peer.close)
        return peer

    def client(self, client_id=None, **options):
        client = Client(self.address, client_id or "client-" + self.name, **options)
        self.addCleanup(client.connection.close)
        return client

    def raw(self):
        connection = p.Connection(self.address)
        self.addCleanup(connection.close)
        return connection

    def assert_still_serving(self):
        self.served = getattr(self, "served", 0) + 1
        client = self.client("client-after-%s-%d" % (self.name, self.served))
        result = client.run("echo", b"still there")
        self.assertEqual((result.status, result.data), (p.OK, b"still there"))
        client.leave()


def noise(size, seed=1):
    return random.Random(seed).randbytes(size)


class Document(unittest.TestCase):
    def test_examples_are_read_by_a_stock_streaming_decoder(self):
        frames = read_examples()
        self.assertGreaterEqual(len(frames), 20)
        unpacker = msgpack.Unpacker(raw=False)
        for byte in b"".join(frames.values()):
            unpacker.feed(bytes([byte]))
        objects = list(unpacker)
        self.assertEqual(len(objects), len(frames))
        for name, values in zip(frames, objects):
            self.assertEqual([type(value) for value in values[:3]], [int, int, int], name)
            self.assertEqual([type(value) for value in values[3:]], [bytes] * 3, name)
            number = getattr(p, name.split(" ")[0].upper())
            self.assertEqual(values[0], number, name)

    def test_frames_written_here_are_those_of_the_document(self):
        for name, golden in read_examples().items():
            message, flags, task_id, envelope, params, data = msgpack.unpackb(golden, raw=False)
            fields = (
                msgpack.unpackb(envelope, raw=False, strict_map_key=False) if envelope else None
            )
            built = p.pack_frame(message, task_id, fields, params, data, flags)
            if not contains_float(fields):  # Python has float64 only
                self.assertEqual(built.hex(), golden.hex(), name)


def contains_float(value):
    if isinstance(value, dict):
        return any(contains_float(item) for item in value.values())
    return isinstance(value, float)


def read_examples():
    frames, name, inside = {}, None, False
    with open(DOCUMENT, encoding="utf-8") as file:
        section = file.read().split("## 13.", 1)[1]
    for line in section.splitlines():
        if line.startswith("```"):
            inside = not inside
        elif inside and line and not line.startswith(" "):
            name = line
            frames[name] = b""
        elif inside and line.strip():
            frames[name] += bytes.fromhex(line.strip().split("  ")[0])
    return frames


class Handshake(Session):
    def test_registration_says_what_the_document_says(self):
        client = self.client()
        self.assertEqual(client.response[p.CLIENT_ID], "client-" + self.name)
        self.assertEqual(len(client.response[p.RESUME]), 16)
        self.assertEqual(client.response[p.HEARTBEAT_INTERVAL_MS], 300)
        self.assertGreater(client.response[p.TASK_TIMEOUT_MS], 0)
        self.assertEqual(client.take().message, p.PEER_COUNT_UPDATE)

    def test_no_version_in_common_is_told_before_goodbye(self):
        connection = self.raw()
        answer = p.hello(connection, p.ROLE_GAMER, versions=[98, 99])
        self.assertEqual(answer[p.VERSION_CHOSEN], 0)
        with self.assertRaises(p.Goodbye) as goodbye:
            connection.receive_message()
        self.assertEqual(goodbye.exception.status, p.E_VERSION)
        self.assertTrue(goodbye.exception.text)

    def test_the_common_version_is_chosen_among_others(self):
        answer = p.hello(self.raw(), p.ROLE_PEER, versions=[7, 1, 99])
        self.assertEqual(answer[p.VERSION_CHOSEN], 1)

    def test_unknown_fields_are_skipped(self):
        connection = self.raw()
        connection.send(
            p.HELLO,
            0,
            {p.VERSIONS: [1], p.ROLE: p.ROLE_GAMER, p.NONCE: bytes(16), 99: {"a": [1, {2: None}]}},
        )
        self.assertEqual(connection.receive_message().message, p.HELLO_RESPONSE)

    def test_a_living_peer_id_is_taken_unless_the_secret_is_known(self):
        first = self.peer({"unused": echo})
        with self.assertRaises(p.Refused) as refused:
            self.peer({"unused": echo})
        self.assertEqual(refused.exception.status, p.E_EXISTS)
        self.assertTrue(refused.exception.text.startswith("PEER_ID_TAKEN"))
        self.assertIsNone(first.ended)
        with self.assertRaises(p.Refused):
            self.peer({"unused": echo}, resume=bytes(16))
        second = self.peer({"unused": echo}, resume=first.resume)
        self.assertNotEqual(second.resume, first.resume)
        with first.changed:
            first.changed.wait_for(lambda: first.ended, 20)
        self.assertIsInstance(first.ended, p.Goodbye)
        self.assertEqual(first.ended.status, p.E_EXISTS)

    def test_a_living_client_id_is_taken(self):
        self.client()
        with self.assertRaises(p.Refused) as refused:
            self.client()
        self.assertEqual(refused.exception.status, p.E_EXISTS)
        self.assertTrue(refused.exception.text.startswith("CLIENT_ID_TAKEN"))

    def test_silence_is_answered_with_heartbeats_and_then_the_end(self):
        connection = self.raw()
        p.hello(connection, p.ROLE_GAMER)
        p.register(connection, p.GAMER_REGISTER, {p.CLIENT_ID: "client-" + self.name})
        with self.assertRaises(p.Closed):
            while True:  # says nothing itself
                self.assertIsNotNone(connection.receive_message(10))
        self.assertGreater(connection.beats_received, 1)

    def test_bytes_one_at_a_time(self):
        connection = self.raw()
        frame = p.pack_frame(
            p.HELLO, 0, {p.VERSIONS: [1], p.ROLE: p.ROLE_GAMER, p.NONCE: bytes(16)}
        )
        for byte in frame:
            connection.send_bytes(bytes([byte]))
        self.assertEqual(connection.receive_message().message, p.HELLO_RESPONSE)


class Tasks(Session):
    def test_small_task_with_params(self):
        kind = self.kind
        peer = self.peer({kind: lambda params, data: ({"seen": params}, data[::-1])})
        client = self.client()
        result = client.run(kind, b"abc", {"text": "\u00fc", "list": [1, -2, 2.5, None, True]})
        self.assertEqual((result.status, result.data, result.source), (p.OK, b"cba", p.SOURCE_PEER))
        self.assertEqual(result.info, {"seen": {"text": "\u00fc", "list": [1, -2, 2.5, None, True]}})
        self.assertEqual(result.attempts, 1)
        self.assertEqual(peer.assigns[0].envelope[p.TASK_TYPE], kind)
        self.assertEqual(len(peer.assigns[0].envelope[p.ATTEMPT]), 16)

    def test_empty_task(self):
        kind = self.kind
        self.peer({kind: echo})
        result = self.client().run(kind)
        self.assertEqual((result.status, result.data, result.info), (p.OK, b"", {}))

    def test_one_mebibyte_in_chunks_both_ways(self):
        kind = self.kind
        self.peer({kind: lambda params, data: ({"size": len(data)}, data[::-1])})
        data = noise(1 << 20)
        result = self.client().run(kind, data)
        self.assertEqual((result.status, result.info), (p.OK, {"size": 1 << 20}))
        self.assertEqual(result.data, data[::-1])

    def test_params_larger_than_a_chunk(self):
        kind = self.kind
        self.peer({kind: echo})
        params = {"bytes": noise(300000, 2), "tail": "end"}
        data = noise(500001, 3)
        result = self.client().run(kind, data, params)
        self.assertEqual((result.status, result.info, result.data), (p.OK, params, data))

    def test_sizes_around_the_limits_of_bin_headers_and_chunks(self):
        kind = self.kind
        self.peer({kind: echo})
        client = self.client()
        sizes = [0, 1, 255, 256, 65535, 65536, p.CHUNK_MAX - 1, p.CHUNK_MAX, p.CHUNK_MAX + 1]
        tasks = [(client.submit(kind, noise(size, size)), size) for size in sizes]
        for task, size in tasks:
            result = client.wait(task)
            self.assertEqual((result.status, len(result.data)), (p.OK, size))
            self.assertEqual(result.data, noise(size, size))

    def test_chunks_of_any_size_interleaved_with_another_stream(self):
        kind = self.kind
        self.peer({kind: echo})
        client = self.client()
        streams = []
        for task, (size, chunk) in {11: (100000, 3333), 12: (70001, 999)}.items():
            params = p.pack_map({"size": size})
            streams.append(
                list(
                    p.payload_frames(
                        p.TASK_SUBMIT, task, {p.TASK_TYPE: kind}, params, noise(size), 0, chunk
                    )
                )
            )
        while any(streams):
            for stream in streams:
                if stream:
                    client.connection.send_bytes(stream.pop(0))
        for task, size in ((11, 100000), (12, 70001)):
            result = client.wait(task)
            self.assertEqual((result.status, result.info), (p.OK, {"size": size}))
            self.assertEqual(result.data, noise(size))

    def test_many_tasks_pipelined(self):
        kind = self.kind
        self.peer({kind: echo}, slots=8)
        client = self.client()
        tasks = [client.submit(kind, b"%d" % number) for number in range(500)]
        for number, task in enumerate(tasks):
            result = client.wait(task)
            self.assertEqual((result.status, result.data), (p.OK, b"%d" % number))

    def test_checksum_is_passed_on(self):
        kind = self.kind
        peer = self.peer({kind: echo})
        value = 0xFEDCBA9876543210
        result = self.client().run(kind, b"data", flags=p.CHECKSUM, checksum=value)
        assign = peer.assigns[0]
        self.assertEqual(assign.envelope[p.CHECKSUM_VALUE], value)
        self.assertTrue(assign.flags & p.CHECKSUM)
        self.assertEqual(result.checksum, value)
        self.assertTrue(result.flags & p.CHECKSUM)

    def test_deadline_travels_as_what_remains(self):
        kind = self.kind
        peer = self.peer({kind: echo})
        self.client().run(kind, deadline=3000000)
        left = peer.assigns[0].envelope[p.DEADLINE]
        self.assertLessEqual(left, 3000000)
        self.assertGreater(left, 0)

    def test_a_deadline_that_is_over_ends_with_task_timeout(self):
        kind = self.kind
        self.peer({kind: echo})
        result = self.client().run(kind, deadline=0)
        self.assertEqual((result.message, result.status), (p.TASK_TIMEOUT, p.E_DEADLINE))
        self.assertTrue(result.error)

    def test_dependencies_run_in_order_and_a_broken_one_is_told(self):
        kind = self.kind

        def run(params, data):
            if data == b"bad":
                raise TaskError(p.E_PARAMS, "data is bad", "data")
            return {}, data

        peer = self.peer({kind: run})
        client = self.client()
        first = client.submit(kind, b"1")
        second = client.submit(kind, b"2", depends_on=[first])
        self.assertEqual(client.wait(second).data, b"2")
        self.assertEqual(client.wait(first).data, b"1")
        # On a busy machine a task may be tried once more, but never before what it waits for.
        order = list(dict.fromkeys(frame.data for frame in peer.assigns))
        self.assertEqual(order, [b"1", b"2"])
        bad = client.submit(kind, b"bad")
        after = client.submit(kind, b"3", depends_on=[bad])
        self.assertEqual(client.wait(bad).status, p.E_PARAMS)
        result = client.wait(after)
        self.assertEqual((result.status, result.field), (p.E_STATE, "depends_on"))

    def test_an_error_of_the_task_comes_with_its_field(self):
        kind = self.kind

        def fail(params, data):
            raise TaskError(p.E_PARAMS, "size is missing", "size")

        self.peer({kind: fail})
        result = self.client().run(kind)
        self.assertEqual(
            (result.status, result.field, result.error, result.data),
            (p.E_PARAMS, "size", "size is missing", b""),
        )

    def test_a_refused_task_is_placed_again_with_a_new_attempt(self):
        kind = self.kind
        peer = self.peer({kind: echo})
        peer.refuse_next()
        result = self.client().run(kind, b"again")
        self.assertEqual((result.status, result.data), (p.OK, b"again"))
        attempts = [frame.envelope[p.ATTEMPT] for frame in peer.assigns]
        self.assertEqual(len(attempts), 2)
        self.assertNotEqual(attempts[0], attempts[1])

    def test_cancel_reaches_the_peer_and_the_connection_goes_on(self):
        kind = self.kind

        def hold(params, data):
            if data == b"hold":
                raise Hold()
            return {}, data

        peer = self.peer({kind: hold})
        client = self.client()
        task = client.submit(kind, b"hold")
        peer.wait_for(lambda peer: peer.held)
        client.cancel(task)
        peer.wait_for(lambda peer: peer.cancels)
        self.assertEqual(peer.cancels[0].id, peer.assigns[0].id)
        self.assertEqual(client.wait(task).status, p.E_CANCELLED)
        client.cancel(999999)  # not known: nothing happens
        self.assertEqual(client.run(kind, b"next").data, b"next")

    def test_an_unknown_type_is_an_error_result(self):
        client = self.client()
        result = client.run("interop_nobody_has_this", b"x")
        self.assertEqual((result.status, result.field), (p.E_TASK_TYPE, "task_type"))
        self.assertIn("interop_nobody_has_this", result.error)
        self.assertEqual(client.run("echo", b"x").data, b"x")

    def test_a_payload_elsewhere_is_not_supported_yet(self):
        kind = self.kind
        self.peer({kind: echo})
        client = self.client()
        result = client.run(kind, payload_place=2, digest=bytes(32))
        self.assertEqual((result.status, result.field), (p.E_UNSUPPORTED, "payload_place"))
        self.assertEqual(client.run(kind, b"here").data, b"here")

    def test_a_content_travels_once_and_a_delta_changes_it(self):
        for content_bytes in (1 << 24, 0):  # a peer that keeps contents, and one that does not
            kind = self.kind[:40] + str(content_bytes)
            peer = self.peer({kind: echo}, kind, content_bytes=content_bytes)
            client = self.client(kind)
            self.assertGreater(client.response[p.CONTENT_BYTES], 0)
            for content in (b"small", os.urandom(700_000)):
                digest = client.put(content)
                sent = client.contents_sent
                for delta, expected in (
                    (b"", content),
                    (b"\0\0\0\1\0\0\0\2XY", content[:1] + b"XY" + content[3:]),
                    (b"", content),
                ):
                    result = client.run(kind, delta, payload_place=1, digest=digest)
                    self.assertEqual((result.status, result.data), (p.OK, expected))
                self.assertEqual(client.contents_sent, sent + 1)
            self.assertEqual(len(peer.contents), 2 if content_bytes else 0)

    def test_an_alias_reaches_the_peer_as_the_canonical_name(self):
        peer = self.peer({"raytracing": lambda params, data: ({"layers": 1}, b"")})
        result = self.client().run("ray_tracing")
        self.assertEqual((result.status, result.info), (p.OK, {"layers": 1}))
        self.assertEqual(peer.assigns[0].envelope[p.TASK_TYPE], "raytracing")

    def test_a_task_never_leaves_its_circle(self):
        # Free text stays with machines of the same owner.
        invited = self.peer({"ai_dialogue": echo}, "invited-" + self.name)
        client = self.client()
        result = client.run("ai_npc_dialogue", b"hello", deadline=300000)
        self.assertEqual(result.status, p.E_DISCONNECTED)
        self.assertEqual(result.error, "no peer of circle own of this owner is connected")
        own = self.peer({"ai_dialogue": echo}, "own-" + self.name, circle=p.CIRCLE_OWN)
        self.assertEqual(client.run("ai_npc_dialogue", b"hello").data, b"hello")
        self.assertEqual((len(invited.assigns), len(own.assigns)), (0, 1))

    def test_a_lost_peer_is_replaced_in_the_middle_of_a_task(self):
        kind = self.kind

        def hold(params, data):
            raise Hold()

        first = self.peer({kind: hold}, "first-" + self.name)
        client = self.client()
        task = client.submit(kind, b"x")
        first.wait_for(lambda peer: peer.held)
        self.peer({kind: lambda params, data: ({}, b"second")}, "second-" + self.name)
        first.vanish()
        result = client.wait(task)
        self.assertEqual((result.status, result.data, result.attempts), (p.OK, b"second", 2))

    def test_a_result_that_breaks_off_is_started_anew(self):
        kind = self.kind
        data = noise(600000, 5)

        def hold(params, data):
            raise Hold()

        first = self.peer({kind: hold}, "first-" + self.name)
        client = self.client()
        task = client.submit(kind, b"x")
        first.wait_for(lambda peer: peer.held)
        self.peer({kind: lambda params, _: ({"from": 2}, data)}, "second-" + self.name)
        assign = first.assigns[0]
        frames = list(
            p.payload_frames(
                p.TASK_RESULT, assign.id, {p.ATTEMPT: assign.envelope[p.ATTEMPT]}, b"", data[::-1]
            )
        )
        first.connection.send_bytes(frames[0] + frames[1])
        first.vanish()
        result = client.wait(task)
        self.assertEqual((result.status, result.info), (p.OK, {"from": 2}))
        self.assertEqual(result.data, data)

    def test_a_result_with_a_wrong_attempt_counts_for_nothing(self):
        kind = self.kind

        def hold(params, data):
            raise Hold()

        peer = self.peer({kind: hold})
        client = self.client()
        task = client.submit(kind, b"x")
        peer.wait_for(lambda peer: peer.held)
        assign = peer.assigns[0]
        peer.connection.send(p.TASK_RESULT, assign.id, {p.ATTEMPT: bytes(16)}, b"", b"forged")
        peer.connection.send(p.TASK_RESULT, assign.id + 1, {p.ATTEMPT: bytes(16)}, b"", b"forged")
        peer.release(assign.id, {}, b"true")
        self.assertEqual(client.wait(task).data, b"true")

    def test_a_resumed_session_gets_its_results(self):
        kind = self.kind

        def hold(params, data):
            raise Hold()

        peer = self.peer({kind: hold})
        client = self.client()
        task = client.submit(kind, b"x")
        peer.wait_for(lambda peer: peer.held)
        observer = self.client("observer-" + self.name)
        client.connection.close()  # lost, not said goodbye
        self.wait_for_status(observer, "clients", 1)
        peer.release(peer.assigns[0].id, {}, b"kept")
        self.wait_for_status(observer, "pending_tasks", 0)
        again = self.client(resume=client.resume)
        again.submit(kind, b"x", task_id=task, task_flags=p.SUBMITTED_BEFORE)
        self.assertEqual(again.wait(task).data, b"kept")
        self.assertEqual(len(peer.assigns), 1)

    def test_a_verify_class_that_nobody_keeps_is_refused(self):
        client = self.client()
        self.assertEqual(client.run("echo", b"x", verify=1).data, b"x")
        refused = client.run("echo", b"x", verify=2)
        self.assertEqual((refused.status, refused.field), (p.E_UNSUPPORTED, "verify"))

    def wait_for_status(self, observer, name, value, timeout=20.0):
        until = time.monotonic() + timeout
        while p.unpack_map(observer.call("status").params)[name] != value:
            self.assertLess(time.monotonic(), until, name)

    def test_calls(self):
        client = self.client()
        status = client.call("status")
        self.assertEqual(status.envelope.get(p.STATUS, p.OK), p.OK)
        self.assertIn("active_peers", p.unpack_map(status.params))
        metrics = client.call("metrics")
        self.assertIn(b"# TYPE p2c2r_", metrics.data)
        unknown = client.call("no_such_call")
        self.assertEqual(unknown.envelope[p.STATUS], p.E_UNSUPPORTED)
        self.assertIn("status", unknown.envelope[p.ERROR])

    def test_peer_counts_follow_the_peers(self):
        client = self.client()
        client.wait_for_peers(0)
        peer = self.peer({"interop_counted": echo})
        client.wait_for_peers(1)
        peer.leave()
        client.wait_for_peers(0)


class BadInput(Session):
    def assert_ended(self, connection, may_be_silent=False, text=None):
        with self.assertRaises(p.Closed) as ended:
            while True:
                self.assertIsNotNone(connection.receive_message())
        if isinstance(ended.exception, p.Goodbye):
            self.assertEqual(ended.exception.status, p.E_PROTOCOL)
            self.assertTrue(ended.exception.text)
            if text:
                self.assertIn(text, ended.exception.text)
            with self.assertRaises(p.Closed):
                connection.receive_message()
        else:
            self.assertTrue(may_be_silent, "closed without goodbye")
        self.assert_still_serving()

    def test_other_protocols_and_noise(self):
        for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 64, b"\xff" * 64, noise(4096, 9)):
            connection = self.raw()
            connection.send_bytes(garbage)
            self.assert_ended(connection, may_be_silent=True)

    def test_frames_in_other_forms_of_messagepack(self):
        whole = [1, 0, 0, msgpack.packb({0: [1], 1: 1, 2: bytes(16)}), b"", b""]
        connection = self.raw()
        connection.send_bytes(msgpack.packb(whole))  # message and flags in one byte each
        self.assert_ended(connection, may_be_silent=True)
        head = b"\x96\xcc\x01\xcc\x00\xcf" + bytes(8)
        for envelope in (b"\xc5\x00\x01\x80", b"\xc6\x00\x00\x00\x01\x80", b"\xa1\x80", b"\x80"):
            connection = self.raw()
            connection.send_bytes(head + envelope + b"\xc4\x00\xc4\x00")
            self.assert_ended(connection, may_be_silent=True)

    def test_sizes_that_lie(self):
        head = b"\x96\xcc\x01\xcc\x00\xcf" + bytes(8)
        for rest in (b"\xc6\xff\xff\xff\xff", b"\xc4\x00\xc6\xff\xff\xff\xff",
                     b"\xc4\x00\xc4\x00\xc6\xff\xff\xff\xff"):
            connection = self.raw()
            connection.send_bytes(head + rest)
            self.assert_ended(connection, may_be_silent=True)

    def test_a_frame_over_the_limit_before_registration(self):
        connection = self.raw()
        connection.send(p.HELLO, 0, {p.VERSIONS: [1]}, b"", bytes(5000))
        self.assert_ended(connection, may_be_silent=True)

    def test_malformed_envelopes(self):
        nonce = b"\x02\xc4\x10" + bytes(16)
        cases = {
            b"": "map",
            b"\x90": "map",
            b"\x80": "missing",
            b"\x83\x00\x91\x01\x01\x01\x01\x01": "twice",
            b"\x83\x00\x91\x01\x01\xa1x" + nonce: "role",
            b"\x83\x00\x01\x01\x01" + nonce: "versions",
            b"\x83\x00\x91\x01\x01\x01\x02\xc4\x01\x00": "nonce",
            b"\x83\x00\x91\x01\x01\x01" + nonce + b"\x00": "bytes follow",
            b"\x84\x00\x91\x01\x01\x01" + nonce + b"\x63\xdd\xff\x00\x00\x00": "unknown field",
            b"\x84\x00\x91\x01\x01\x01" + nonce + b"\x63" + b"\x91" * 200: "unknown field",
            b"\x84\x00\x91\x01\x01\x01" + nonce + b"\x03\xa2\xc3\x28": "library",
            b"\x84\x00\x91\x01\x01\x01" + nonce + b"\x63\xd4\x01\x01": "unknown field",
        }
        for envelope, text in cases.items():
            connection = self.raw()
            parts = b"".join(msgpack.packb(part) for part in (envelope, b"", b""))
            connection.send_bytes(b"\x96\xcc\x01\xcc\x00\xcf" + bytes(8) + parts)
            with self.subTest(text=text, envelope=envelope[:40].hex()):
                self.assert_ended(connection, text=text)

    def test_messages_out_of_place(self):
        for message in (p.TASK_SUBMIT, p.GAMER_REGISTER, p.TASK_RESULT, 77):
            connection = self.raw()
            connection.send(message, 1, {p.TASK_TYPE: "echo"})
            self.assert_ended(connection, text="unexpected")
        connection = self.raw()
        p.hello(connection, p.ROLE_GAMER)
        connection.send(p.PEER_REGISTER, 0, {p.PEER_ID: "x", p.CAPABILITIES: {}, p.SLOTS: 1})
        self.assert_ended(connection, text="unexpected")
        client = self.client()
        client.connection.send(p.TASK_RESULT, 1, {p.ATTEMPT: bytes(16)})
        self.assert_ended(client.connection, text="unexpected")

    def test_streams_that_break_their_word(self):
        def first(task, sizes, data, flags=p.MORE):
            envelope = {p.TASK_TYPE: "echo"}
            if sizes:
                envelope[p.SIZES] = sizes
            return p.pack_frame(p.TASK_SUBMIT, task, envelope, b"", data, flags)

        def more(task, data, flags):
            return p.pack_frame(p.TASK_SUBMIT, task, None, b"", data, flags)

        for number, frames in enumerate(
            (
                [first(1, None, b"abc")],
                [first(1, [0, 10], b"abc"), more(1, b"abc", 0)],
                [first(1, [0, 10], b"abc"), more(1, b"abcdefghijkl", p.MORE)],
            )
        ):
            client = self.client("client-%s-%d" % (self.name, number))
            client.connection.send_bytes(b"".join(frames))
            with self.subTest(number=number):
                self.assert_ended(client.connection)

    def test_continuations_of_nothing_are_ignored(self):
        client = self.client()
        client.connection.send_bytes(p.pack_frame(p.TASK_SUBMIT, 5, None, b"", b"abc", p.MORE))
        client.connection.send_bytes(p.pack_frame(p.TASK_SUBMIT, 6, None, b"", b"abc", 0))
        self.assertEqual(client.run("echo", b"good", task_id=7).data, b"good")

    def test_a_payload_over_64_mebibytes_is_refused_by_name(self):
        client = self.client()
        client.connection.send_bytes(
            p.pack_frame(
                p.TASK_SUBMIT,
                3,
                {p.TASK_TYPE: "echo", p.SIZES: [0, (64 << 20) + 1]},
                b"",
                b"x",
                p.MORE,
            )
        )
        self.assertEqual(client.wait(3).status, -18)
        self.assertEqual(client.run("echo", b"good").data, b"good")

    def test_a_client_that_breaks_the_protocol_takes_no_other_down(self):
        kind = self.kind

        def hold(params, data):
            raise Hold()

        peer = self.peer({kind: hold})
        good = self.client("good-" + self.name)
        task = good.submit(kind, b"x")
        peer.wait_for(lambda peer: peer.held)
        for number in range(20):
            bad = self.raw()
            bad.send_bytes(noise(300, number))
            self.assert_closed(bad)
        peer.release(peer.assigns[0].id, {}, b"unharmed")
        self.assertEqual(good.wait(task).data, b"unharmed")

    def test_a_peer_that_breaks_the_protocol_loses_its_tasks_to_another(self):
        head = b"\x96\xcc" + bytes([p.TASK_RESULT]) + b"\xcc\x00\xcf" + bytes(8)

        def hold(params, data):
            raise Hold()

        cases = {
            "noise": b"\xc1" * 64,
            "another protocol": b"GET / HTTP/1.1\r\n\r\n",
            "a size that lies": head + b"\xc4\x00\xc4\x00\xc6\xff\xff\xff\xff",
            "no envelope of a result": p.pack_frame(p.TASK_RESULT, 1, {p.ATTEMPT: "text"}),
            "an unknown message": p.pack_frame(77, 1, {}),
            "half a frame": head,  # and then it is gone
        }
        for number, (what, garbage) in enumerate(cases.items()):
            kind = "%s_%d" % (self.kind[:60], number)
            with self.subTest(what=what):
                bad = self.peer({kind: hold}, "bad-%d-%s" % (number, self.name))
                client = self.client("client-%d-%s" % (number, self.name))
                task = client.submit(kind, b"x")
                bad.wait_for(lambda peer: peer.held)
                answer = ({}, b"by another")
                self.peer({kind: lambda params, data, answer=answer: answer},
                          "good-%d-%s" % (number, self.name))
                bad.connection.send_bytes(garbage)
                if what == "half a frame":
                    bad.vanish()
                result = client.wait(task)
                self.assertEqual((result.status, result.data), (p.OK, b"by another"))
                self.assertEqual(result.attempts, 2)
                # Nothing is told to the client of it, but to whoever reads the log.
                self.coordinator.wait_for_line(
                    "peer failed: .+ peer_id=bad-%d-%s" % (number, self.name)
                )

    def assert_closed(self, connection):
        # Noise may begin like a frame; then the coordinator waits for the rest, and we leave.
        try:
            connection.receive_message(0.5)
        except p.Closed:
            pass
        connection.close()


class WithTheProgram(Session):
    def run_submit(self, kind, data, *options):
        with tempfile.TemporaryDirectory() as folder:
            source = os.path.join(folder, "in.bin")
            target = os.path.join(folder, "out.bin")
            with open(source, "wb") as file:
                file.write(data)
            done = subprocess.run(
                [PROGRAM] + SUBMIT + [self.url, "--type", kind, "--data", source, "--out", target,
                                      "--remote-only", *options],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=60,
            )
            answer = None
            if os.path.exists(target):
                with open(target, "rb") as file:
                    answer = file.read()
            return done, answer

    def test_its_client_with_the_python_peer(self):
        # A type for each size: the time learned from a small task says nothing of a large one.
        sizes = (5, 100000, 1 << 20)
        kinds = {size: "%s_%d" % (self.kind[:50], size) for size in sizes}
        reverse = {kind: lambda params, data: ({"n": len(data)}, data[::-1]) for kind in kinds.values()}
        peer = self.peer(reverse)
        for size, kind in kinds.items():
            data = noise(size, size)
            done, answer = self.run_submit(kind, data)
            self.assertEqual(done.returncode, 0, done.stdout)
            self.assertEqual(answer, data[::-1])
        self.assertEqual({frame.envelope[p.TASK_TYPE] for frame in peer.assigns}, set(reverse))

    def test_its_client_gets_the_error_of_the_python_peer(self):
        kind = self.kind

        def fail(params, data):
            raise TaskError(p.E_PARAMS, "colour must be red", "colour")

        self.peer({kind: fail})
        done, answer = self.run_submit(kind, b"x")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("colour must be red", done.stdout)

    def test_its_peer_with_the_python_client(self):
        client = self.client()
        client.wait_for_peers(0)
        program = Process([PROGRAM] + PEER + [self.url, "--peer-id", "native-" + self.name])
        self.addCleanup(program.stop)
        client.wait_for_peers(1)
        # The coordinator can compute both types itself, and does so when a busy machine makes the
        # peer late; not for the first task of a type, which has seconds.
        first = client.run("echo", b"first")
        self.assertEqual((first.status, first.data), (p.OK, b"first"), first.error)
        self.assertEqual(first.source, p.SOURCE_PEER)
        for size in (0, 64, 300000, 1 << 20):
            data = noise(size, size)
            result = client.run("echo", data)
            self.assertEqual((result.status, result.data), (p.OK, data), result.error)
        pixels = noise(4 * 3 * 3, 1)
        result = client.run(
            "upscale",
            pixels,
            {"input_res": [4, 3], "output_res": [8, 6], "algorithm": "bicubic",
             "output_format": "raw"},
        )
        self.assertEqual((result.status, result.source), (p.OK, p.SOURCE_PEER), result.error)
        self.assertEqual(len(result.data), 8 * 6 * 3)
        self.assertEqual(result.info["algorithm_used"], "bicubic")
        bad = client.run("upscale", pixels, {"input_res": [5, 3], "output_res": [8, 6]})
        self.assertLess(bad.status, 0)
        self.assertTrue(bad.field)

    def test_both_python_programs(self):
        kind = self.kind
        address = "127.0.0.1:%d" % self.address[1]
        peer = Process([sys.executable, os.path.join(HERE, "peer.py"), address, "--types", kind,
                        "--peer-id", "program-" + self.name])
        self.addCleanup(peer.stop)
        peer.wait_for_line("^registered as program-")
        with tempfile.TemporaryDirectory() as folder:
            source, target = os.path.join(folder, "in"), os.path.join(folder, "out")
            data = noise(300000, 4)
            with open(source, "wb") as file:
                file.write(data)
            done = subprocess.run(
                [sys.executable, os.path.join(HERE, "client.py"), address, "--type", kind,
                 "--data", source, "--out", target],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=60,
            )
            self.assertEqual(done.returncode, 0, done.stdout)
            with open(target, "rb") as file:
                self.assertEqual(file.read(), data)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: run_interop.py PROGRAM [unittest arguments]")
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
