//! Runtime, client, peer, coordinator and frames from Rust, with real tasks through real roles.
mod common;

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;

use common::{fails, machine, machine_on, quiet_runtime, received, Gate};
use p2c2r::*;

fn big() -> Vec<u8> {
    (0..1 << 20).map(|i| (i % 251) as u8).collect()
}

#[test]
fn every_kind_of_bytes_comes_back_the_same() {
    let machine = machine();
    let shared: Arc<[u8]> = big().into();
    let payloads = vec![
        (Payload::from(""), vec![]),
        (Payload::from("hello"), b"hello".to_vec()),
        (Payload::from(&shared[..]), big()),
        (Payload::from(vec![7; 3]), vec![7; 3]),
        (Payload::from(big()), big()),
        (Payload::lend(shared.clone()), big()),
    ];
    for (payload, expected) in payloads {
        let answer = machine.client.submit_and_wait(TaskDesc::new("echo").data(payload)).unwrap();
        assert_eq!(answer.data(), expected);
        assert_eq!(answer.source(), Source::Peer);
        assert_eq!(answer.task_type(), "echo");
    }
    let empty = machine.client.submit_and_wait(TaskDesc::new("echo")).unwrap();
    assert!(empty.data().is_empty());
}

#[test]
fn lent_memory_is_dropped_when_nothing_refers_to_it_any_more() {
    let shared: Arc<[u8]> = big().into();
    {
        let machine = machine();
        let task = TaskDesc::new("echo").data(Payload::lend(shared.clone()));
        let answer = machine.client.submit_and_wait(task).unwrap();
        assert_eq!(answer.data().len(), shared.len());
        // Refused: dropped at once.
        let task = TaskDesc::new("echo").data(Payload::lend(shared.clone())).priority(4711);
        fails(Status::ARGUMENT, machine.client.submit(task));
    }
    assert_eq!(Arc::strong_count(&shared), 1);
}

#[test]
fn a_content_travels_once_and_a_task_may_change_it() {
    let shared: Arc<[u8]> = big().into();
    {
        let machine = machine();
        let level = machine.client.put(Payload::lend(shared.clone())).unwrap();
        let task = || TaskDesc::new("echo").content(&level);
        assert_eq!(machine.client.submit_and_wait(task()).unwrap().data(), &shared[..]);
        let changed = machine.client.submit_and_wait(task().patch(3, b"three")).unwrap();
        assert_eq!(&changed.data()[..8], [&shared[..3], b"three"].concat());
        assert_eq!(changed.data()[8..], shared[8..]);
        let beyond = machine.client.submit(task().patch(shared.len() as u64, b"x"));
        assert_eq!(fails(Status::SIZE, beyond).field, "patches");
    }
    assert_eq!(Arc::strong_count(&shared), 1);
}

#[test]
fn a_result_stays_where_the_next_task_can_use_it() {
    let machine = machine();
    let client = &machine.client;
    let task = TaskDesc::new("echo").data(big()).place(Place::Remote).resident();
    let first = client.submit_and_wait(task).unwrap();
    assert!(first.data().is_empty());
    assert_eq!(first.info().resident_size, big().len() as u64);
    let stage = client.put_result(&first).unwrap();
    assert_eq!(stage.get(5000).unwrap().data(), big());
    let last = client.submit_and_wait(TaskDesc::new("echo").content(&stage)).unwrap();
    assert_eq!(last.data(), big());
}

#[test]
fn a_result_outlives_its_client_and_runtime() {
    let answer = {
        let machine = machine();
        machine.client.submit_and_wait(TaskDesc::new("echo").data(big())).unwrap()
    };
    let again = answer.clone();
    drop(answer);
    let sent = thread::spawn(move || again.data() == big());
    assert!(sent.join().unwrap());
}

#[test]
fn output_goes_into_memory_of_the_caller() {
    let machine = machine();
    let mut room = [0; 8];
    let task = || TaskDesc::new("echo").data("hello");
    machine.client.submit_and_wait_into(task(), &mut room).unwrap();
    assert_eq!(&room, b"hello\0\0\0");
    let short = machine.client.submit_and_wait_into(task(), &mut room[..4]);
    assert_eq!(fails(Status::SIZE, short).field, "output_size");
}

#[test]
fn a_poll_says_none_until_the_task_has_ended_and_gives_the_answer_once() {
    let runtime = quiet_runtime();
    let gate = Gate::default();
    let held = gate.clone();
    runtime
        .add_executor(ExecutorDesc::new("hold"), move |job| {
            held.pass();
            job.output(4)?.copy_from_slice(b"done");
            Ok(())
        })
        .unwrap();
    let machine = machine_on(runtime, ClientConfig::default());
    let slow = machine.client.submit(TaskDesc::new("hold")).unwrap();
    let quick = machine.client.submit(TaskDesc::new("echo")).unwrap();
    assert_eq!(machine.client.wait_any(&[&slow, &quick], FOREVER).unwrap(), Some(1));
    assert!(slow.poll().unwrap().is_none());
    assert!(slow.wait(1000).unwrap().is_none());
    gate.open();
    assert_eq!(slow.result().unwrap().data(), b"done");
    fails(Status::STALE, slow.poll());
    fails(Status::STALE, slow.cancel());
}

#[test]
fn submit_many_accepts_as_many_as_there_is_room_for() {
    let runtime = quiet_runtime();
    let gate = Gate::default();
    let held = gate.clone();
    runtime
        .add_executor(ExecutorDesc::new("hold"), move |job| {
            held.pass();
            let input = job.input().to_vec();
            Ok(job.give_output(input)?)
        })
        .unwrap();
    let config = ClientConfig { tasks_max: 3, ..Default::default() };
    let machine = machine_on(runtime, config);
    let shared: Arc<[u8]> = big().into();
    let desc = |_| TaskDesc::new("hold").data(Payload::lend(shared.clone()));
    let (tasks, error) = machine.client.submit_many((0..5).map(desc).collect());
    let error = error.expect("the fourth is refused");
    assert_eq!((tasks.len(), error.status), (3, Status::BUSY));
    assert!(error.retry_after_ms > 0);
    gate.open();
    for task in tasks {
        assert_eq!(task.result().unwrap().data(), &shared[..]);
    }
    drop(machine);
    assert_eq!(Arc::strong_count(&shared), 1);
}

#[test]
fn a_task_waits_for_those_it_depends_on() {
    let runtime = quiet_runtime();
    let (noted, notes) = channel();
    let noted = Mutex::new(noted);
    runtime
        .add_executor(ExecutorDesc::new("note"), move |job| {
            noted.lock().unwrap().send(job.input()[0]).expect("the test listens");
            job.output(0)?;
            Ok(())
        })
        .unwrap();
    let machine = machine_on(runtime, ClientConfig::default());
    let first = machine.client.submit(TaskDesc::new("note").data(vec![1])).unwrap();
    let before = [first.id()];
    let second = TaskDesc::new("note").data(vec![2]).depends_on(&before);
    machine.client.submit_and_wait(second).unwrap();
    assert_eq!([received(&notes), received(&notes)], [1, 2]);
}

#[test]
fn done_runs_inside_dispatch_or_on_the_loop_as_the_client_says() {
    for deliver in [Deliver::OnDispatch, Deliver::OnLoop] {
        let config = ClientConfig { deliver, ..Default::default() };
        let machine = machine_on(quiet_runtime(), config);
        let (tell, told) = channel();
        for i in 0..50u8 {
            let tell = tell.clone();
            let task = TaskDesc::new("echo").data(vec![i]);
            machine
                .client
                .submit_with(task, move |_, result| {
                    let here = thread::current().id();
                    tell.send((result.data()[0], here)).expect("the test listens");
                })
                .unwrap();
        }
        let mut answers = Vec::new();
        while answers.len() < 50 {
            if deliver == Deliver::OnDispatch {
                machine.runtime.dispatch(0, 0).unwrap();
                answers.extend(told.try_iter());
            } else {
                answers.push(received(&told));
            }
        }
        let here = thread::current().id();
        assert!(answers.iter().all(|(_, id)| (*id == here) == (deliver == Deliver::OnDispatch)));
        let mut bytes: Vec<u8> = answers.iter().map(|answer| answer.0).collect();
        bytes.sort_unstable();
        assert_eq!(bytes, (0..50).collect::<Vec<u8>>());
    }
}

#[test]
fn a_task_in_parts_tells_each_and_gives_the_bytes_of_the_whole() {
    let machine = machine_on(quiet_runtime(), ClientConfig::default());
    let bodies: Vec<String> =
        (0..12).map(|i| format!("{{\"position\":[{},{},{}]}}", i % 5, 1 + i % 3, i % 2)).collect();
    let json = format!("{{\"num_steps\":3,\"objects\":[{}]}}", bodies.join(","));
    let task = || TaskDesc::new("physics").params_json(&json).place(Place::Remote).no_cache();
    let whole = machine.client.submit_and_wait(task()).unwrap();
    let (tell, told) = channel();
    let (end, ended) = channel();
    machine
        .client
        .submit_in_parts(
            task().split(Split::Parts(3)).split_by("bodies"),
            move |_, part, result| tell.send((part, result.is_ok())).expect("the test listens"),
            move |_, result| end.send(result).expect("the test listens"),
        )
        .unwrap();
    let result = loop {
        machine.runtime.dispatch(0, 0).unwrap();
        if let Ok(result) = ended.try_recv() {
            break result.check().unwrap();
        }
    };
    assert_eq!(result.digest().unwrap(), whole.digest().unwrap());
    let parts: Vec<(Part, bool)> = told.try_iter().collect();
    assert_eq!(parts.iter().map(|(part, _)| part.unit_count).sum::<u64>(), 12);
    let mut indices: Vec<u32> = parts.iter().map(|(part, _)| part.index).collect();
    indices.sort_unstable();
    assert_eq!(indices, [0, 1, 2]);
    for (part, ok) in parts {
        assert_eq!((part.count, part.units, part.unit_name), (3, 12, "bodies"));
        assert!(ok);
    }
    assert_eq!(machine.client.stats().unwrap().parts, 3);
    let refused = machine.client.submit(task().split(Split::Auto).split_by("rows"));
    assert!(refused.unwrap_err().text.contains("not split by 'rows'"));
}

#[test]
fn params_and_fields_keep_their_values_on_the_way() {
    let runtime = quiet_runtime();
    runtime
        .add_executor(ExecutorDesc::new("mirror"), |job| {
            let fields = job.params_msgpack()?.to_vec();
            assert_eq!(params_to_json(&fields)?, job.params_json()?);
            Ok(job.set_fields_msgpack(&fields)?)
        })
        .unwrap();
    let machine = machine_on(runtime, ClientConfig::default());
    let json = r#"{"null":null,"list":[1,-2,0.5,"Größe"],"bytes":{"$bytes":"AP8="},"":{}}"#;
    let answer = machine.client.submit_and_wait(TaskDesc::new("mirror").params_json(json)).unwrap();
    assert_eq!(answer.fields_json(), json);
    let packed = params_from_json(json).unwrap();
    assert_eq!(answer.fields_msgpack(), packed);
    let task = TaskDesc::new("mirror").params(Params::MessagePack(&packed));
    assert_eq!(machine.client.submit_and_wait(task).unwrap().fields_json(), json);
    let none = machine.client.submit_and_wait(TaskDesc::new("mirror")).unwrap();
    assert_eq!(none.fields_json(), "{}");
}

#[test]
fn deltas_make_the_state_after_of_the_one_before() {
    let runtime = quiet_runtime();
    let client = Client::new(&runtime, ClientConfig::default()).unwrap();
    let body: [f32; 10] = [0.0, 9.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.5, 0.0, 0.0];
    let before: Vec<u8> =
        body.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>().repeat(3);
    let ask = |params: &'static str| {
        client
            .submit_and_wait(TaskDesc::new("physics").data(&before[..]).params_json(params))
            .unwrap()
    };
    let whole = ask(r#"{"num_steps":3}"#);
    let delta = ask(r#"{"num_steps":3,"result":"delta"}"#);
    let mut state = before.clone();
    delta.apply_delta(&mut state).unwrap();
    assert_eq!(state, whole.data()[..before.len()]);
    assert_ne!(state, before);
    let mut other = before.repeat(9);
    fails(Status::EXECUTOR, delta.apply_delta(&mut other));
    assert_eq!(other, before.repeat(9));
    assert_eq!(fails(Status::SIZE, delta.apply_delta(&mut other[1..])).field, "before");
    fails(Status::STATE, whole.apply_delta(&mut state));
}

#[test]
fn roles_meet_over_a_socket_and_tell_of_each_other() {
    let (there, here) = (quiet_runtime(), quiet_runtime());
    let (tell, told) = channel();
    let tell = Mutex::new(tell);
    let coordinator = Coordinator::new(
        &there,
        CoordinatorConfig {
            listen_port: Some(ANY),
            prometheus_port: ANY,
            deliver: Deliver::OnLoop,
            event: Some(Box::new(move |event| {
                let news = (event.event_type, event.subject.to_string());
                // After the last one that is waited for, nobody listens.
                let _ = tell.lock().unwrap().send(news);
            })),
            ..Default::default()
        },
    )
    .unwrap();
    coordinator.start().unwrap();
    let (port, monitoring) = coordinator.ports().unwrap();
    assert!(port != 0 && monitoring != 0 && port != monitoring);
    let url = format!("p2c2r+plain://127.0.0.1:{port}");
    let capabilities =
        Capabilities { location: "Köln".to_string(), speed_milli: 1500, ..Default::default() };
    let peer = Peer::new(
        &there,
        PeerConfig {
            coordinator_url: Some(&url),
            peer_id: Some("far"),
            capabilities: Some(&capabilities),
            ..Default::default()
        },
    )
    .unwrap();
    assert_eq!(peer.peer_id().unwrap(), "far");
    let offered = peer.capabilities().unwrap();
    assert_eq!(offered.location, "Köln");
    assert_eq!(offered.speed_milli, 1500);
    peer.set_speed(2000).unwrap();
    assert_eq!(peer.capabilities().unwrap().speed_milli, 2000);
    assert!(offered.cpu_cores > 0 && offered.task_types.contains("echo"), "{offered:?}");
    peer.start().unwrap();
    assert_eq!(received(&told), (EventType::PeerJoined, "far".to_string()));
    let config = ClientConfig { coordinator_url: Some(&url), ..Default::default() };
    let client = Client::new(&here, config).unwrap();
    client.connect(5000).unwrap();
    let answer = client.submit_and_wait(TaskDesc::new("echo").data(big())).unwrap();
    assert_eq!(answer.data(), big());
    let peers = client.call("peers", None, 5000).unwrap();
    assert!(peers.fields_json().contains("\"far\""), "{}", peers.fields_json());
    drop(peer);
    assert_eq!(received(&told), (EventType::PeerLeft, "far".to_string()));
}

#[test]
fn statistics_questions_and_calls() {
    let machine = machine();
    machine.client.submit_and_wait(TaskDesc::new("echo").data("hello")).unwrap();
    let stats = machine.client.stats().unwrap();
    assert_eq!((State::from(stats.state), stats.completed), (State::Connected, 1));
    assert_eq!(machine.coordinator.stats().unwrap().completed_tasks, 1);
    assert_eq!(machine.peer.stats().unwrap().completed, 1);
    let status = machine.coordinator.call("status", Some("{}"), 5000).unwrap();
    assert!(status.fields_json().contains("\"completed_tasks\":1"), "{}", status.fields_json());
    let error = fails(Status::UNSUPPORTED, machine.coordinator.call("gossip", None, 5000));
    assert!(error.text.contains("status"), "{error}");
    machine.peer.pause().unwrap();
    assert_eq!(machine.peer.stats().unwrap().paused, 1);
    machine.peer.resume().unwrap();
    machine.peer.drain(60_000).unwrap();
    machine.coordinator.drain(60_000).unwrap();
    let task = Some(r#"{"task_type": "echo"}"#);
    let answer = machine.runtime.call("exec", task, Some("no role".into()), 5000).unwrap();
    assert_eq!(answer.check().unwrap().data(), b"no role");
    assert!(version_text().starts_with(env!("CARGO_PKG_VERSION")));
    assert!(now_us() > 0);
}

#[test]
fn a_client_without_a_coordinator_computes_here() {
    let runtime = quiet_runtime();
    let client = Client::new(&runtime, ClientConfig::default()).unwrap();
    let answer = client.submit_and_wait(TaskDesc::new("echo").data("alone")).unwrap();
    assert_eq!(answer.source(), Source::Local);
    assert_eq!(answer.info().attempts, 1);
}

#[test]
fn one_thread_can_turn_the_loop_and_run_the_executors() {
    let config = RuntimeConfig {
        run_mode: RunMode::Manual,
        worker_threads: NONE,
        gpu: Gpu::Off,
        ..Default::default()
    };
    let runtime = Runtime::new(config).unwrap();
    let here = thread::current().id();
    runtime
        .add_executor(ExecutorDesc::new("own").exact(), move |job| {
            assert_eq!(thread::current().id(), here);
            let input = job.input().to_vec();
            Ok(job.give_output(input)?)
        })
        .unwrap();
    let machine = machine_on(runtime, ClientConfig::default());
    let (tell, told) = channel();
    for i in 0..5u8 {
        let tell = tell.clone();
        let task = TaskDesc::new("own").data(vec![i]);
        let done = move |_, result: TaskResult| tell.send(result.check().unwrap()).unwrap();
        machine.client.submit_with(task, done).unwrap();
    }
    drop(tell);
    let mut answers = Vec::new();
    while answers.len() < 5 {
        machine.runtime.poll(1).unwrap();
        machine.runtime.work(0, 0).unwrap();
        answers.extend(told.try_iter().map(|answer| answer.data()[0]));
    }
    answers.sort_unstable();
    assert_eq!(answers, [0, 1, 2, 3, 4]);
    assert!(!machine.runtime.work(0, 0).unwrap());
    let (fd, _) = machine.runtime.backend().unwrap();
    assert!(fd >= 0);
}

#[test]
fn the_hooks_of_a_runtime_are_called_and_dropped_with_it() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let threads = Arc::new(Mutex::new(Vec::new()));
    let (notify, notified) = channel();
    let notify = Mutex::new(notify);
    {
        let (lines, threads) = (lines.clone(), threads.clone());
        let config = RuntimeConfig {
            gpu: Gpu::Off,
            log: Some(Box::new(move |level, room, text| {
                lines.lock().unwrap().push(format!("{level:?} {room} {text}"));
            })),
            notify: Some(Box::new(move || {
                let _ = notify.lock().unwrap().send(()); // also when nobody listens any more
            })),
            thread: Some(Box::new(move |name, starts| {
                threads.lock().unwrap().push((name.to_string(), starts));
            })),
            ..Default::default()
        };
        let machine = machine_on(Runtime::new(config).unwrap(), ClientConfig::default());
        let (tell, told) = channel();
        let done = move |_, _| tell.send(()).unwrap();
        machine.client.submit_with(TaskDesc::new("echo"), done).unwrap();
        received(&notified);
        while told.try_recv().is_err() {
            machine.runtime.dispatch(0, 0).unwrap();
        }
    }
    assert_eq!((Arc::strong_count(&lines), Arc::strong_count(&threads)), (1, 1));
    assert!(lines.lock().unwrap().iter().any(|line| line.contains("peer")));
    let threads = threads.lock().unwrap();
    let started = threads.iter().filter(|thread| thread.1).count();
    assert!(started > 0);
    assert_eq!(started * 2, threads.len(), "{threads:?}");
}

// ---- frames -----------------------------------------------------------------------------------

fn picture() -> Image<'static> {
    let pixels: Vec<u8> = (0..32 * 18 * 4).map(|i| 255 - (i % 251) as u8).collect();
    Image { format: Pixel::Rgba8, width: 32, height: 18, stride: 0, data: pixels.into() }
}

#[test]
fn a_frame_by_hand_is_made_larger() {
    let machine = machine();
    let client = &machine.client;
    let task = client.submit_frame_for_upscaling(picture(), 64, 36, Quality::Balanced).unwrap();
    let answer = client.get_upscaled_frame(&task, FOREVER).unwrap().expect("it has ended");
    let image = answer.image().unwrap();
    assert_eq!((image.format, image.width, image.height), (Pixel::Rgba8, 64, 36));
    assert_eq!(image.data.len(), 64 * 36 * 4);
    assert_eq!(answer.algorithm(), "lanczos");
    assert_ne!(answer.digest().unwrap(), [0; 32]);
    let echo = client.submit_and_wait(TaskDesc::new("echo").data("x")).unwrap();
    assert_eq!(echo.image().unwrap_err().status, Status::STATE);
}

#[test]
fn forms_go_with_a_frame_and_one_of_several_tasks_is_kept() {
    let machine = machine();
    let frames = Frames::new(&machine.client, FramesConfig::default()).unwrap();
    let forms = [FrameForm { quality: Quality::Fast, params: &[0x80] }];
    let desc = TaskDesc::new("echo").data("x");
    let frame = frames.push_forms(desc, Some(Quality::Balanced), &forms).unwrap();
    let answer = frames.pull(frame, 10_000_000).unwrap();
    assert_eq!(answer.answers_frame, frame);
    assert_eq!(answer.result.unwrap().data(), b"x");
    let twice = [forms[0], forms[0]];
    fails(Status::ARGUMENT, frames.push_forms(TaskDesc::new("echo"), None, &twice));

    let tasks: Vec<Task> =
        (0..3).map(|_| machine.client.submit(TaskDesc::new("echo").data("y")).unwrap()).collect();
    let all: Vec<&Task> = tasks.iter().collect();
    machine.client.keep(Some(&tasks[1]), &all).unwrap();
    assert_eq!(tasks[1].result().unwrap().data(), b"y");
    fails(Status::STALE, tasks[0].poll());
    machine.client.keep(None, &all).unwrap();
}

#[test]
fn a_frame_in_parts_tells_each_in_pull_and_is_one_answer() {
    let machine = machine();
    let (tell, told) = channel();
    let tell = Mutex::new(tell);
    let config = FramesConfig {
        part: Some(Box::new(move |frame, part, result| {
            assert!(result.is_ok());
            tell.lock().unwrap().send((frame, part.index, part.count)).unwrap();
        })),
        ..Default::default()
    };
    let frames = Frames::new(&machine.client, config).unwrap();
    let task = || {
        TaskDesc::new("physics")
            .params_json(
                r#"{"objects":[{"position":[0,1,0]},{"position":[3,1,0]},{"position":[6,1,0]}]}"#,
            )
            .place(Place::Remote)
            .no_cache()
    };
    let whole = frames.pull(frames.push(task()).unwrap(), 10_000_000).unwrap();
    assert_eq!((whole.parts, whole.parts_came), (0, 0));
    let frame = frames.push(task().split(Split::Parts(3))).unwrap();
    let answer = frames.pull(frame, 10_000_000).unwrap();
    assert_eq!((answer.answers_frame, answer.parts, answer.parts_came), (frame, 3, 3));
    let same = |answer: Answer| answer.result.unwrap().digest().unwrap();
    assert_eq!(same(answer), same(whole));
    let mut parts: Vec<_> = told.try_iter().collect();
    parts.sort_unstable();
    assert_eq!(parts, [(frame, 0, 3), (frame, 1, 3), (frame, 2, 3)]);
    fails(Status::UNSUPPORTED, frames.push(TaskDesc::new("echo").split(Split::Parts(2))));
}

#[test]
fn step_captures_upscales_and_displays() {
    let (show, shown) = channel();
    let show = Mutex::new(show);
    let machine = machine();
    let config = FramesConfig {
        budget_us: 10_000_000,
        output_width: 64,
        output_height: 36,
        capture: Some(Box::new(|| Some(picture()))),
        display: Some(Box::new(move |image, answer| {
            let image = image.expect("an image");
            let kept = answer.result.clone().expect("a result");
            show.lock().unwrap().send((image.data.to_vec(), kept)).unwrap();
        })),
        ..Default::default()
    };
    let frames = Frames::new(&machine.client, config).unwrap();
    let answer = frames.step(0).unwrap();
    assert_eq!((answer.source, answer.frame, answer.answers_frame), (Source::Peer, 1, 1));
    let (pixels, kept) = received(&shown);
    drop((frames, machine));
    assert_eq!(answer.result.unwrap().image().unwrap().data, pixels);
    assert_eq!(kept.image().unwrap().data, pixels);
}

#[test]
fn the_host_answers_when_nobody_else_does() {
    let runtime = quiet_runtime();
    let gate = Gate::default();
    let held = gate.clone();
    runtime
        .add_executor(ExecutorDesc::new("hold"), move |job| {
            held.pass();
            job.output(0)?;
            Ok(())
        })
        .unwrap();
    let machine = machine_on(runtime, ClientConfig::default());
    let config = FramesConfig {
        budget_us: 1000,
        no_local: true,
        fallback: Some(Box::new(|frame, _| match frame {
            1 => Some("my own".into()),
            2 => panic!("the second frame"),
            _ => None,
        })),
        ..Default::default()
    };
    let frames = Frames::new(&machine.client, config).unwrap();
    let task = || TaskDesc::new("hold").deadline_us(10_000_000);
    let first = frames.pull(frames.push(task()).unwrap(), 0).unwrap();
    assert_eq!((first.source, first.result.unwrap().data()), (Source::Host, &b"my own"[..]));
    for _ in 2..4 {
        let none = frames.pull(frames.push(task()).unwrap(), 0).unwrap();
        assert_eq!((none.source, none.result.is_none()), (Source::None, true));
    }
    gate.open();
}
