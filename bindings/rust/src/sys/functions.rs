//! The functions in the order of the header.
use std::os::raw::{c_char, c_void};

use super::*;

extern "C" {
    pub fn p2c2r_abi_version() -> u32;
    pub fn p2c2r_version_text() -> *const c_char;
    pub fn p2c2r_status_name(status: p2c2r_status) -> *const c_char;
    pub fn p2c2r_status_text(status: p2c2r_status) -> *const c_char;
    pub fn p2c2r_now_us() -> u64;
    pub fn p2c2r_params_from_json(
        json: *const c_char,
        size: usize,
        out: *mut c_void,
        out_size: *mut usize,
        why: *mut p2c2r_error,
    ) -> p2c2r_status;
    pub fn p2c2r_params_to_json(
        params: *const c_void,
        size: usize,
        out: *mut c_char,
        out_size: *mut usize,
        why: *mut p2c2r_error,
    ) -> p2c2r_status;
    pub fn p2c2r_runtime_create(
        config: *const p2c2r_runtime_config,
        out: *mut *mut p2c2r_runtime,
        why: *mut p2c2r_error,
    ) -> p2c2r_status;
    pub fn p2c2r_runtime_poll(runtime: *mut p2c2r_runtime, timeout_ms: u32) -> p2c2r_status;
    pub fn p2c2r_runtime_dispatch(
        runtime: *mut p2c2r_runtime,
        callbacks_max: u32,
        budget_us: u32,
        run: *mut u32,
    ) -> p2c2r_status;
    pub fn p2c2r_runtime_work(
        runtime: *mut p2c2r_runtime,
        jobs_max: u32,
        timeout_ms: u32,
    ) -> p2c2r_status;
    pub fn p2c2r_runtime_backend(
        runtime: *mut p2c2r_runtime,
        fd: *mut i32,
        timeout_ms: *mut i32,
    ) -> p2c2r_status;
    pub fn p2c2r_runtime_wake(runtime: *mut p2c2r_runtime) -> p2c2r_status;
    pub fn p2c2r_runtime_call(
        runtime: *mut p2c2r_runtime,
        name: *const c_char,
        args_json: *const c_char,
        input: *const p2c2r_bytes,
        timeout_ms: u32,
        out: *mut *mut p2c2r_result,
        why: *mut p2c2r_error,
    ) -> p2c2r_status;
    pub fn p2c2r_runtime_close(runtime: *mut p2c2r_runtime, timeout_ms: u32) -> p2c2r_status;
    pub fn p2c2r_runtime_destroy(runtime: *mut p2c2r_runtime) -> p2c2r_status;
    pub fn p2c2r_runtime_add_executor(
        runtime: *mut p2c2r_runtime,
        desc: *const p2c2r_executor_desc,
        why: *mut p2c2r_error,
    ) -> p2c2r_status;
    pub fn p2c2r_runtime_remove_executor(
        runtime: *mut p2c2r_runtime,
        task_type: *const c_char,
        timeout_ms: u32,
    ) -> p2c2r_status;
    pub fn p2c2r_job_input(job: *mut p2c2r_job, index: u32, size: *mut usize) -> *const c_void;
    pub fn p2c2r_job_params(job: *mut p2c2r_job, format: i32, size: *mut usize) -> *const c_void;
    pub fn p2c2r_job_task_type(job: *mut p2c2r_job) -> *const c_char;
    pub fn p2c2r_job_state(job: *mut p2c2r_job) -> u32;
    pub fn p2c2r_job_left_us(job: *mut p2c2r_job) -> u64;
    pub fn p2c2r_job_output_alloc(
        job: *mut p2c2r_job,
        size: usize,
        out: *mut *mut c_void,
    ) -> p2c2r_status;
    pub fn p2c2r_job_output_adopt(job: *mut p2c2r_job, bytes: *const p2c2r_bytes) -> p2c2r_status;
    pub fn p2c2r_job_output_fields(
        job: *mut p2c2r_job,
        format: i32,
        data: *const c_void,
        size: usize,
    ) -> p2c2r_status;
    pub fn p2c2r_job_explain(
        job: *mut p2c2r_job,
        field: *const c_char,
        text: *const c_char,
    ) -> p2c2r_status;
    pub fn p2c2r_job_finish(job: *mut p2c2r_job, status: p2c2r_status) -> p2c2r_status;
    pub fn p2c2r_job_retain(job: *mut p2c2r_job) -> *mut p2c2r_job;
    pub fn p2c2r_job_release(job: *mut p2c2r_job);
    pub fn p2c2r_client_create(
        runtime: *mut p2c2r_runtime,
        config: *const p2c2r_client_config,
        out: *mut *mut p2c2r_client,
        why: *mut p2c2r_error,
    ) -> p2c2r_status;
    pub fn p2c2r_client_connect(
        client: *mut p2c2r_client,
        timeout_ms: u32,
        why: *mut p2c2r_error,
    ) -> p2c2r_status;
    pub fn p2c2r_client_submit(
        client: *mut p2c2r_client,
        desc: *const p2c2r_task_desc,
        out: *mut p2c2r_task,
        why: *mut p2c2r_error,
    ) -> p2c2r_status;
    pub fn p2c2r_client_submit_many(
        client: *mut p2c2r_client,
        descs: *const p2c2r_task_desc,
        count: u32,
        out: *mut p2c2r_task,
        accepted: *mut u32,
        why: *mut p2c2r_error,
    ) -> p2c2r_status;
    pub fn p2c2r_client_put(
        client: *mut p2c2r_client,
        bytes: *const p2c2r_bytes,
        out: *mut p2c2r_content,
        why: *mut p2c2r_error,
    ) -> p2c2r_status;
    pub fn p2c2r_client_drop(client: *mut p2c2r_client, content: p2c2r_content) -> p2c2r_status;
    pub fn p2c2r_client_put_result(
        client: *mut p2c2r_client,
        result: *const p2c2r_result,
        out: *mut p2c2r_content,
        why: *mut p2c2r_error,
    ) -> p2c2r_status;
    pub fn p2c2r_client_get_content(
        client: *mut p2c2r_client,
        content: p2c2r_content,
        timeout_ms: u32,
        out: *mut *mut p2c2r_result,
        why: *mut p2c2r_error,
    ) -> p2c2r_status;
    pub fn p2c2r_client_cancel(client: *mut p2c2r_client, task: p2c2r_task) -> p2c2r_status;
    pub fn p2c2r_client_forget(client: *mut p2c2r_client, task: p2c2r_task) -> p2c2r_status;
    pub fn p2c2r_client_keep(
        client: *mut p2c2r_client,
        task: p2c2r_task,
        tasks: *const p2c2r_task,
        count: u32,
        why: *mut p2c2r_error,
    ) -> p2c2r_status;
    pub fn p2c2r_client_poll(
        client: *mut p2c2r_client,
        task: p2c2r_task,
        out: *mut *mut p2c2r_result,
    ) -> p2c2r_status;
    pub fn p2c2r_client_wait(
        client: *mut p2c2r_client,
        tasks: *const p2c2r_task,
        count: u32,
        timeout_us: u64,
        which: *mut u32,
    ) -> p2c2r_status;
    pub fn p2c2r_client_get_result(
        client: *mut p2c2r_client,
        task: p2c2r_task,
        timeout_us: u64,
        out: *mut *mut p2c2r_result,
    ) -> p2c2r_status;
    pub fn p2c2r_client_submit_and_wait(
        client: *mut p2c2r_client,
        desc: *const p2c2r_task_desc,
        out: *mut *mut p2c2r_result,
        why: *mut p2c2r_error,
    ) -> p2c2r_status;
    pub fn p2c2r_client_dispatch(
        client: *mut p2c2r_client,
        callbacks_max: u32,
        budget_us: u32,
        run: *mut u32,
    ) -> p2c2r_status;
    pub fn p2c2r_client_stats_get(
        client: *mut p2c2r_client,
        out: *mut p2c2r_client_stats,
    ) -> p2c2r_status;
    pub fn p2c2r_client_call(
        client: *mut p2c2r_client,
        name: *const c_char,
        args_json: *const c_char,
        timeout_ms: u32,
        out: *mut *mut p2c2r_result,
        why: *mut p2c2r_error,
    ) -> p2c2r_status;
    pub fn p2c2r_client_destroy(client: *mut p2c2r_client) -> p2c2r_status;
    pub fn p2c2r_result_status(result: *const p2c2r_result) -> p2c2r_status;
    pub fn p2c2r_result_info_get(
        result: *const p2c2r_result,
        out: *mut p2c2r_result_info,
    ) -> p2c2r_status;
    pub fn p2c2r_result_data(result: *const p2c2r_result, size: *mut usize) -> *const c_void;
    pub fn p2c2r_result_fields(
        result: *const p2c2r_result,
        format: i32,
        size: *mut usize,
    ) -> *const c_void;
    pub fn p2c2r_result_text(
        result: *const p2c2r_result,
        which: i32,
        size: *mut usize,
    ) -> *const c_char;
    pub fn p2c2r_result_digest(result: *const p2c2r_result, digest: *mut u8) -> p2c2r_status;
    pub fn p2c2r_result_image(result: *const p2c2r_result, out: *mut p2c2r_image) -> p2c2r_status;
    pub fn p2c2r_result_apply_delta(
        result: *const p2c2r_result,
        before: *const c_void,
        before_size: usize,
        out: *mut c_void,
        out_size: *mut usize,
        why: *mut p2c2r_error,
    ) -> p2c2r_status;
    pub fn p2c2r_result_retain(result: *const p2c2r_result) -> *mut p2c2r_result;
    pub fn p2c2r_result_release(result: *const p2c2r_result);
    pub fn p2c2r_frames_create(
        client: *mut p2c2r_client,
        config: *const p2c2r_frames_config,
        out: *mut *mut p2c2r_frames,
        why: *mut p2c2r_error,
    ) -> p2c2r_status;
    pub fn p2c2r_frames_push(
        frames: *mut p2c2r_frames,
        desc: *const p2c2r_task_desc,
        frame: *mut u64,
        why: *mut p2c2r_error,
    ) -> p2c2r_status;
    pub fn p2c2r_frames_push_forms(
        frames: *mut p2c2r_frames,
        desc: *const p2c2r_task_desc,
        quality: i32,
        forms: *const p2c2r_frame_form,
        count: u32,
        frame: *mut u64,
        why: *mut p2c2r_error,
    ) -> p2c2r_status;
    pub fn p2c2r_frames_pull(
        frames: *mut p2c2r_frames,
        frame: u64,
        budget_us: u32,
        out: *mut p2c2r_answer,
    ) -> p2c2r_status;
    pub fn p2c2r_frames_step(
        frames: *mut p2c2r_frames,
        budget_us: u32,
        out: *mut p2c2r_answer,
    ) -> p2c2r_status;
    pub fn p2c2r_frames_destroy(frames: *mut p2c2r_frames) -> p2c2r_status;
    pub fn p2c2r_client_submit_frame_for_upscaling(
        client: *mut p2c2r_client,
        frame: *const p2c2r_image,
        width: u32,
        height: u32,
        quality: i32,
        out: *mut p2c2r_task,
        why: *mut p2c2r_error,
    ) -> p2c2r_status;
    pub fn p2c2r_client_get_upscaled_frame(
        client: *mut p2c2r_client,
        task: p2c2r_task,
        timeout_us: u64,
        view: *mut p2c2r_image,
        out: *mut *mut p2c2r_result,
    ) -> p2c2r_status;
    pub fn p2c2r_peer_create(
        runtime: *mut p2c2r_runtime,
        config: *const p2c2r_peer_config,
        out: *mut *mut p2c2r_peer,
        why: *mut p2c2r_error,
    ) -> p2c2r_status;
    pub fn p2c2r_peer_start(peer: *mut p2c2r_peer, why: *mut p2c2r_error) -> p2c2r_status;
    pub fn p2c2r_peer_pause(peer: *mut p2c2r_peer) -> p2c2r_status;
    pub fn p2c2r_peer_resume(peer: *mut p2c2r_peer) -> p2c2r_status;
    pub fn p2c2r_peer_activity(peer: *mut p2c2r_peer, active: i32) -> p2c2r_status;
    pub fn p2c2r_peer_set_speed(peer: *mut p2c2r_peer, speed_milli: u32) -> p2c2r_status;
    pub fn p2c2r_peer_why(
        peer: *mut p2c2r_peer,
        out: *mut c_char,
        out_size: *mut usize,
    ) -> p2c2r_status;
    pub fn p2c2r_peer_capabilities(
        peer: *mut p2c2r_peer,
        out: *mut p2c2r_capabilities,
    ) -> p2c2r_status;
    pub fn p2c2r_peer_id(
        peer: *mut p2c2r_peer,
        out: *mut c_char,
        out_size: *mut usize,
    ) -> p2c2r_status;
    pub fn p2c2r_peer_stats_get(peer: *mut p2c2r_peer, out: *mut p2c2r_peer_stats) -> p2c2r_status;
    pub fn p2c2r_peer_drain(peer: *mut p2c2r_peer, timeout_ms: u32) -> p2c2r_status;
    pub fn p2c2r_peer_destroy(peer: *mut p2c2r_peer) -> p2c2r_status;
    pub fn p2c2r_coordinator_create(
        runtime: *mut p2c2r_runtime,
        config: *const p2c2r_coordinator_config,
        out: *mut *mut p2c2r_coordinator,
        why: *mut p2c2r_error,
    ) -> p2c2r_status;
    pub fn p2c2r_coordinator_start(
        coordinator: *mut p2c2r_coordinator,
        why: *mut p2c2r_error,
    ) -> p2c2r_status;
    pub fn p2c2r_coordinator_port(
        coordinator: *mut p2c2r_coordinator,
        port: *mut u32,
        monitoring_port: *mut u32,
    ) -> p2c2r_status;
    pub fn p2c2r_coordinator_stats_get(
        coordinator: *mut p2c2r_coordinator,
        out: *mut p2c2r_coordinator_stats,
    ) -> p2c2r_status;
    pub fn p2c2r_coordinator_call(
        coordinator: *mut p2c2r_coordinator,
        name: *const c_char,
        args_json: *const c_char,
        timeout_ms: u32,
        out: *mut *mut p2c2r_result,
        why: *mut p2c2r_error,
    ) -> p2c2r_status;
    pub fn p2c2r_coordinator_drain(
        coordinator: *mut p2c2r_coordinator,
        timeout_ms: u32,
    ) -> p2c2r_status;
    pub fn p2c2r_coordinator_destroy(coordinator: *mut p2c2r_coordinator) -> p2c2r_status;
}
