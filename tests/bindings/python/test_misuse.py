"""What goes wrong in Python, or is asked wrongly, ends as a definite error and nothing worse."""

import ctypes
import os
import subprocess
import sys
import textwrap
import threading
import time
import unittest
from ctypes import byref
from unittest import mock

from support import ROOT, Gate, MachineTest, wait_for

import p2c2r
from p2c2r import Status, Verify, _abi, _callbacks
from p2c2r._library import lib


class ExecutorsTest(MachineTest):
    def test_what_an_executor_raises_is_the_error_of_its_task(self):
        def fail(job):
            raise LookupError(f"no such level: {job.params['level']}")

        self.add("fail", fail)
        client = self.connect()
        error = self.assertFails(
            Status.E_EXECUTOR, client.submit_and_wait, "fail", params={"level": 7}
        )
        self.assertEqual(error.text, "LookupError: no such level: 7")

    def test_an_error_of_an_executor_keeps_its_status_field_and_text(self):
        def refuse(job):
            raise p2c2r.Error(Status.E_PARAMS, "a level is at most 3\0, not 7", "level")

        self.add("refuse", refuse)
        client = self.connect()
        error = self.assertFails(Status.E_PARAMS, client.submit_and_wait, "refuse")
        self.assertEqual((error.field, error.text), ("level", "a level is at most 3 , not 7"))

    def test_an_answer_that_is_none_is_refused(self):
        for number, answer in enumerate((None, 7, object(), "text", (b"", {}, 3), {"x": object()})):
            self.add(f"nonsense{number}", lambda job, answer=answer: answer)
        self.add("nan", lambda job: {"x": float("nan")})
        self.add("ok", lambda job: (_ for _ in ()).throw(p2c2r.Error(Status.OK, "fine")))
        client = self.connect()
        for name in (*(f"nonsense{number}" for number in range(6)), "nan", "ok"):
            error = self.assertFails(Status.E_EXECUTOR, client.submit_and_wait, name)
            self.assertTrue(error.text, name)

    def test_what_a_raw_callback_returns_is_an_error_unless_it_is_a_status(self):
        numbers = {b"no_output": 0, b"two": 2, b"unlisted": -31, b"big": 2**31 - 1}

        @_abi.RunFn
        def raises(user, job):  # ctypes tells of it and returns whatever lies in the register
            raise RuntimeError("out of a raw callback")

        functions = {name: _abi.RunFn(lambda user, job, n=n: n) for name, n in numbers.items()}
        for name, function in (*functions.items(), (b"raises", raises)):
            desc = _abi.ExecutorDesc(task_type=name, run=function)
            self.assertEqual(lib.runtime_add_executor(self.runtime, byref(desc), None), Status.OK)
        client = self.connect()
        for name in functions:
            self.assertFails(Status.E_EXECUTOR, client.submit_and_wait, name.decode())
        with mock.patch("sys.unraisablehook") as told, self.assertRaises(p2c2r.Error):
            client.submit_and_wait("raises", deadline_us=2_000_000)
        self.assertEqual(told.call_args[0][0].exc_type, RuntimeError)
        self.runtime.close()  # before the raw functions go

    def test_a_pending_job_is_finished_once_from_any_thread(self):
        jobs, threads = [], []

        def later(job):
            def finish():
                job.finish((b"later", {"by": "a thread"}))
                jobs.append(job)

            threads.append(threading.Thread(target=finish))
            threads[-1].start()
            return p2c2r.PENDING

        self.add("later", later)
        client = self.connect()
        answer = client.submit_and_wait("later")
        self.assertEqual((bytes(answer.data), answer.fields), (b"later", {"by": "a thread"}))
        threads[0].join()
        self.assertFails(Status.E_STATE, jobs[0].finish, b"again")
        self.assertFails(Status.E_STATE, jobs[0].fail, ValueError("again"))

    def test_a_pending_job_can_fail(self):
        def later(job):
            threading.Thread(target=job.fail, args=(OSError("disk is full"),)).start()
            return p2c2r.PENDING

        self.add("later", later)
        error = self.assertFails(Status.E_EXECUTOR, self.connect().submit_and_wait, "later")
        self.assertEqual(error.text, "OSError: disk is full")

    def test_a_job_that_outlives_its_role_is_an_orphan(self):
        jobs, here, cancelled = [], threading.Event(), threading.Event()

        def keep(job):
            jobs.append(job)
            here.set()
            return p2c2r.PENDING

        self.add("keep", keep, cancel=lambda job: cancelled.set())
        client = p2c2r.Client(self.runtime)
        client.submit("keep", b"still readable")
        wait_for(here)
        client.close()
        wait_for(cancelled)
        job = jobs.pop()
        self.assertEqual((job.orphan, job.cancelled), (True, True))
        self.assertFails(Status.E_STALE, job.finish, b"too late")
        self.runtime.close()
        self.assertEqual(job.data, b"still readable")

    def test_a_type_has_one_executor_until_it_is_removed(self):
        self.add("mine", lambda job: b"first")
        self.assertFails(Status.E_EXISTS, self.add, "mine", lambda job: b"second")
        self.assertFails(Status.E_EXISTS, self.add, "echo", lambda job: b"not the built-in")
        self.runtime.remove_executor("mine")
        self.add("mine", lambda job: b"second")
        self.assertEqual(self.connect().submit_and_wait("mine").data, b"second")
        self.assertFails(Status.E_STALE, self.runtime.remove_executor, "never there")

    def test_an_exception_in_done_is_reported_and_the_next_done_runs(self):
        client = self.connect()
        told = []

        def done(task, result):
            told.append(result.ok)
            raise ZeroDivisionError("in done")

        with mock.patch("sys.unraisablehook") as hook:
            for _ in range(3):
                client.submit("echo", b"", done=done)
            while len(told) < 3:
                self.runtime.dispatch()
        self.assertEqual(told, [True] * 3)
        self.assertEqual([c[0][0].exc_type for c in hook.call_args_list], [ZeroDivisionError] * 3)


class EndsOfTasksTest(MachineTest):
    def test_a_cancelled_task_ends_as_cancelled_and_its_job_is_told(self):
        entered, told = threading.Event(), threading.Event()
        seen = []

        def patient(job):
            entered.set()
            wait_for(told)
            while not job.cancelled:
                time.sleep(0.001)  # slices of work
            seen.append(job.cancelled)
            raise p2c2r.Error(Status.E_CANCELLED)

        self.add("patient", patient, cancel=lambda job: told.set())
        client = self.connect()
        task = client.submit("patient")
        wait_for(entered)
        task.cancel()
        self.assertFails(Status.E_CANCELLED, task.result)
        self.runtime.remove_executor("patient")  # waits for the run
        self.assertEqual(seen, [True])
        self.assertFails(Status.E_STALE, task.cancel)

    def test_a_task_that_is_late_ends_with_its_deadline(self):
        left = []
        gate = Gate()
        self.add("late", lambda job: left.append(job.left_us) or gate(job))
        client = self.connect()
        task = client.submit("late", deadline_us=50_000)
        self.assertFails(Status.E_DEADLINE, task.result)
        gate.opened.set()
        self.runtime.close()
        self.assertTrue(all(0 <= us <= 50_000 for us in left), left)

    def test_a_forgotten_task_is_never_told(self):
        gate, told = Gate(), []
        self.add("hold", gate)
        client = self.connect()
        silent = client.submit("hold", done=lambda task, result: told.append("done"))
        polled = client.submit("echo", b"x")
        silent.forget()
        polled.forget()
        self.assertFails(Status.E_STALE, polled.poll)
        gate.opened.set()
        self.runtime.close()
        self.assertEqual(told, [])
        self.assertEqual(_callbacks.kept_count(), self.kept_before)

    def test_of_two_who_poll_one_gets_the_answer(self):
        client = self.connect()
        task = client.submit("echo", b"one answer")
        outcomes = []

        def take():
            try:
                outcomes.append(bytes(task.result().data))
            except p2c2r.Error as error:
                outcomes.append(error.status)

        threads = [threading.Thread(target=take) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertCountEqual(outcomes, [b"one answer", Status.E_STALE])

    def test_a_task_with_done_is_not_polled(self):
        client = self.connect()
        told = []
        task = client.submit("echo", done=lambda task, result: told.append(result))
        self.assertFails(Status.E_STATE, task.poll)
        while not told:
            self.runtime.dispatch()


class WrongCallsTest(MachineTest):
    def test_every_handle_is_stale_once_it_was_destroyed(self):
        client = self.connect()
        frames = p2c2r.Frames(client)
        task = client.submit("echo", b"x")
        self.assertFails(Status.E_STATE, client.close)  # its frames go first
        frames.close()
        frames.close()
        for role in (client, self.peer, self.coordinator, self.runtime):
            role.close()
            role.close()
        for call in (
            lambda: client.submit("echo", bytes(10_000)),
            lambda: client.submit_and_wait("echo"),
            lambda: client.connect(),
            lambda: client.stats,
            lambda: client.call("status"),
            task.poll,
            task.cancel,
            lambda: frames.push("echo"),
            lambda: frames.pull(1),
            lambda: self.peer.start(),
            lambda: self.peer.peer_id,
            lambda: self.peer.stats,
            lambda: self.coordinator.stats,
            lambda: self.coordinator.port,
            lambda: self.runtime.dispatch(),
            lambda: self.runtime.call("devices"),
            lambda: self.runtime.add_executor("x", print),
            lambda: p2c2r.Client(self.runtime),
        ):
            self.assertFails(Status.E_STALE, call)

    def test_a_handle_of_another_kind_is_refused(self):
        client = self.connect()
        self.assertEqual(lib.client_destroy(self.peer), Status.E_ARGUMENT)
        self.assertEqual(lib.peer_pause(client), Status.E_ARGUMENT)
        self.assertEqual(lib.runtime_wake(4711), Status.E_ARGUMENT)
        self.assertEqual(lib.runtime_wake(None), Status.E_ARGUMENT)

    def test_waiting_inside_a_callback_is_refused(self):
        statuses = []

        def call(function):
            try:
                function()
                statuses.append(Status.OK)
            except p2c2r.Error as error:
                statuses.append(error.status)

        def nosy(job):
            for function in (
                lambda: self.client.submit_and_wait("echo"),
                lambda: self.coordinator.call("status"),
                self.runtime.dispatch,
                self.runtime.close,
                lambda: self.client.stats,
            ):
                call(function)
            return b""

        self.add("nosy", nosy)
        self.connect().submit_and_wait("nosy")
        self.assertEqual(statuses, [Status.E_STATE] * 4 + [Status.OK])

    def test_a_poll_works_inside_done(self):
        client = self.connect()
        other = client.submit("echo", b"other")
        answers = []

        def look(task, result):
            answers.append(other.poll())
            if answers[-1] is None:
                client.submit("echo", done=look)

        client.submit("echo", done=look)
        while not answers or answers[-1] is None:
            self.runtime.dispatch()
        self.assertEqual(answers[-1].data, b"other")

    def test_submit_works_inside_done(self):
        client = self.connect()
        answers = []

        def again(task, result):
            answers.append(bytes(result.data))
            if len(answers) < 10:
                client.submit("echo", bytes(result.data) + b".", done=again)

        client.submit("echo", b".", done=again)
        while len(answers) < 10:
            self.runtime.dispatch()
        self.assertEqual(answers, [b"." * n for n in range(1, 11)])

    def test_classes_of_verification_that_are_not_built_are_refused(self):
        client = self.connect()
        self.assertEqual(bytes(client.submit_and_wait("echo", b"x", verify=Verify.A).data), b"x")
        for verify in (Verify.B, Verify.C, Verify.D):
            with self.assertRaises(p2c2r.Error) as caught:
                client.submit("echo", verify=verify)
            self.assertEqual(caught.exception.status, Status.E_UNSUPPORTED)
            self.assertEqual(caught.exception.field, "verify")

    def test_wrong_arguments_are_named(self):
        client = self.connect()
        wrong = [
            ("priority", lambda: client.submit("echo", priority=128)),
            ("verify", lambda: client.submit("echo", verify=99)),
            ("flags", lambda: client.submit("echo", flags=1 << 20)),
            ("level", lambda: p2c2r.Runtime(options={"level": 3})),
            ("gpu", lambda: p2c2r.Runtime(gpu=77)),
            ("local", lambda: p2c2r.Client(p2c2r_other, local=self.coordinator)),
        ]
        with p2c2r.Runtime(gpu=p2c2r.Gpu.OFF) as p2c2r_other:
            for field, call in wrong:
                with self.assertRaises(p2c2r.Error) as caught:
                    call()
                self.assertEqual(caught.exception.field, field, caught.exception)
                self.assertEqual(caught.exception.status, Status.E_ARGUMENT)

    def test_wrong_tasks_are_refused_by_name(self):
        client = self.connect()
        self.assertFails(Status.E_TASK_TYPE, client.submit_and_wait, "no_such_type")
        error = self.assertFails(
            Status.E_PARAMS,
            client.submit_and_wait,
            "upscale",
            b"no image",
            {"output_res": [64, 36], "quality": "best"},
        )
        self.assertEqual(error.field, "quality")
        self.assertFails(Status.E_PARAMS, client.submit, "echo", b"", b"\xc1 not MessagePack")
        with self.assertRaises(ValueError):
            client.submit("echo", params={"x": float("inf")})
        with self.assertRaises(ValueError):
            client.submit("echo\0tail")
        self.assertFails(Status.E_PARAMS, p2c2r.params_from_json, '{"a": 1, "a": 2}')

    def test_another_interface_version_is_refused(self):
        out, why = ctypes.c_void_p(), _abi.Error()
        config = _abi.RuntimeConfig(abi_version=p2c2r.ABI_VERSION + 1)
        status = lib.runtime_create(byref(config), byref(out), byref(why))
        self.assertEqual((status, why.field), (Status.E_VERSION, b"abi_version"))

    def test_a_struct_that_has_grown_is_refused_only_where_it_says_something(self):
        class Grown(_abi.RuntimeConfig):
            _fields_ = [("wish", ctypes.c_uint64)]

        out = ctypes.c_void_p()
        config = Grown(abi_version=p2c2r.ABI_VERSION, gpu=p2c2r.Gpu.OFF)
        config.wish = 1
        pointer = ctypes.cast(byref(config), ctypes.POINTER(_abi.RuntimeConfig))
        self.assertEqual(lib.runtime_create(pointer, byref(out), None), Status.E_VERSION)
        config.wish = 0
        self.assertEqual(lib.runtime_create(pointer, byref(out), None), Status.OK)
        self.assertEqual(lib.runtime_destroy(out), Status.OK)

    def test_a_struct_of_an_older_host_is_filled_as_far_as_it_goes(self):
        answer = self.connect().submit_and_wait("echo")
        info = _abi.ResultInfo()
        info.struct_size = _abi.ResultInfo.queue_us.offset
        info.queue_us = info.network_us = 4711
        self.assertEqual(lib.result_info_get(answer, byref(info)), Status.OK)
        self.assertEqual((info.attempts > 0, info.queue_us, info.network_us), (True, 4711, 4711))


class ProcessTest(MachineTest):
    def run_python(self, text):
        """A program of its own; it must end by itself, and well."""
        head = f"import sys; sys.path.insert(0, {str(ROOT / 'bindings' / 'python')!r})\n"
        program = head + "import p2c2r, threading\n" + textwrap.dedent(text)
        done = subprocess.run(
            [sys.executable, "-W", "ignore::ResourceWarning", "-c", program],
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        return done.stdout

    def test_a_program_that_closes_nothing_ends_well(self):
        out = self.run_python("""
            runtime = p2c2r.Runtime(asyncio=True, gpu=p2c2r.Gpu.OFF, log=lambda *line: None)
            entered = threading.Event()
            def slow(job):
                entered.set()
                while not job.cancelled:
                    pass
                return b""
            runtime.add_executor("slow", slow)
            coordinator = p2c2r.Coordinator(runtime).start()
            peer = p2c2r.Peer(runtime, local=coordinator).start()
            client = p2c2r.Client(runtime, local=coordinator).connect()
            tasks = [client.submit("slow", done=lambda task, result: print(result.status.name))
                     for _ in range(2)]
            entered.wait()
            kept = client.submit_and_wait("echo", bytes(100_000)).data
        """)
        self.assertEqual(out, "E_CLOSED\nE_CLOSED\n")

    def test_what_is_still_lent_when_the_interpreter_goes_is_let_go_or_left_alone(self):
        self.run_python("""
            import p2c2r.result
            runtime = p2c2r.Runtime(gpu=p2c2r.Gpu.OFF)
            client = p2c2r.Client(runtime)
            # In places that are cleared early, late and in between.
            for place in (threading, p2c2r.result, p2c2r._callbacks, p2c2r._buffers, sys):
                place.kept_for_long = client.submit_and_wait("echo", bytes(100_000))
                place.viewed_for_long = place.kept_for_long.data
        """)

    def test_a_runtime_that_was_thrown_away_is_closed_all_the_same(self):
        self.run_python("""
            import gc
            def make():
                runtime = p2c2r.Runtime(gpu=p2c2r.Gpu.OFF)
                p2c2r.Coordinator(runtime, event=print).start()
            before = threading.active_count()
            for _ in range(3):
                make()
                gc.collect()
            from p2c2r import runtime, _callbacks
            assert not runtime._alive and _callbacks.kept_count() == 0
        """)

    def test_a_keyboard_interrupt_in_an_executor_reaches_the_thread_that_lent_itself(self):
        self.runtime.close()
        with p2c2r.Runtime(worker_threads=p2c2r.NONE, gpu=p2c2r.Gpu.OFF) as runtime:

            def interrupted(job):
                raise KeyboardInterrupt

            runtime.add_executor("interrupted", interrupted)
            task = p2c2r.Client(runtime).submit("interrupted")
            with self.assertRaises(KeyboardInterrupt):
                while True:
                    runtime.work(timeout_ms=1000)
            self.assertFails(Status.E_EXECUTOR, task.result)

    @unittest.skipUnless(hasattr(os, "fork"), "there is no fork here")
    def test_a_child_process_cannot_use_what_its_parent_made(self):
        client = self.connect()
        answer = client.submit_and_wait("echo", b"before the fork")
        child = os.fork()
        if child == 0:
            code = 1
            try:
                client.submit("echo")
            except p2c2r.Error as error:
                dispatched = lib.runtime_dispatch(self.runtime, 0, 0, None)
                statuses = {error.status, dispatched, lib.result_status(answer)}
                code = 0 if statuses == {Status.E_STATE} else 2
            finally:
                os._exit(code)
        self.assertEqual(os.waitpid(child, 0)[1], 0)
        self.assertEqual(client.submit_and_wait("echo", b"after").data, b"after")


if __name__ == "__main__":
    unittest.main()
