//! What panics, is late, is used after its end or asked wrongly ends as a definite error and
//! nothing worse.
mod common;

use std::ptr;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;

use common::{fails, machine, machine_on, quiet_runtime, received, Gate};
use p2c2r::*;

fn run(runtime: Runtime, task_type: &str) -> Result<TaskResult> {
    machine_on(runtime, ClientConfig::default()).client.submit_and_wait(TaskDesc::new(task_type))
}

// ---- executors --------------------------------------------------------------------------------

#[test]
fn a_panic_in_an_executor_is_the_error_of_its_task() {
    let runtime = quiet_runtime();
    runtime
        .add_executor(ExecutorDesc::new("panics"), |job| panic!("level {}", job.input().len()))
        .unwrap();
    let error = fails(Status::EXECUTOR, run(runtime, "panics"));
    assert_eq!(error.text, "panicked: level 0");
}

#[test]
fn an_error_of_an_executor_keeps_its_status_field_and_text() {
    let runtime = quiet_runtime();
    runtime
        .add_executor(ExecutorDesc::new("refuses"), |_| {
            Err(JobError::new(Status::PARAMS, "level", "a level is at most 3\0, not 7"))
        })
        .unwrap();
    let error = fails(Status::PARAMS, run(runtime, "refuses"));
    assert_eq!(
        (error.field.as_str(), error.text.as_str()),
        ("level", "a level is at most 3 , not 7")
    );
}

#[test]
fn any_error_of_an_executor_is_told() {
    let runtime = quiet_runtime();
    runtime
        .add_executor(ExecutorDesc::new("parses"), |job| {
            job.output(1)?[0] = "seven".parse::<u8>()?;
            Ok(())
        })
        .unwrap();
    let error = fails(Status::EXECUTOR, run(runtime, "parses"));
    assert_eq!(error.text, "invalid digit found in string");
    let runtime = quiet_runtime();
    runtime
        .add_executor(ExecutorDesc::new("converts"), |job| {
            Ok(job.set_fields_json("{\"twice\": 1, \"twice\": 2}")?)
        })
        .unwrap();
    fails(Status::PARAMS, run(runtime, "converts"));
}

#[test]
fn ok_without_an_output_and_errors_that_are_none_are_refused() {
    for (name, status) in
        [("nothing", None), ("pending", Some(Status::PENDING)), ("ok", Some(Status::OK))]
    {
        let runtime = quiet_runtime();
        runtime
            .add_executor(ExecutorDesc::new(name), move |_| match status {
                Some(status) => Err(JobError::new(status, "", "no error")),
                None => Ok(()),
            })
            .unwrap();
        fails(Status::EXECUTOR, run(runtime, name));
    }
}

unsafe extern "C" fn garbage(
    user: *mut std::os::raw::c_void,
    _job: *mut sys::p2c2r_job,
) -> sys::p2c2r_status {
    user as usize as i32
}

#[test]
fn garbage_of_a_raw_callback_is_e_executor() {
    let unlisted = [0, 2, 4711, -31, i32::MIN, i32::MAX];
    let mut runtime: *mut sys::p2c2r_runtime = ptr::null_mut();
    let mut client: *mut sys::p2c2r_client = ptr::null_mut();
    let config = sys::p2c2r_runtime_config {
        abi_version: sys::P2C2R_ABI_VERSION,
        gpu: sys::P2C2R_GPU_OFF,
        ..Default::default()
    };
    // SAFETY: the structs live while the calls run, and everything is destroyed at the end.
    unsafe {
        assert_eq!(sys::p2c2r_runtime_create(&config, &mut runtime, ptr::null_mut()), 0);
        let plain = sys::p2c2r_client_config::default();
        assert_eq!(sys::p2c2r_client_create(runtime, &plain, &mut client, ptr::null_mut()), 0);
        for number in unlisted {
            let desc = sys::p2c2r_executor_desc {
                task_type: b"raw\0".as_ptr().cast(),
                run: Some(garbage),
                user: number as u32 as usize as *mut std::os::raw::c_void,
                ..Default::default()
            };
            assert_eq!(sys::p2c2r_runtime_add_executor(runtime, &desc, ptr::null_mut()), 0);
            let task =
                sys::p2c2r_task_desc { task_type: b"raw\0".as_ptr().cast(), ..Default::default() };
            let mut out = ptr::null_mut();
            let said = sys::p2c2r_client_submit_and_wait(client, &task, &mut out, ptr::null_mut());
            assert_eq!(said, sys::P2C2R_OK);
            assert_eq!(sys::p2c2r_result_status(out), sys::P2C2R_E_EXECUTOR, "{number}");
            sys::p2c2r_result_release(out);
            let removed =
                sys::p2c2r_runtime_remove_executor(runtime, b"raw\0".as_ptr().cast(), 60_000);
            assert_eq!(removed, sys::P2C2R_OK);
        }
        assert_eq!(sys::p2c2r_client_destroy(client), 0);
        assert_eq!(sys::p2c2r_runtime_destroy(runtime), 0);
        assert_eq!(sys::p2c2r_runtime_destroy(runtime), sys::P2C2R_E_STALE);
    }
}

#[test]
fn a_pending_job_is_finished_by_another_thread() {
    let runtime = quiet_runtime();
    runtime
        .add_pending_executor(ExecutorDesc::new("later"), |mut job| {
            thread::spawn(move || {
                job.output(5).unwrap().copy_from_slice(b"later");
                job.set_fields_json("{\"by\":\"a thread\"}").unwrap();
                job.finish(Ok(())).unwrap();
            });
        })
        .unwrap();
    let answer = run(runtime, "later").unwrap();
    assert_eq!((answer.data(), answer.fields_json()), (&b"later"[..], "{\"by\":\"a thread\"}"));
}

#[test]
fn a_pending_job_may_be_finished_before_its_executor_returns() {
    let runtime = quiet_runtime();
    runtime
        .add_pending_executor(ExecutorDesc::new("at_once").short(), |job| {
            job.finish(Err(JobError::new(Status::CONTENT, "data", "not a level"))).unwrap();
        })
        .unwrap();
    let error = fails(Status::CONTENT, run(runtime, "at_once"));
    assert_eq!((error.field.as_str(), error.text.as_str()), ("data", "not a level"));
}

#[test]
fn a_pending_job_that_is_dropped_or_panics_fails() {
    let runtime = quiet_runtime();
    runtime.add_pending_executor(ExecutorDesc::new("drops"), drop).unwrap();
    let error = fails(Status::EXECUTOR, run(runtime, "drops"));
    assert_eq!(error.text, "the job was dropped without an answer");
    let runtime = quiet_runtime();
    runtime
        .add_pending_executor(ExecutorDesc::new("panics"), |job| panic!("{}", job.task_type()))
        .unwrap();
    let error = fails(Status::EXECUTOR, run(runtime, "panics"));
    assert_eq!(error.text, "a thread panicked that had the job");
}

#[test]
fn a_job_that_outlives_its_role_is_an_orphan() {
    let runtime = quiet_runtime();
    let (hand_over, jobs) = channel();
    let hand_over = Mutex::new(hand_over);
    let (tell, cancelled) = channel();
    let tell = Mutex::new(tell);
    let desc = ExecutorDesc::new("keeps")
        .on_cancel(move |job| tell.lock().unwrap().send(job.key()).unwrap());
    runtime
        .add_pending_executor(desc, move |job| hand_over.lock().unwrap().send(job).unwrap())
        .unwrap();
    let client = Client::new(&runtime, ClientConfig::default()).unwrap();
    client.submit(TaskDesc::new("keeps").data("still readable")).unwrap();
    let job = received(&jobs);
    client.close().unwrap();
    assert_eq!(received(&cancelled), job.key());
    assert!(job.orphan() && job.cancelled());
    drop((client, runtime));
    assert_eq!(job.input(), b"still readable");
    fails(Status::STALE, job.finish(Ok(())));
}

#[test]
fn a_type_has_one_executor_until_it_is_removed_and_then_it_is_dropped() {
    let runtime = quiet_runtime();
    let owned = Arc::new(());
    let again = owned.clone();
    let make = move || {
        let kept = again.clone();
        move |job: &mut Job| {
            job.output(Arc::strong_count(&kept))?;
            Ok(())
        }
    };
    runtime.add_executor(ExecutorDesc::new("mine"), make()).unwrap();
    fails(Status::EXISTS, runtime.add_executor(ExecutorDesc::new("mine"), make()));
    fails(Status::EXISTS, runtime.add_executor(ExecutorDesc::new("echo"), make()));
    fails(Status::ARGUMENT, runtime.add_executor(ExecutorDesc::new("my\0own"), make()));
    assert_eq!(Arc::strong_count(&owned), 3);
    runtime.remove_executor("mine", 60_000).unwrap();
    drop(make);
    assert_eq!(Arc::strong_count(&owned), 1);
    fails(Status::STALE, runtime.remove_executor("mine", 0));
}

// ---- ends of tasks ----------------------------------------------------------------------------

#[test]
fn a_cancelled_task_ends_as_cancelled_and_its_job_is_told() {
    let runtime = quiet_runtime();
    let (tell, entered) = channel();
    let tell = Mutex::new(tell);
    let gate = Gate::default();
    let held = gate.clone();
    let desc = ExecutorDesc::new("patient").on_cancel(move |_| gate.open());
    runtime
        .add_executor(desc, move |job| {
            tell.lock().unwrap().send(()).unwrap();
            held.pass();
            assert!(job.cancelled());
            Err(Error::from(Status::CANCELLED).into())
        })
        .unwrap();
    let machine = machine_on(runtime, ClientConfig::default());
    let task = machine.client.submit(TaskDesc::new("patient")).unwrap();
    received(&entered);
    task.cancel().unwrap();
    fails(Status::CANCELLED, task.result());
}

#[test]
fn a_task_that_is_late_ends_with_its_deadline() {
    let runtime = quiet_runtime();
    let gate = Gate::default();
    let held = gate.clone();
    runtime
        .add_executor(ExecutorDesc::new("late"), move |job| {
            assert!(job.left_us().unwrap() <= 50_000);
            held.pass();
            job.output(0)?;
            Ok(())
        })
        .unwrap();
    let machine = machine_on(runtime, ClientConfig::default());
    let task = TaskDesc::new("late").deadline_us(50_000);
    fails(Status::DEADLINE, machine.client.submit_and_wait(task));
    gate.open();
}

#[test]
fn closing_a_client_ends_its_tasks_and_tells_each_once() {
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
    let (tell, told) = channel();
    for _ in 0..3 {
        let tell = tell.clone();
        let done = move |_, result: TaskResult| tell.send(result.status()).unwrap();
        machine.client.submit_with(TaskDesc::new("hold"), done).unwrap();
    }
    drop(tell);
    machine.client.close().unwrap();
    assert_eq!(told.iter().collect::<Vec<_>>(), [Status::CLOSED; 3]);
    gate.open();
}

#[test]
fn a_forgotten_task_is_never_told() {
    let machine = machine();
    let task = machine.client.submit(TaskDesc::new("echo")).unwrap();
    task.forget().unwrap();
    fails(Status::STALE, task.poll());
    fails(Status::STALE, task.forget());
}

#[test]
fn of_two_who_poll_one_gets_the_answer() {
    let machine = machine();
    let task = machine.client.submit(TaskDesc::new("echo").data("one answer")).unwrap();
    let outcomes: Vec<Result<TaskResult>> = thread::scope(|scope| {
        let waiting: Vec<_> = (0..2).map(|_| scope.spawn(|| task.result())).collect();
        waiting.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    let loser = outcomes.into_iter().find_map(|outcome| outcome.err());
    assert_eq!(loser.unwrap().status, Status::STALE);
}

#[test]
fn a_panic_in_done_ends_there_and_the_next_done_runs() {
    let machine = machine();
    let (tell, told) = channel();
    for _ in 0..3 {
        let tell = tell.clone();
        machine
            .client
            .submit_with(TaskDesc::new("echo"), move |_, result| {
                tell.send(result.status()).unwrap();
                panic!("in done");
            })
            .unwrap();
    }
    let mut statuses = Vec::new();
    while statuses.len() < 3 {
        machine.runtime.dispatch(0, 0).unwrap();
        statuses.extend(told.try_iter());
    }
    assert_eq!(statuses, [Status::OK; 3]);
}

// ---- wrong calls ------------------------------------------------------------------------------

#[test]
fn every_handle_is_stale_once_it_was_destroyed() {
    let machine = machine();
    let task = machine.client.submit(TaskDesc::new("echo").data("x")).unwrap();
    let frames = Frames::new(&machine.client, FramesConfig::default()).unwrap();
    fails(Status::STATE, machine.client.close()); // its frames go first
    machine.runtime.close(60_000).unwrap();
    fails(Status::STALE, frames.push(TaskDesc::new("echo")));
    fails(Status::STALE, frames.pull(1, 0));
    drop(frames);
    machine.client.close().unwrap();
    fails(Status::STALE, machine.client.submit(TaskDesc::new("echo").data(vec![0; 100_000])));
    fails(Status::STALE, machine.client.submit_and_wait(TaskDesc::new("echo")));
    let done = |_: u64, _: TaskResult| panic!("a task that was never accepted");
    fails(Status::STALE, machine.client.submit_with(TaskDesc::new("echo"), done));
    fails(Status::STALE, machine.client.connect(0));
    fails(Status::STALE, machine.client.stats());
    fails(Status::STALE, task.poll());
    fails(Status::STALE, machine.peer.start());
    fails(Status::STALE, machine.peer.peer_id());
    fails(Status::STALE, machine.peer.stats());
    fails(Status::STALE, machine.coordinator.ports());
    fails(Status::STALE, machine.coordinator.call("status", None, 0));
    let closed = Client::new(&machine.runtime, ClientConfig::default()).map(|_| ());
    fails(Status::CLOSED, closed);
}

#[test]
fn waiting_inside_a_callback_is_refused() {
    let machine = machine();
    let client = machine.client.clone();
    let runtime = machine.runtime.clone();
    let (tell, told) = channel();
    machine
        .client
        .submit_with(TaskDesc::new("echo"), move |_, _| {
            let statuses = [
                client.submit_and_wait(TaskDesc::new("echo")).unwrap_err().status,
                client.close().unwrap_err().status,
                runtime.dispatch(0, 0).unwrap_err().status,
                client.submit(TaskDesc::new("echo")).map_or_else(|e| e.status, |_| Status::OK),
            ];
            tell.send(statuses).unwrap();
        })
        .unwrap();
    let statuses = loop {
        machine.runtime.dispatch(0, 0).unwrap();
        if let Ok(statuses) = told.try_recv() {
            break statuses;
        }
    };
    assert_eq!(statuses, [Status::STATE, Status::STATE, Status::STATE, Status::OK]);
}

#[test]
fn a_client_whose_last_handle_goes_inside_a_callback_stays_until_its_runtime_is_closed() {
    let runtime = quiet_runtime();
    let client = Client::new(&runtime, ClientConfig::default()).unwrap();
    let (tell, told) = channel();
    let owned = client.clone();
    client
        .submit_with(TaskDesc::new("echo"), move |_, result| {
            drop(owned);
            tell.send(result.status()).unwrap();
        })
        .unwrap();
    drop(client);
    while told.try_recv().is_err() {
        runtime.dispatch(0, 0).unwrap();
    }
    runtime.close(60_000).unwrap();
}

#[test]
fn wrong_arguments_are_named() {
    let machine = machine();
    let client = &machine.client;
    let other = quiet_runtime();
    let local = Some(&machine.coordinator);
    let options = Some("{\"level\": 3}");
    let wrong: Vec<(&str, Result<()>)> = vec![
        ("priority", client.submit(TaskDesc::new("echo").priority(128)).map(|_| ())),
        ("task_type", client.submit(TaskDesc::new("ec\0ho")).map(|_| ())),
        ("level", Runtime::new(RuntimeConfig { options, ..Default::default() }).map(|_| ())),
        ("local", Client::new(&other, ClientConfig { local, ..Default::default() }).map(|_| ())),
    ];
    for (field, result) in wrong {
        assert_eq!(fails(Status::ARGUMENT, result).field, field);
    }
    fails(Status::TASK_TYPE, client.submit_and_wait(TaskDesc::new("no_such_type")));
    let params = "{\"output_res\": [64, 36], \"quality\": \"best\"}";
    let task = TaskDesc::new("upscale").data("no image").params_json(params);
    assert_eq!(fails(Status::PARAMS, client.submit_and_wait(task)).field, "quality");
    let task = TaskDesc::new("echo").params(Params::MessagePack(b"\xc1 not MessagePack"));
    fails(Status::PARAMS, client.submit(task));
    fails(Status::PARAMS, params_from_json("{\"a\": 1, \"a\": 2}"));
}

#[test]
fn another_interface_version_is_refused() {
    let config =
        sys::p2c2r_runtime_config { abi_version: sys::P2C2R_ABI_VERSION + 1, ..Default::default() };
    let mut out = ptr::null_mut();
    // SAFETY: config and out live while the call runs.
    let status = unsafe { sys::p2c2r_runtime_create(&config, &mut out, ptr::null_mut()) };
    assert_eq!(status, sys::P2C2R_E_VERSION);
    assert!(out.is_null());
}
