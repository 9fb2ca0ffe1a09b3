#!/usr/bin/env python3
"""A P2C2R client in Python, from src/wire/PROTOCOL.md.

    client.py HOST:PORT --type NAME [--data FILE] [--out FILE] [--deadline-ms N]

Submits one task, prints one line about its end, and writes the result's bytes to --out.
"""

import argparse
import hashlib
import sys

import protocol as p


class Result:
    """How a task ended."""

    def __init__(self, frame):
        envelope = frame.envelope
        timed_out = frame.message == p.TASK_TIMEOUT
        self.message = frame.message
        self.id = frame.id
        self.status = p.E_DEADLINE if timed_out else envelope.get(p.STATUS, p.OK)
        self.error = envelope.get(p.ERROR, "")
        self.field = envelope.get(p.FIELD, "")
        self.source = envelope.get(p.SOURCE, p.SOURCE_PEER)
        self.attempts = envelope.get(p.ATTEMPTS, 0)
        self.processing_us = envelope.get(p.PROCESSING_TIME_MS, 0)
        self.checksum = envelope.get(p.CHECKSUM_VALUE)
        self.params = frame.params
        self.info = p.unpack_map(frame.params)
        self.data = frame.data
        self.flags = frame.flags


class Client:
    def __init__(self, address, client_id, resume=None):
        self.connection = p.Connection(address)
        try:
            self._join(client_id, resume)
        except BaseException:
            self.connection.close()
            raise
        self.next_id = 1
        self.results = {}
        self.others = []  # messages that are not the end of a task
        self.contents = {}  # by digest
        self.contents_sent = 0

    def _join(self, client_id, resume):
        answer = p.hello(self.connection, p.ROLE_GAMER)
        if answer[p.VERSION_CHOSEN] != p.VERSION:
            raise RuntimeError("no version in common")
        if 0 not in answer[p.LOGIN_METHODS]:
            raise RuntimeError("a login is asked for")
        registration = {p.CLIENT_ID: client_id}
        if resume is not None:
            registration[p.RESUME] = resume
        self.response = p.register(self.connection, p.GAMER_REGISTER, registration)
        self.resume = self.response[p.RESUME]
        self.connection.start_heartbeats(self.response.get(p.HEARTBEAT_INTERVAL_MS))

    def submit(self, task_type, data=b"", params=None, task_id=None, flags=0, **fields):
        """Fields are named as in section 8: deadline=..., priority=..., depends_on=[...]."""
        if task_id is None:
            task_id = self.next_id
            self.next_id += 1
        envelope = {p.TASK_TYPE: task_type}
        numbers = {
            "deadline": p.DEADLINE,
            "priority": p.PRIORITY,
            "verify": p.VERIFY,
            "task_flags": p.TASK_FLAGS,
            "depends_on": p.DEPENDS_ON,
            "payload_place": p.PAYLOAD_PLACE,
            "digest": p.DIGEST,
            "checksum": p.CHECKSUM_VALUE,
        }
        for name, value in fields.items():
            envelope[numbers[name]] = value
        self.connection.send_payload(
            p.TASK_SUBMIT, task_id, envelope, p.pack_map(params), data, flags
        )
        return task_id

    def put(self, data):
        """The digest of a content, which goes when the coordinator asks for it."""
        digest = hashlib.sha256(data).digest()
        self.contents[digest] = data
        return digest

    def _send_content(self, digest):
        self.contents_sent += 1
        content_id = p.CONTENT_IDS + self.contents_sent
        data = self.contents[digest]
        self.connection.send_payload(p.CONTENT_PUT, content_id, {p.DIGEST: digest}, b"", data)

    def cancel(self, task_id):
        self.connection.send(p.TASK_CANCEL, task_id)

    def wait(self, task_id, timeout=20.0):
        """The result of a task; other messages that come meanwhile are kept."""
        while task_id not in self.results:
            self.take(timeout)
        return self.results.pop(task_id)

    def take(self, timeout=20.0):
        message = self.connection.receive_message(timeout)
        if message is None:
            raise TimeoutError("no message within %g s" % timeout)
        if message.message in (p.RESULT_DELIVERY, p.TASK_TIMEOUT):
            if message.id in self.results:
                raise ValueError("task %d ended twice" % message.id)
            self.results[message.id] = Result(message)
        elif message.message == p.CONTENT_WANT:
            self._send_content(message.envelope[p.DIGEST])
        else:
            self.others.append(message)
        return message

    def wait_for_peers(self, count, timeout=20.0):
        """Until the coordinator has said that `count` peers are there."""
        while True:
            for message in self.others:
                if message.message != p.PEER_COUNT_UPDATE:
                    continue
                if message.envelope.get(p.TOTAL_PEERS, 0) == count:
                    self.others.clear()
                    return
            self.others.clear()
            self.take(timeout)

    def call(self, name, arguments=None):
        task_id = self.next_id
        self.next_id += 1
        self.connection.send(p.CALL, task_id, {p.NAME: name}, p.pack_map(arguments))
        while True:
            message = self.take()
            if message.message == p.CALL_RESPONSE and message.id == task_id:
                return message

    def run(self, task_type, data=b"", params=None, **fields):
        return self.wait(self.submit(task_type, data, params, **fields))

    def leave(self):
        self.connection.send(p.GOODBYE)
        self.connection.close()


def main():
    parser = argparse.ArgumentParser(description="Submit one task")
    parser.add_argument("coordinator", type=p.parse_address, help="HOST:PORT")
    parser.add_argument("--type", required=True)
    parser.add_argument("--data", help="file with the input's bytes")
    parser.add_argument("--out", help="file for the result's bytes")
    parser.add_argument("--deadline-ms", type=float)
    parser.add_argument("--client-id", default="python-client")
    arguments = parser.parse_args()
    data = b""
    if arguments.data:
        with open(arguments.data, "rb") as file:
            data = file.read()
    fields = {}
    if arguments.deadline_ms is not None:
        fields["deadline"] = int(arguments.deadline_ms * 1000)
    client = Client(arguments.coordinator, arguments.client_id)
    result = client.run(arguments.type, data, **fields)
    client.leave()
    if result.status != p.OK:
        print("status %d %s: %s" % (result.status, result.field, result.error))
        sys.exit(1)
    print("ok, %d bytes, computed by %d, info %s" % (len(result.data), result.source, result.info))
    if arguments.out:
        with open(arguments.out, "wb") as file:
            file.write(result.data)


if __name__ == "__main__":
    main()
