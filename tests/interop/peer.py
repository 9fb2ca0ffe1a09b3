#!/usr/bin/env python3
"""A P2C2R peer in Python, from src/wire/PROTOCOL.md.

    peer.py HOST:PORT [--peer-id NAME] [--types echo,...]

Runs in the foreground until it is interrupted. As a module: Peer, one thread, executors as
functions of (params, data) that return (info, data) or raise TaskError.
"""

import argparse
import hashlib
import socket
import threading
import time

import protocol as p


class TaskError(Exception):
    def __init__(self, status, text, field=""):
        super().__init__(text)
        self.status = status
        self.text = text
        self.field = field


class Hold(Exception):
    """Raised by an executor whose task stays open until it is cancelled or released."""


def echo(params, data):
    return params, data


class Peer:
    def __init__(self, address, peer_id, executors, slots=4, resume=None, circle=None,
                 content_bytes=0):
        self.content_bytes = content_bytes
        self.contents = {}  # by digest
        self.lacking = []  # frames of task_assign whose content was asked for
        self.executors = executors
        self.peer_id = peer_id
        self.slots = slots
        self.assigns = []  # every frame of task_assign
        self.cancels = []  # every frame of task_cancel
        self.held = {}  # task id -> frame
        self.completed = 0
        self.ended = None  # what ended the connection
        self.changed = threading.Condition()
        self._refusals = 0
        self._closing = False
        self._actions = []
        self._wake_read, self._wake_write = socket.socketpair()
        self.connection = p.Connection(address)
        try:
            self._join(resume, circle)
        except BaseException:
            self._let_go()
            raise
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _join(self, resume, circle):
        answer = p.hello(self.connection, p.ROLE_PEER)
        if answer[p.VERSION_CHOSEN] != p.VERSION:
            raise RuntimeError("no version in common")
        registration = {
            p.PEER_ID: self.peer_id,
            p.CAPABILITIES: {"cpu_cores": 1, "task_types": sorted(self.executors)},
            p.SLOTS: self.slots,
            p.WINDOW_TASKS: 2 * self.slots,
            p.WINDOW_BYTES: 64 << 20,
        }
        if self.content_bytes:
            registration[p.CONTENT_BYTES] = self.content_bytes
        if resume is not None:
            registration[p.RESUME] = resume
        if circle is not None:
            registration[p.CIRCLE] = circle
        response = p.register(self.connection, p.PEER_REGISTER, registration)
        self.resume = response[p.RESUME]
        self.connection.start_heartbeats(
            response.get(p.HEARTBEAT_INTERVAL_MS),
            lambda: {
                p.PEER_ID: self.peer_id,
                p.LOAD: 0.25,
                p.TASKS_COMPLETED: self.completed,
                p.SLOTS_FREE: max(0, self.slots - len(self.held)),
            },
        )

    def _let_go(self):
        self.connection.close()
        self._wake_read.close()
        self._wake_write.close()

    # ---- for the thread that owns the peer

    def wait_for(self, condition, timeout=20.0):
        """Waits until condition(self) is true."""
        with self.changed:
            if not self.changed.wait_for(lambda: condition(self) or self.ended, timeout):
                raise TimeoutError("the peer waited in vain")
        if not condition(self):
            raise self.ended

    def refuse_next(self, count=1):
        with self.changed:
            self._refusals = count

    def release(self, task_id, info, data):
        """Answers a held task."""
        self._post(lambda: self._answer(self.held.pop(task_id), p.OK, info, data))

    def leave(self):
        """Leaves in order."""
        self._post(self._leave)
        self._thread.join(20.0)

    def vanish(self):
        """Leaves as a crash would."""
        self._closing = True
        self.connection.close_hard()
        self._thread.join(20.0)

    def close(self):
        """Leaves if it is still there, and lets go of everything."""
        if self.ended is None:
            self.leave()
        self._let_go()

    def _post(self, action):
        self._actions.append(action)
        self._wake_write.send(b"x")

    # ---- the peer's own thread

    def _leave(self):
        self._closing = True
        self.connection.send(p.PEER_DISCONNECT, 0, {p.PEER_ID: self.peer_id, p.REASON: "done"})
        self.connection.close()

    def _run(self):
        try:
            while not self._closing:
                message = self.connection.receive_message(1.0, self._wake_read)
                while self._actions:
                    self._wake_read.recv(1)
                    self._actions.pop(0)()
                if message is not None:
                    self._handle(message)
        except (p.Closed, OSError) as error:
            self._end(error)
        finally:
            self._end(p.Closed("left"))

    def _end(self, why):
        with self.changed:
            self.ended = self.ended or why
            self.changed.notify_all()

    def _handle(self, message):
        if message.message == p.TASK_ASSIGN:
            self._assign(message)
        elif message.message == p.TASK_CANCEL:
            held = self.held.pop(message.id, None)
            if held is not None:
                self._answer(held, p.E_CANCELLED, error="cancelled")
            self.cancels.append(message)
        elif message.message == p.CONTENT_PUT:
            assert hashlib.sha256(message.data).digest() == message.envelope[p.DIGEST]
            self.contents[message.envelope[p.DIGEST]] = message.data
            lacking, self.lacking = self.lacking, []
            for frame in lacking:
                self._run_content(frame)
        with self.changed:
            self.changed.notify_all()

    def _assign(self, frame):
        self.assigns.append(frame)
        if self._refusals > 0:
            self._refusals -= 1
            self.connection.send(
                p.TASK_REFUSE,
                frame.id,
                {p.ATTEMPT: frame.envelope[p.ATTEMPT], p.STATUS: p.E_BUSY, p.ERROR: "not now"},
            )
            return
        if frame.envelope.get(p.PAYLOAD_PLACE, 0) == 1:
            self._run_content(frame)
        else:
            self._run_task(frame)

    def _run_content(self, frame):
        digest = frame.envelope[p.DIGEST]
        if digest in self.contents:
            whole = p.apply_delta(self.contents[digest], frame.data)
            self._run_task(frame._replace(data=whole))
            return
        self.lacking.append(frame)
        self.connection.send(p.CONTENT_WANT, frame.id, {p.DIGEST: digest})

    def _run_task(self, frame):
        executor = self.executors.get(frame.envelope[p.TASK_TYPE])
        started = time.monotonic()
        try:
            if executor is None:
                raise TaskError(p.E_TASK_TYPE, "no such type here", "task_type")
            info, data = executor(p.unpack_map(frame.params), frame.data)
            spent_us = int((time.monotonic() - started) * 1e6)
            self._answer(frame, p.OK, info, data, processing_us=spent_us)
        except TaskError as error:
            self._answer(frame, error.status, error=error.text, field=error.field)
        except Hold:
            self.held[frame.id] = frame

    def _answer(self, frame, status, info=None, data=b"", error="", field="", processing_us=0):
        envelope = {p.ATTEMPT: frame.envelope[p.ATTEMPT]}
        if status != p.OK:
            envelope[p.STATUS] = status
            envelope[p.ERROR] = error
            if field:
                envelope[p.FIELD] = field
            self.connection.send(p.TASK_RESULT, frame.id, envelope)
            return
        self.completed += 1
        envelope[p.PROCESSING_TIME_MS] = processing_us
        envelope[p.SLOTS_FREE] = max(0, self.slots - len(self.held))
        flags = 0
        # An echo's bytes are the origin's, and so is their checksum.
        if p.CHECKSUM_VALUE in frame.envelope and (info, data) == (
            p.unpack_map(frame.params),
            frame.data,
        ):
            envelope[p.CHECKSUM_VALUE] = frame.envelope[p.CHECKSUM_VALUE]
            flags = p.CHECKSUM
        params = frame.params if flags else p.pack_map(info)
        self.connection.send_payload(p.TASK_RESULT, frame.id, envelope, params, data, flags)


def main():
    parser = argparse.ArgumentParser(description="A P2C2R peer that runs echo")
    parser.add_argument("coordinator", type=p.parse_address, help="HOST:PORT")
    parser.add_argument("--peer-id", default="python-peer")
    parser.add_argument("--types", default="echo")
    arguments = parser.parse_args()
    executors = {name: echo for name in arguments.types.split(",")}
    peer = Peer(arguments.coordinator, arguments.peer_id, executors)
    print("registered as", peer.peer_id, flush=True)
    try:
        while peer.ended is None:
            with peer.changed:
                peer.changed.wait(1.0)
    except KeyboardInterrupt:
        peer.leave()
        return
    print("ended:", peer.ended, flush=True)


if __name__ == "__main__":
    main()
