"""The examples in Python do what they say, alone and beside a coordinator of another process."""

import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from support import ROOT

import p2c2r

EXAMPLES = ROOT / "bindings" / "python" / "examples"
PNG = b"\x89PNG\r\n\x1a\n"


def run(example, *arguments):
    command = [sys.executable, EXAMPLES / f"{example}.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


class ExamplesTest(unittest.TestCase):
    def setUp(self):
        """A coordinator with a peer, reached through a socket."""
        self.runtime = p2c2r.Runtime(gpu=p2c2r.Gpu.OFF)
        self.addCleanup(self.runtime.close)
        coordinator = p2c2r.Coordinator(
            self.runtime, listen_port=p2c2r.ANY, task_timeout_ms=60_000
        ).start()
        self.url = f"p2c2r+plain://127.0.0.1:{coordinator.port}"

    def serve(self):
        p2c2r.Peer(self.runtime, coordinator_url=self.url, peer_id="there").start()

    def assertRan(self, done, *patterns):
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        for pattern in patterns:
            self.assertRegex(done.stdout, pattern)

    def test_every_example_explains_itself(self):
        found = sorted(path.stem for path in EXAMPLES.glob("*.py"))
        self.assertEqual(found, ["custom_executor", "submit_tasks"])
        for example in found:
            self.assertRan(run(example, "--help"), "--coordinator")

    def test_submit_tasks_alone_and_elsewhere_give_the_same_picture(self):
        self.serve()
        lines = []
        with tempfile.TemporaryDirectory() as folder:
            for place in ([], ["--coordinator", self.url]):
                out = Path(folder) / "larger.png"
                arguments = ["--size", "1920x1080", "--deadline-ms", "60000", "--out", out]
                done = run("submit_tasks", *arguments, *place)
                self.assertRan(done, r"echo: 17 bytes from PEER", r"1920x1080 by \w+")
                picture = out.read_bytes()
                self.assertTrue(picture.startswith(PNG))
                lines.append((re.search(r"1920x1080 by .*", done.stdout)[0], picture))
        self.assertEqual(lines[0], lines[1])

    def test_submit_tasks_says_why_it_fails(self):
        done = run("submit_tasks", EXAMPLES / "submit_tasks.py")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"failed: E_\w+: .+")
        done = run("submit_tasks", "no such picture")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no such picture", done.stderr)

    def test_custom_executor_alone_and_elsewhere(self):
        for place in ([], ["--coordinator", self.url]):
            self.assertRan(
                run("custom_executor", *place),
                r"one frame in flight: \{'a': 1, 'e': 2, 'i': 2, 'o': 1, 'u': 0\} by PEER",
                r"refused: E_PARAMS: letters must be text, not 7 \(field 'letters'\)",
                r"failed: E_EXECUTOR: UnicodeDecodeError: ",
            )


if __name__ == "__main__":
    unittest.main()
