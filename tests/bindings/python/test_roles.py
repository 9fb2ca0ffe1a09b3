"""Runtime, client, peer, coordinator and frames from Python, with real tasks through real roles."""

import hashlib
import struct
import threading
import unittest

from support import MachineTest, wait_for

import p2c2r
from p2c2r import _callbacks

BIG = bytes(range(256)) * 4096  # 1 MiB


class TasksTest(MachineTest):
    def test_every_kind_of_bytes_comes_back_the_same(self):
        client = self.connect()
        for data in (None, b"", b"x", b"hello", BIG, bytearray(BIG), memoryview(BIG)[5:70_000]):
            answer = client.submit_and_wait("echo", data)
            self.assertEqual(bytes(answer.data), bytes(data or b""))
            self.assertEqual(answer.source, p2c2r.Source.PEER)
            self.assertEqual(answer.task_type, "echo")

    def test_bytes_in_more_than_one_piece_are_refused_and_nothing_is_kept(self):
        client = self.connect()
        kept = _callbacks.kept_count()
        with self.assertRaises(BufferError):
            client.submit("echo", memoryview(BIG)[::2])
        with self.assertRaises(TypeError):
            client.submit("echo", "text is not bytes")
        self.assertEqual(_callbacks.kept_count(), kept)

    def test_writable_memory_may_be_written_to_as_soon_as_submit_has_returned(self):
        client = self.connect()
        data = bytearray(BIG)
        task = client.submit("echo", data)
        data[:] = bytes(len(data))
        data.clear()  # fails while anybody holds the buffer
        self.assertEqual(task.result().data, BIG)

    def test_a_content_travels_once_and_a_task_may_change_it(self):
        client = self.connect()
        with client.put(BIG) as level:
            again = client.put(bytearray(BIG))
            self.assertEqual(again.id, level.id)
            self.assertEqual(client.submit_and_wait("echo", level).data, BIG)
            patches = ((0, b"first"), (len(BIG) - 4, bytearray(b"last")))
            changed = client.submit_and_wait("echo", level, patches=patches).data
            self.assertEqual(bytes(changed), b"first" + BIG[5:-4] + b"last")
            with self.assertRaises(p2c2r.Error) as refused:
                client.submit("echo", level, patches=((len(BIG), b"x"),))
            self.assertEqual(refused.exception.status, p2c2r.Status.E_SIZE)
            again.drop()
        with self.assertRaises(p2c2r.Error) as stale:
            client.submit("echo", level)
        self.assertEqual(stale.exception.status, p2c2r.Status.E_STALE)

    def test_a_result_stays_where_the_next_task_can_use_it(self):
        client = self.connect()
        resident = p2c2r.TaskFlags.RESIDENT
        first = client.submit_and_wait("echo", BIG, flags=resident, place=p2c2r.Place.REMOTE)
        self.assertEqual(len(first.data), 0)
        self.assertEqual(first.info.resident_size, len(BIG))
        with client.put_result(first) as stage:
            self.assertEqual(stage.get().data, BIG)
            self.assertEqual(client.submit_and_wait("echo", stage).data, BIG)
        with self.assertRaises(p2c2r.Error) as stale:
            stage.get()
        self.assertEqual(stale.exception.status, p2c2r.Status.E_STALE)

    def test_lent_memory_is_let_go_when_nothing_refers_to_it_any_more(self):
        client = self.connect()
        answers = [client.submit_and_wait("echo", bytes([i]) * 100_000) for i in range(20)]
        self.assertEqual([answer.data[-1] for answer in answers], list(range(20)))
        del answers
        self.runtime.close()
        self.assertEqual(_callbacks.kept_count(), self.kept_before)

    def test_an_executor_may_answer_with_its_own_input(self):
        self.add("give_back", lambda job: job.data)
        self.add("give_part", lambda job: (job.data[1:], {"size": len(job.data)}))
        client = self.connect()
        for size in (1, 64, 5000, 100_000):
            data = bytes(range(256)) * (size // 256 + 1)
            self.assertEqual(client.submit_and_wait("give_back", data).data, data)
            answer = client.submit_and_wait("give_part", data)
            self.assertEqual((answer.data, answer.fields), (data[1:], {"size": len(data)}))

    def test_an_answer_that_shows_its_own_input_is_let_go_with_its_result(self):
        self.add("give_back", lambda job: job.data)
        client = self.connect()
        for size in (1, 5000, 100_000):
            client.submit_and_wait("give_back", bytes(size))
        self.runtime.close()
        self.assertEqual(_callbacks.kept_count(), self.kept_before)

    def test_a_view_of_a_result_outlives_result_client_and_runtime(self):
        client = self.connect()
        view = client.submit_and_wait("echo", BIG).data
        part = view[1000:2000]
        self.runtime.close()
        self.assertEqual((view.nbytes, view.readonly), (len(BIG), True))
        del view
        self.assertEqual(part, BIG[1000:2000])

    def test_output_goes_into_memory_of_the_caller(self):
        client = self.connect()
        room = bytearray(8)
        answer = client.submit_and_wait("echo", b"hello", output=room)
        self.assertEqual((room, bytes(answer.data)), (b"hello\0\0\0", b"hello"))
        error = self.assertFails(
            p2c2r.Status.E_SIZE, client.submit_and_wait, "echo", b"too long for it", output=room
        )
        self.assertEqual(error.field, "output_size")
        with self.assertRaises(BufferError):
            client.submit_and_wait("echo", b"hello", output=b"read-only")

    def test_a_poll_says_none_until_the_task_has_ended_and_gives_the_answer_once(self):
        opened, entered = threading.Event(), threading.Event()

        def hold(job):
            entered.set()
            wait_for(opened)
            return b"done"

        self.add("hold", hold)
        client = self.connect()
        task = client.submit("hold")
        wait_for(entered)
        self.assertIsNone(task.poll())
        self.assertIsNone(task.wait(timeout_us=1000))
        self.assertFails(p2c2r.Status.E_TIMEOUT, task.result, timeout_us=1000)
        opened.set()
        self.assertEqual(task.result().data, b"done")
        self.assertFails(p2c2r.Status.E_STALE, task.poll)

    def test_wait_any_names_the_task_that_has_ended(self):
        opened = threading.Event()
        self.add("hold", lambda job: wait_for(opened) or b"")
        client = self.connect()
        slow, quick = client.submit("hold"), client.submit("echo", b"quick")
        self.assertIs(client.wait_any([slow, quick]), quick)
        self.assertIsNone(client.wait_any([slow], timeout_us=1000))
        opened.set()
        self.assertIs(client.wait_any([slow]), slow)

    def test_submit_many_accepts_as_many_as_there_is_room_for(self):
        opened = threading.Event()
        self.add("hold", lambda job: wait_for(opened) or job.data)
        client = self.connect(tasks_max=3)
        kept = _callbacks.kept_count()
        descs = [p2c2r.TaskDesc("hold", bytes([i]) * 8000) for i in range(5)]
        tasks, error = client.submit_many(descs)
        self.assertEqual((len(tasks), error.status), (3, p2c2r.Status.E_BUSY))
        self.assertGreater(error.retry_after_ms, 0)
        self.assertEqual(_callbacks.kept_count(), kept + 3)
        opened.set()
        self.assertEqual([task.result().data[0] for task in tasks], [0, 1, 2])
        tasks, error = client.submit_many(descs[:2])
        self.assertIsNone(error)
        self.assertEqual([task.result().ok for task in tasks], [True, True])

    def test_a_task_waits_for_those_it_depends_on(self):
        order = []
        self.add("note", lambda job: order.append(job.params["n"]) or b"")
        client = self.connect()
        first = client.submit("note", params={"n": 1})
        second = client.submit("note", params={"n": 2}, depends_on=[first])
        second.result()
        self.assertEqual(order, [1, 2])

    def test_done_runs_inside_dispatch_on_the_thread_that_dispatches(self):
        client = self.connect()
        ended = []
        for i in range(50):
            client.submit(
                "echo",
                bytes([i]),
                done=lambda task, result: ended.append((result.data[0], threading.get_ident())),
            )
        while len(ended) < 50:
            self.runtime.dispatch()
        self.assertEqual(sorted(n for n, _ in ended), list(range(50)))
        self.assertEqual({thread for _, thread in ended}, {threading.get_ident()})

    def test_done_runs_on_the_loop_thread_when_the_client_delivers_there(self):
        client = self.connect(deliver=p2c2r.Deliver.ON_LOOP)
        ended, threads, all_there = [], set(), threading.Event()

        def done(task, result):
            ended.append((task.id, bytes(result.data)))
            threads.add(threading.get_ident())
            if len(ended) == 50:
                all_there.set()

        tasks = [client.submit("echo", bytes([i]), done=done) for i in range(50)]
        wait_for(all_there)
        self.assertEqual(dict(ended), {task.id: bytes([i]) for i, task in enumerate(tasks)})
        self.assertEqual(len(threads), 1)
        self.assertNotIn(threading.get_ident(), threads)

    def test_a_task_in_parts_tells_each_and_gives_the_bytes_of_the_whole(self):
        objects = [{"position": [i % 5, 1 + i % 3, i % 2]} for i in range(12)]
        params = {"num_steps": 3, "objects": objects}
        client = self.connect()
        options = {"flags": p2c2r.TaskFlags.NO_CACHE, "place": p2c2r.Place.REMOTE}
        whole = client.submit_and_wait("physics", params=params, **options)
        parts, ended = [], []
        client.submit(
            "physics",
            params=params,
            split=3,
            split_by="bodies",
            part=lambda task, part, result: parts.append((task.id, part, result)),
            done=lambda task, result: ended.append((task.id, len(parts), result.check())),
            **options,
        )
        while not ended:
            self.runtime.dispatch()
        task, before, result = ended[0]
        self.assertEqual(before, 3)
        self.assertEqual(result.digest, whole.digest)
        self.assertEqual({part.index for _, part, _ in parts}, {0, 1, 2})
        self.assertEqual(sum(part.unit_count for _, part, _ in parts), 12)
        for number, part, piece in parts:
            self.assertEqual((number, part.count, part.units), (task, 3, 12))
            self.assertEqual(part.unit_name, "bodies")
            self.assertTrue(piece.ok)
        self.assertEqual(client.stats.parts, 3)
        with self.assertRaisesRegex(p2c2r.Error, "not split by 'rows'"):
            client.submit("physics", params=params, split=p2c2r.Split.AUTO, split_by="rows")

    def test_closing_a_client_ends_its_tasks_and_tells_each_once(self):
        opened, entered = threading.Event(), threading.Event()

        def hold(job):
            entered.set()
            wait_for(opened)
            return b""

        self.add("hold", hold)
        client = self.connect()
        told = []
        for _ in range(3):
            client.submit("hold", done=lambda task, result: told.append(result.status))
        wait_for(entered)
        client.close()
        self.assertEqual(told, [p2c2r.Status.E_CLOSED] * 3)
        opened.set()

    def test_params_and_fields_keep_their_types_on_the_way(self):
        self.add("mirror", lambda job: job.params)
        client = self.connect()
        params = {
            "null": None, "yes": True, "int": -(2**53), "float": 0.1, "text": "Größe \U0001f3ae",
            "bytes": b"\x00\xff", "list": [1, [2, {"deep": []}]], "map": {"a": {}}, "": "empty key",
        }  # fmt: skip
        self.assertEqual(client.submit_and_wait("mirror", params=params).fields, params)
        packed = p2c2r.params_from_json('{"b": 1, "a": [true]}')
        answer = client.submit_and_wait("mirror", params=packed)
        self.assertEqual(answer.fields, {"a": [True], "b": 1})
        self.assertEqual(p2c2r.params_to_json(answer.fields_msgpack), '{"b":1,"a":[true]}')

    def test_a_client_without_a_coordinator_computes_here(self):
        client = p2c2r.Client(self.runtime)
        self.assertEqual(client.submit_and_wait("echo", b"alone").source, p2c2r.Source.LOCAL)

    def test_deltas_make_the_state_after_of_the_one_before(self):
        client = p2c2r.Client(self.runtime)
        before = struct.pack("<10f", 0, 9, 0, 0, 0, 0, 1, 0.5, 0, 0) * 3
        whole = client.submit_and_wait("physics", before, params={"num_steps": 3})
        delta = client.submit_and_wait("physics", before, params={"num_steps": 3, "result": "delta"})
        after = bytes(whole.data)[: len(before)]
        self.assertLess(len(delta.data), len(before))
        self.assertEqual(delta.apply_delta(before), after)
        state = bytearray(before)
        self.assertIs(delta.apply_delta(state, out=state), state)
        self.assertEqual(state, after)
        for wrong, status in [(before[1:], "E_SIZE"), (before * 9, "E_EXECUTOR")]:
            with self.assertRaises(p2c2r.Error) as caught:
                delta.apply_delta(wrong)
            self.assertEqual(caught.exception.name, status)
        with self.assertRaises(p2c2r.Error) as caught:
            delta.apply_delta(before, out=bytearray(len(before) - 1))
        self.assertEqual(caught.exception.field, "out_size")
        with self.assertRaises(p2c2r.Error) as caught:
            whole.apply_delta(before)
        self.assertEqual(caught.exception.name, "E_STATE")
        self.assertRaises(BufferError, delta.apply_delta, before, out=before)

    def test_digest_is_the_one_of_the_documents(self):
        answer = self.connect().submit_and_wait("echo", b"hello")
        self.assertEqual(answer.digest, hashlib.sha256(b"\x80hello").digest())


class RolesTest(MachineTest):
    def test_roles_meet_over_a_socket(self):
        with p2c2r.Runtime(gpu=p2c2r.Gpu.OFF) as there, p2c2r.Runtime(gpu=p2c2r.Gpu.OFF) as here:
            coordinator = p2c2r.Coordinator(
                there, listen_port=p2c2r.ANY, prometheus_port=p2c2r.ANY
            ).start()
            self.assertNotIn(coordinator.port, (0, coordinator.monitoring_port))
            url = f"p2c2r+plain://127.0.0.1:{coordinator.port}"
            p2c2r.Peer(there, coordinator_url=url, peer_id="far").start()
            client = p2c2r.Client(here, coordinator_url=url).connect()
            answer = client.submit_and_wait("echo", BIG)
            self.assertEqual(answer.data, BIG)
            peers = client.call("peers").fields["peers"]
            self.assertEqual([peer["peer_id"] for peer in peers], ["far"])

    def test_events_tell_of_the_connection_and_of_peers(self):
        events = []
        coordinator = p2c2r.Coordinator(self.runtime, event=events.append).start()
        with p2c2r.Peer(self.runtime, local=coordinator, peer_id="guest") as peer:
            peer.start()
            while not events:
                self.runtime.dispatch()
        while len(events) < 2:
            self.runtime.dispatch()
        self.assertEqual(
            [(event.type, event.subject) for event in events],
            [(p2c2r.EventType.PEER_JOINED, "guest"), (p2c2r.EventType.PEER_LEFT, "guest")],
        )

    def test_statistics_and_questions(self):
        client = self.connect()
        client.submit_and_wait("echo", b"hello")
        self.assertEqual((client.stats.state, client.stats.completed), (p2c2r.State.CONNECTED, 1))
        self.assertEqual(self.coordinator.stats.completed_tasks, 1)
        self.assertEqual(self.peer.stats.completed, 1)
        self.assertIn("echo", self.peer.capabilities["task_types"].split(","))
        self.assertEqual(self.coordinator.call("status").fields["completed_tasks"], 1)
        self.assertEqual(client.call("status").fields["active_peers"], 1)
        error = self.assertFails(p2c2r.Status.E_UNSUPPORTED, self.coordinator.call, "gossip")
        self.assertIn("status", error.text)

    def test_capabilities_are_as_detected_but_for_what_is_said(self):
        peer = p2c2r.Peer(
            self.runtime,
            local=self.coordinator,
            peer_id="küche",
            capabilities={"location": "Köln", "speed_milli": 1500},
        )
        self.assertEqual(peer.peer_id, "küche")
        self.assertEqual(peer.capabilities["location"], "Köln")
        self.assertEqual(peer.capabilities["speed_milli"], 1500)
        peer.set_speed(2000)
        self.assertEqual(peer.capabilities["speed_milli"], 2000)
        self.assertGreater(peer.capabilities["cpu_cores"], 0)

    def test_a_paused_peer_takes_nothing_until_it_resumes(self):
        self.add("here_only", lambda job: b"ran")
        client = self.connect()
        self.peer.pause()
        self.assertEqual(self.peer.stats.paused, 1)
        self.peer.resume()
        self.assertEqual(client.submit_and_wait("here_only").data, b"ran")
        self.peer.drain(60_000)
        self.coordinator.drain(60_000)

    def test_exec_runs_a_task_without_any_role(self):
        answer = self.runtime.call("exec", {"task_type": "echo"}, data=b"no role")
        self.assertEqual(answer.check().data, b"no role")
        self.assertIn("task_types", self.runtime.call("task_types").fields)

    def test_log_is_told_what_happens(self):
        lines = []
        with p2c2r.Runtime(log=lambda *line: lines.append(line), gpu=p2c2r.Gpu.OFF) as runtime:
            coordinator = p2c2r.Coordinator(runtime).start()
            p2c2r.Peer(runtime, local=coordinator, peer_id="talked-of").start()
            p2c2r.Client(runtime, local=coordinator).connect()
        self.assertTrue(any("talked-of" in text for _, _, text in lines), lines)
        self.assertTrue(all(isinstance(level, p2c2r.LogLevel) for level, _, _ in lines))


class ManualTest(MachineTest):
    runtime_options = {"run_mode": p2c2r.Run.MANUAL, "worker_threads": p2c2r.NONE}

    def test_one_thread_can_turn_the_loop_and_run_the_executors(self):
        threads = set()
        self.add("own", lambda job: threads.add(threading.get_ident()) or job.data)
        client = self.connect()
        told = []
        for i in range(5):
            client.submit("own", bytes([i]), done=lambda task, result: told.append(result.data[0]))
        while len(told) < 5:
            self.runtime.poll(timeout_ms=1)
            self.runtime.work()
        self.assertEqual((sorted(told), threads), (list(range(5)), {threading.get_ident()}))
        self.assertFalse(self.runtime.work())


class FramesTest(MachineTest):
    PIXELS = bytes(255 - (i % 251) for i in range(32 * 18 * 4))
    IMAGE = p2c2r.Image(p2c2r.Pixel.RGBA8, 32, 18, PIXELS)

    def test_a_frame_by_hand_is_made_larger(self):
        client = self.connect()
        task = client.submit_frame_for_upscaling(self.IMAGE, 64, 36)
        answer = task.result()
        image = answer.image
        again = client.submit_frame_for_upscaling(self.IMAGE, 64, 36, p2c2r.Quality.BALANCED)
        self.assertEqual(client.get_upscaled_frame(again), image)
        self.assertEqual((image.format, image.width, image.height), (p2c2r.Pixel.RGBA8, 64, 36))
        self.assertEqual(len(image.data), 64 * 36 * 4)
        self.assertEqual(answer.digest, hashlib.sha256(image.data).digest())
        self.assertEqual(answer.algorithm, "lanczos")
        self.assertFails(p2c2r.Status.E_STATE, lambda: client.submit_and_wait("echo", b"x").image)

    def test_a_picture_that_cannot_be_is_refused(self):
        client = self.connect()
        kept = _callbacks.kept_count()
        for wrong in (p2c2r.Image(99, 32, 18, self.PIXELS), p2c2r.Image(1, 32, 19, self.PIXELS)):
            with self.assertRaises(p2c2r.Error) as caught:
                client.get_upscaled_frame(client.submit_frame_for_upscaling(wrong, 64, 36))
            self.assertLess(caught.exception.status, 0)
        self.assertEqual(_callbacks.kept_count(), kept)

    def test_push_and_pull_give_each_frame_its_answer(self):
        client = self.connect()
        with p2c2r.Frames(client, budget_us=10_000_000) as frames:
            for i in range(1, 6):
                self.assertEqual(frames.push("echo", bytes([i])), i)
            for i in range(1, 6):
                answer = frames.pull(i)
                self.assertEqual((answer.frame, answer.answers_frame), (i, i))
                self.assertEqual(bytes(answer.result.data), bytes([i]))

    def test_a_form_is_computed_here_when_no_answer_comes_in_time(self):
        opened = threading.Event()

        def run(job):
            if job.params["quality"] != "fast":
                wait_for(opened)
            return job.params["quality"].encode()

        self.add("frame", run)
        client = self.connect()
        with p2c2r.Frames(client) as frames:
            frame = frames.push(
                "frame",
                params={"quality": "full"},
                quality=p2c2r.Quality.QUALITY,
                forms={p2c2r.Quality.FAST: {"quality": "fast"}},
                deadline_us=30_000_000,
            )
            answer = frames.pull(frame, 500_000)
            opened.set()
        self.assertEqual(answer.source, p2c2r.Source.LOCAL)
        self.assertEqual(answer.quality, p2c2r.Quality.FAST)
        self.assertEqual(bytes(answer.result.data), b"fast")
        self.assertGreater(answer.age_us, 0)

    def test_a_frame_in_parts_tells_each_in_pull_and_is_one_answer(self):
        client = self.connect()
        params = {"num_steps": 3, "objects": [{"position": [3 * i, 1, 0]} for i in range(3)]}
        options = {"place": p2c2r.Place.REMOTE, "flags": p2c2r.TaskFlags.NO_CACHE}
        told = []
        kept = _callbacks.kept_count()
        with p2c2r.Frames(
            client, budget_us=10_000_000, part=lambda *arguments: told.append(arguments)
        ) as frames:
            whole = frames.pull(frames.push("physics", params=params, **options))
            frame = frames.push("physics", params=params, split=3, split_by="bodies", **options)
            answer = frames.pull(frame)
            self.assertFails(
                p2c2r.Status.E_UNSUPPORTED, lambda: frames.push("echo", b"x", split=2)
            )
            self.assertRaises(TypeError, frames.push, "physics", split=2, part=print)
        self.assertEqual((whole.parts, whole.parts_came), (0, 0))
        self.assertEqual((answer.answers_frame, answer.parts, answer.parts_came), (frame, 3, 3))
        self.assertEqual(answer.result.digest, whole.result.digest)
        self.assertEqual(sorted(part.index for _, part, _ in told), [0, 1, 2])
        self.assertEqual({number for number, _, _ in told}, {frame})
        self.assertEqual({part.unit_name for _, part, _ in told}, {"bodies"})
        self.assertTrue(all(result.ok for _, _, result in told))
        self.assertEqual(_callbacks.kept_count(), kept)

    def test_one_of_several_tasks_is_kept(self):
        client = self.connect()
        tasks = [client.submit("echo", bytes([i])) for i in range(3)]
        client.keep(tasks[1], tasks)
        self.assertEqual(bytes(tasks[1].result().data), b"\x01")
        self.assertFails(p2c2r.Status.E_STALE, tasks[0].poll)
        client.keep(None, tasks)
        told = client.submit("echo", b"x", done=lambda task, result: None)
        self.assertFails(p2c2r.Status.E_STATE, lambda: client.keep(None, [told]))

    def test_step_captures_upscales_and_displays(self):
        shown = []
        client = self.connect()
        frames = p2c2r.Frames(
            client,
            budget_us=10_000_000,
            output_size=(64, 36),
            capture=lambda: self.IMAGE,
            display=lambda image, answer: shown.append((image, answer)),
        )
        with frames:
            answer = frames.step()
        self.assertEqual(answer.source, p2c2r.Source.PEER)
        (image, told), = shown  # kept beyond the callback, and beyond everything below
        self.runtime.close()
        self.assertEqual((image.width, image.height, told.frame), (64, 36, 1))
        self.assertEqual(image.data, answer.result.image.data)

    def test_the_host_answers_when_nobody_else_does(self):
        opened = threading.Event()
        self.add("hold", lambda job: wait_for(opened) or b"")
        client = self.connect()
        flags = p2c2r.FramesFlags.NO_LOCAL
        asked = []

        def fallback(frame, left_us):
            asked.append(frame)
            return b"my own" if frame == 1 else None

        with p2c2r.Frames(client, budget_us=1000, flags=flags, fallback=fallback) as frames:
            first = frames.pull(frames.push("hold", deadline_us=10_000_000))
            second = frames.pull(frames.push("hold", deadline_us=10_000_000))
        opened.set()
        self.assertEqual((first.source, bytes(first.result.data)), (p2c2r.Source.HOST, b"my own"))
        self.assertEqual((second.source, second.result), (p2c2r.Source.NONE, None))
        self.assertEqual(asked, [1, 2])


if __name__ == "__main__":
    unittest.main()
