//! The structs, field by field in the order of the header.
use std::mem;
use std::os::raw::{c_char, c_void};

use super::*;

/// A struct, and in tests its layout.
macro_rules! plain {
    ($name:ident { $($field:ident: $kind:ty,)* }) => {
        #[repr(C)]
        #[derive(Clone, Copy, Debug)]
        pub struct $name {
            $(pub $field: $kind,)*
        }

        #[cfg(test)]
        impl crate::layout_test::Described for $name {
            const NAME: &'static str = stringify!($name);
            fn fields() -> Vec<(&'static str, usize, usize)> {
                let place = mem::MaybeUninit::<$name>::uninit();
                let start = place.as_ptr();
                vec![$({
                    // SAFETY: the address of a field of memory of the struct's size.
                    let field = unsafe { std::ptr::addr_of!((*start).$field) };
                    (stringify!($field), field as usize - start as usize, mem::size_of::<$kind>())
                },)*]
            }
        }
    };
}

/// A struct that says how large it is. Its default is all zero but for that.
macro_rules! growing {
    ($name:ident { $($field:ident: $kind:ty,)* }) => {
        plain! { $name { struct_size: u32, $($field: $kind,)* } }

        impl Default for $name {
            fn default() -> Self {
                // SAFETY: numbers, pointers and optional functions may all be zero.
                let zero: Self = unsafe { mem::zeroed() };
                Self { struct_size: mem::size_of::<Self>() as u32, ..zero }
            }
        }
    };
}

plain! { p2c2r_bytes {
    data: *const c_void,
    size: usize,
    release: p2c2r_release_fn,
    user: *mut c_void,
} }

plain! { p2c2r_error {
    status: p2c2r_status,
    retry_after_ms: u32,
    field: [c_char; 56],
    text: [c_char; 192],
} }

/// The header has no names for these two.
pub type p2c2r_allocate_fn =
    Option<unsafe extern "C" fn(user: *mut c_void, size: usize, align: usize) -> *mut c_void>;
pub type p2c2r_deallocate_fn =
    Option<unsafe extern "C" fn(user: *mut c_void, data: *mut c_void, size: usize, align: usize)>;

plain! { p2c2r_patch {
    offset: u64,
    data: *const c_void,
    size: usize,
} }

plain! { p2c2r_allocator {
    allocate: p2c2r_allocate_fn,
    deallocate: p2c2r_deallocate_fn,
    user: *mut c_void,
    reserved: *mut c_void,
} }

growing! { p2c2r_event {
    r#type: i32,
    status: p2c2r_status,
    flags: u32,
    number: u64,
    subject: *const c_char,
    text: *const c_char,
} }

growing! { p2c2r_part {
    index: u32,
    count: u32,
    flags: u32,
    first_unit: u64,
    unit_count: u64,
    units: u64,
    unit_name: *const c_char,
    reserved: *mut c_void,
} }

growing! { p2c2r_vulkan_host {
    api_version: u32,
    queue_family: u32,
    reserved0: u32,
    instance: *mut c_void,
    physical_device: *mut c_void,
    device: *mut c_void,
    queue: *mut c_void,
    get_instance_proc_addr: p2c2r_proc,
    queue_lock: p2c2r_lock_fn,
    user: *mut c_void,
    reserved: *mut c_void,
} }

growing! { p2c2r_runtime_config {
    abi_version: u32,
    run_mode: i32,
    deliver: i32,
    log_level: i32,
    gpu: i32,
    gpu_index: u32,
    worker_threads: u32,
    memory_max: u64,
    cache_dir: *const c_char,
    options: *const c_char,
    allocator: *const p2c2r_allocator,
    log: p2c2r_log_fn,
    notify: p2c2r_notify_fn,
    thread: p2c2r_thread_fn,
    user: *mut c_void,
    reserved: *mut c_void,
    vulkan: *const p2c2r_vulkan_host,
    reserved1: *mut c_void,
} }

growing! { p2c2r_executor_desc {
    flags: u32,
    parallel_max: u32,
    reserved0: u32,
    task_type: *const c_char,
    run: p2c2r_run_fn,
    cancel: p2c2r_cancel_fn,
    destroy: p2c2r_destroy_fn,
    user: *mut c_void,
    reserved: *mut c_void,
} }

growing! { p2c2r_credentials {
    reserved0: u32,
    server_pin: [u8; 32],
    ca_file: *const c_char,
    identity_file: *const c_char,
    token: *const c_void,
    token_size: usize,
    invite: *const c_void,
    invite_size: usize,
} }

growing! { p2c2r_client_config {
    tasks_max: u32,
    bytes_max: u64,
    deliver: i32,
    connect_timeout_ms: u32,
    reconnect_attempts: u32,
    flags: u32,
    local: *mut p2c2r_coordinator,
    coordinator_url: *const c_char,
    client_id: *const c_char,
    options: *const c_char,
    event: p2c2r_event_fn,
    user: *mut c_void,
    credentials: *const p2c2r_credentials,
    reserved: *mut c_void,
} }

growing! { p2c2r_task_desc {
    flags: u32,
    deadline_us: u64,
    priority: i32,
    verify: i32,
    place: i32,
    circle: i32,
    params_format: i32,
    depends_count: u32,
    task_type: *const c_char,
    params: *const c_void,
    params_size: usize,
    data: *const p2c2r_bytes,
    output: *mut c_void,
    output_size: usize,
    done: p2c2r_done_fn,
    user: *mut c_void,
    depends_on: *const p2c2r_task,
    reserved: *mut c_void,
    content: p2c2r_content,
    patches: *const p2c2r_patch,
    patch_count: usize,
    split: i32,
    reserved1: u32,
    split_by: *const c_char,
    part: p2c2r_part_fn,
} }

growing! { p2c2r_client_stats {
    state: i32,
    peers_available: u32,
    peers_total: u32,
    tasks_pending: u32,
    results_waiting: u32,
    submitted: u64,
    completed: u64,
    failed: u64,
    cancelled: u64,
    local: u64,
    reconnects: u64,
    bytes_sent: u64,
    bytes_received: u64,
    p50_us: u64,
    p95_us: u64,
    p99_us: u64,
    kept_here: u64,
    trials: u64,
    cut: u64,
    parts: u64,
    held_back: u64,
} }

growing! { p2c2r_result_info {
    status: p2c2r_status,
    source: i32,
    attempts: u32,
    total_us: u64,
    queue_us: u64,
    processing_us: u64,
    network_us: u64,
    retry_after_ms: u32,
    flags: u32,
    bytes_received: u64,
    resident_size: u64,
} }

growing! { p2c2r_image {
    format: i32,
    width: u32,
    height: u32,
    stride: u32,
    flags: u32,
    bytes: p2c2r_bytes,
} }

growing! { p2c2r_answer {
    source: i32,
    quality: i32,
    quality_next: i32,
    frame: u64,
    answers_frame: u64,
    used_us: u32,
    late_count: u32,
    result: *mut p2c2r_result,
    reserved: *mut c_void,
    age_us: u64,
    parts: u32,
    parts_came: u32,
} }

growing! { p2c2r_frame_form {
    quality: i32,
    params: *const c_void,
    params_size: usize,
} }

growing! { p2c2r_frames_config {
    budget_us: u32,
    pipeline_max: u32,
    window: u32,
    age_max: u32,
    quality: i32,
    flags: u32,
    output_width: u32,
    output_height: u32,
    reserved0: u32,
    capture: p2c2r_capture_fn,
    display: p2c2r_display_fn,
    fallback: p2c2r_fallback_fn,
    user: *mut c_void,
} }

growing! { p2c2r_capabilities {
    cpu_cores: u32,
    ram_mb: u32,
    gpu_vram_mb: u32,
    gpu: i32,
    network_kbps: u32,
    gpu_model: *const c_char,
    task_types: *const c_char,
    location: *const c_char,
    reserved: *mut c_void,
    speed_milli: u32,
    reserved0: u32,
} }

growing! { p2c2r_peer_config {
    max_concurrent_tasks: u32,
    deliver: i32,
    reconnect_attempts: u32,
    prefetch_tasks: u32,
    flags: u32,
    local: *mut p2c2r_coordinator,
    coordinator_url: *const c_char,
    peer_id: *const c_char,
    options: *const c_char,
    capabilities: *const p2c2r_capabilities,
    event: p2c2r_event_fn,
    user: *mut c_void,
    credentials: *const p2c2r_credentials,
} }

growing! { p2c2r_peer_stats {
    state: i32,
    running: u32,
    waiting: u32,
    slots_free: u32,
    load_permille: u32,
    paused: u32,
    reserved0: u32,
    completed: u64,
    failed: u64,
    compute_us: u64,
    bytes_in: u64,
    bytes_out: u64,
    reconnects: u64,
    accepts: u32,
    mode: i32,
    duty_cap_permille: u32,
    duty_used_permille: u32,
    worked_us: u64,
    data_day_bytes: u64,
    data_month_bytes: u64,
    handed_back: u64,
} }

growing! { p2c2r_coordinator_config {
    listen_port: u32,
    max_peers: u32,
    task_timeout_ms: u32,
    heartbeat_interval_ms: u32,
    prometheus_port: u32,
    memory_max: u64,
    deliver: i32,
    flags: u32,
    listen_address: *const c_char,
    options: *const c_char,
    event: p2c2r_event_fn,
    user: *mut c_void,
    certificate_file: *const c_char,
    key_file: *const c_char,
    access_file: *const c_char,
    audit_file: *const c_char,
} }

growing! { p2c2r_coordinator_stats {
    active_peers: u32,
    clients: u32,
    pending_tasks: u32,
    completed_tasks: u64,
    failed_tasks: u64,
    cancelled_tasks: u64,
    retries: u64,
    timeouts: u64,
    peer_failures: u64,
    local_tasks: u64,
    p50_us: u64,
    p95_us: u64,
    p99_us: u64,
    queue_p99_us: u64,
    bytes_in: u64,
    bytes_out: u64,
    payload_bytes_copied: u64,
    utilisation_permille: u32,
    flags: u32,
    audit_lost: u64,
} }
