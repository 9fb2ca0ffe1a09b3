"""Tasks that asyncio awaits, with the library's own loop thread and with asyncio turning it."""

import asyncio
import threading
import unittest

from support import Gate, MachineTest, wait_for

import p2c2r
from p2c2r import Status


class LoopThreadTest(MachineTest):
    runtime_options = {"asyncio": True}

    def test_many_awaits_at_once_get_each_their_own_answer(self):
        client = self.connect()

        async def ask():
            texts = (b"%d" % i for i in range(300))
            return await asyncio.gather(*(client.submit_async("echo", text) for text in texts))

        answers = asyncio.run(ask())
        self.assertEqual([bytes(a.data) for a in answers], [b"%d" % i for i in range(300)])

    def test_an_await_raises_the_error_of_its_task(self):
        def fail(job):
            raise ValueError("seven")

        self.add("fail", fail)
        client = self.connect()

        async def ask():
            return await asyncio.gather(
                client.submit_async("fail"),
                client.submit_async("echo", b"fine"),
                client.submit_async("echo", priority=4711),
                return_exceptions=True,
            )

        failed, fine, refused = asyncio.run(ask())
        self.assertEqual((failed.status, failed.text), (Status.E_EXECUTOR, "ValueError: seven"))
        self.assertEqual(bytes(fine.data), b"fine")
        self.assertEqual((refused.status, refused.field), (Status.E_ARGUMENT, "priority"))

    def test_cancelling_an_await_cancels_the_task(self):
        gate, told = Gate(), threading.Event()
        self.add("hold", gate, cancel=lambda job: told.set())
        client = self.connect()

        async def ask():
            waiting = asyncio.ensure_future(client.submit_async("hold"))
            await asyncio.to_thread(wait_for, gate.entered)
            waiting.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await waiting
            await asyncio.to_thread(wait_for, told)

        asyncio.run(ask())
        gate.opened.set()

    def test_callbacks_run_on_the_thread_of_the_asyncio_loop(self):
        client = self.connect()
        threads = []

        async def ask():
            client.submit("echo", done=lambda task, result: threads.append(threading.get_ident()))
            while not threads:
                await client.submit_async("echo")

        asyncio.run(ask())
        self.assertEqual(threads, [threading.get_ident()])

    def test_one_loop_after_another_may_await(self):
        client = self.connect()
        for i in range(3):
            answer = asyncio.run(client.submit_async("echo", b"%d" % i))
            self.assertEqual(bytes(answer.data), b"%d" % i)

    def test_a_wait_on_another_thread_does_not_take_answers_away(self):
        client = self.connect()

        async def ask():
            stop = threading.Event()

            def busy():
                while not stop.is_set():
                    client.submit_and_wait("echo", b"busy")
                    try:
                        self.runtime.dispatch()
                    except p2c2r.Error as error:
                        self.assertEqual(error.status, Status.E_BUSY)

            other = asyncio.create_task(asyncio.to_thread(busy))
            for i in range(200):
                answer = await client.submit_async("echo", b"%d" % i)
                self.assertEqual(bytes(answer.data), b"%d" % i)
            stop.set()
            await other

        asyncio.run(asyncio.wait_for(ask(), 120))


class ForeignLoopTest(MachineTest):
    runtime_options = {"asyncio": True, "run_mode": p2c2r.Run.MANUAL}

    def test_asyncio_turns_the_loop_through_its_descriptor(self):
        client = self.connect()

        async def ask():
            texts = (b"%d" % i for i in range(300))
            return await asyncio.gather(*(client.submit_async("echo", text) for text in texts))

        answers = asyncio.run(ask())
        self.assertEqual([bytes(a.data) for a in answers], [b"%d" % i for i in range(300)])

    def test_a_deadline_passes_while_nothing_else_happens(self):
        gate = Gate()
        self.add("hold", gate)
        client = self.connect()
        with self.assertRaises(p2c2r.Error) as caught:
            asyncio.run(client.submit_async("hold", deadline_us=30_000))
        self.assertEqual(caught.exception.status, Status.E_DEADLINE)
        gate.opened.set()


class PlainRuntimeTest(MachineTest):
    def test_without_asyncio_an_await_says_so(self):
        client = self.connect()
        error = self.assertFails(Status.E_STATE, asyncio.run, client.submit_async("echo"))
        self.assertEqual(error.field, "asyncio")
        with self.assertRaises(ValueError):
            p2c2r.Runtime(asyncio=True, notify=print)

    def test_notify_says_that_something_waits(self):
        notified = threading.Event()
        with p2c2r.Runtime(notify=notified.set, gpu=p2c2r.Gpu.OFF) as runtime:
            client = p2c2r.Client(runtime)
            told = []
            client.submit("echo", b"x", done=lambda task, result: told.append(bytes(result.data)))
            wait_for(notified)
            while not told:
                runtime.dispatch()
            self.assertEqual(told, [b"x"])


if __name__ == "__main__":
    unittest.main()
