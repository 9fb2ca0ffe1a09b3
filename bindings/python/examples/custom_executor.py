#!/usr/bin/env python3
"""A task type of one's own: a peer counts letters in Python, a client asks it, also with asyncio.

Without --coordinator, coordinator and client run in this process too; with it this process is a
peer of that coordinator and asks through it.
"""

import argparse
import asyncio
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the package beside these examples

import p2c2r  # noqa: E402

JOIN_S = 10
LINES = [b"idle machines help people play", b"one frame in flight", b"and the next one"]


def count_letters(job):
    """Runs on threads of the library, several at once: it touches nothing but its job."""
    letters = job.params.get("letters", "aeiou")
    if not isinstance(letters, str):
        text = f"letters must be text, not {letters!r}"
        raise p2c2r.Error(p2c2r.Status.E_PARAMS, text, "letters")
    text = bytes(job.data).decode("utf-8")
    return {"counts": {letter: text.count(letter) for letter in letters}}


def offer(runtime, joined, place):
    """A peer with the executor; nobody knows the task type before it has joined."""

    def on_event(event):
        if (event.type, event.status) == (p2c2r.EventType.STATE, p2c2r.Status.OK):
            joined.set()

    p2c2r.Peer(runtime, event=on_event, deliver=p2c2r.Deliver.ON_LOOP, **place).start()


async def ask(client):
    """All at once; the answers come in whichever order they are ready."""
    answers = await asyncio.gather(*(client.submit_async("letter_count", line) for line in LINES))
    for line, answer in zip(LINES, answers):
        print(f"{line.decode()}: {answer.fields['counts']} by {answer.source.name}")
    try:
        await client.submit_async("letter_count", LINES[0], {"letters": 7})
    except p2c2r.Error as error:
        print(f"refused: {error} (field '{error.field}')")
    try:
        await client.submit_async("letter_count", b"\xff\xfe")
    except p2c2r.Error as error:
        print(f"failed: {error}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--coordinator", metavar="URL", help="p2c2r+plain://host[:port]")
    options = parser.parse_args()
    try:
        with p2c2r.Runtime(asyncio=True) as runtime:
            runtime.add_executor("letter_count", count_letters, flags=p2c2r.ExecutorFlags.EXACT)
            if options.coordinator:
                place = {"coordinator_url": options.coordinator}
            else:
                place = {"local": p2c2r.Coordinator(runtime).start()}
            joined = threading.Event()
            offer(runtime, joined, place)
            if not joined.wait(JOIN_S):
                raise p2c2r.Error(p2c2r.Status.E_TIMEOUT, "the peer could not join the coordinator")
            client = p2c2r.Client(runtime, **place).connect()
            asyncio.run(ask(client))
    except p2c2r.Error as error:
        print(f"failed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
