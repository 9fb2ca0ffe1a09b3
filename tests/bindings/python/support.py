"""What the tests of the Python package share: the package itself, and a small machine."""

import sys
import threading
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "bindings" / "python"))

import p2c2r  # noqa: E402
from p2c2r import _callbacks  # noqa: E402

PATIENCE_S = 60  # for what must come; reached only when it does not


class MachineTest(unittest.TestCase):
    """Coordinator, peer and client in this process; executors are added before the peer is made."""

    runtime_options = {}

    def setUp(self):
        self.kept_before = _callbacks.kept_count()
        self.runtime = p2c2r.Runtime(gpu=p2c2r.Gpu.OFF, **self.runtime_options)
        self.addCleanup(self.runtime.close)
        self.coordinator = p2c2r.Coordinator(self.runtime, task_timeout_ms=60_000).start()

    def add(self, task_type, run, **options):
        self.runtime.add_executor(task_type, run, **options)

    def connect(self, **options):
        self.peer = p2c2r.Peer(self.runtime, local=self.coordinator).start()
        self.client = p2c2r.Client(self.runtime, local=self.coordinator, **options).connect()
        return self.client

    def assertFails(self, status, call, *arguments, **options):
        """The Error of a call that must fail with this status."""
        with self.assertRaises(p2c2r.Error) as caught:
            call(*arguments, **options)
        self.assertEqual(caught.exception.status, status, caught.exception)
        return caught.exception


def wait_for(event):
    if not event.wait(PATIENCE_S):
        raise AssertionError("what was waited for has not come")


class Gate:
    """An executor that holds its jobs until it is opened, and says when the first one is there."""

    def __init__(self):
        self.entered, self.opened = threading.Event(), threading.Event()

    def __call__(self, job):
        self.entered.set()
        wait_for(self.opened)
        return job.data
