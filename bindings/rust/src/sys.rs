//! p2c2r.h as it is: its names, numbers, structs and functions, and nothing else. Tests compare
//! each of them with the header. What they mean is said there.
#![allow(non_camel_case_types)]

mod functions;
mod structs;

use std::os::raw::{c_char, c_void};

pub use functions::*;
pub use structs::*;

pub type p2c2r_status = i32;
pub type p2c2r_task = u64;
pub type p2c2r_content = u64;

pub const P2C2R_ABI_VERSION: u32 = 1;
pub const P2C2R_NONE: u32 = 0xFFFF_FFFF;
pub const P2C2R_ANY: u32 = 0xFFFF_FFFE;
pub const P2C2R_FOREVER: u64 = u64::MAX;

/// Constants, and in tests the list of them.
macro_rules! constants {
    ($($name:ident = $value:expr;)*) => {
        $(pub const $name: i32 = $value;)*
        #[cfg(test)]
        pub(crate) const ALL_CONSTANTS: &[(&str, i64)] = &[$((stringify!($name), $value),)*];
    };
}

constants! {
    P2C2R_OK = 0;
    P2C2R_PENDING = 1;
    P2C2R_E_ARGUMENT = -1;
    P2C2R_E_STATE = -2;
    P2C2R_E_STALE = -3;
    P2C2R_E_VERSION = -4;
    P2C2R_E_MEMORY = -5;
    P2C2R_E_AGAIN = -6;
    P2C2R_E_BUSY = -7;
    P2C2R_E_TIMEOUT = -8;
    P2C2R_E_DEADLINE = -9;
    P2C2R_E_CANCELLED = -10;
    P2C2R_E_DISCONNECTED = -11;
    P2C2R_E_CLOSED = -12;
    P2C2R_E_AUTH = -13;
    P2C2R_E_DENIED = -14;
    P2C2R_E_TASK_TYPE = -15;
    P2C2R_E_PARAMS = -16;
    P2C2R_E_LIMIT = -17;
    P2C2R_E_SIZE = -18;
    P2C2R_E_DISPUTED = -19;
    P2C2R_E_EXECUTOR = -20;
    P2C2R_E_DEVICE = -21;
    P2C2R_E_NO_DEVICE = -22;
    P2C2R_E_SANDBOX = -23;
    P2C2R_E_CONTENT = -24;
    P2C2R_E_KERNEL = -25;
    P2C2R_E_IO = -26;
    P2C2R_E_EXISTS = -27;
    P2C2R_E_UNSUPPORTED = -28;
    P2C2R_E_PROTOCOL = -29;
    P2C2R_E_INTERNAL = -30;
    P2C2R_LOG_ERROR = 1;
    P2C2R_LOG_WARN = 2;
    P2C2R_LOG_INFO = 3;
    P2C2R_LOG_DEBUG = 4;
    P2C2R_LOG_TRACE = 5;
    P2C2R_RUN_THREAD = 0;
    P2C2R_RUN_MANUAL = 1;
    P2C2R_DELIVER_ON_DISPATCH = 0;
    P2C2R_DELIVER_ON_LOOP = 1;
    P2C2R_GPU_AUTO = 0;
    P2C2R_GPU_OFF = 1;
    P2C2R_GPU_INDEX = 2;
    P2C2R_GPU_LENT = 3;
    P2C2R_FORMAT_MSGPACK = 0;
    P2C2R_FORMAT_JSON = 1;
    P2C2R_VERIFY_TYPE = 0;
    P2C2R_VERIFY_A = 1;
    P2C2R_VERIFY_B = 2;
    P2C2R_VERIFY_C = 3;
    P2C2R_VERIFY_D = 4;
    P2C2R_CIRCLE_TYPE = 0;
    P2C2R_CIRCLE_OWN = 1;
    P2C2R_CIRCLE_INVITED = 2;
    P2C2R_CIRCLE_PUBLIC = 3;
    P2C2R_PLACE_AUTO = 0;
    P2C2R_PLACE_REMOTE = 1;
    P2C2R_PLACE_LOCAL = 2;
    P2C2R_TASK_LOCAL_AT_DEADLINE = 2;
    P2C2R_TASK_NO_CACHE = 4;
    P2C2R_TASK_RESIDENT = 8;
    P2C2R_SPLIT_NEVER = 0;
    P2C2R_SPLIT_AUTO = -1;
    P2C2R_SOURCE_NONE = 0;
    P2C2R_SOURCE_PEER = 1;
    P2C2R_SOURCE_COORDINATOR = 2;
    P2C2R_SOURCE_LOCAL = 3;
    P2C2R_SOURCE_CACHE = 4;
    P2C2R_SOURCE_PREVIOUS = 5;
    P2C2R_SOURCE_HOST = 6;
    P2C2R_TEXT_MESSAGE = 0;
    P2C2R_TEXT_FIELD = 1;
    P2C2R_TEXT_TASK_ID = 2;
    P2C2R_TEXT_ALGORITHM = 3;
    P2C2R_TEXT_TASK_TYPE = 4;
    P2C2R_EXECUTOR_GPU = 1;
    P2C2R_EXECUTOR_SHORT = 2;
    P2C2R_EXECUTOR_EXACT = 4;
    P2C2R_JOB_CANCELLED = 1;
    P2C2R_JOB_YIELD = 2;
    P2C2R_JOB_ORPHAN = 4;
    P2C2R_FRAMES_NO_LOCAL = 1;
    P2C2R_FRAMES_NO_PREVIOUS = 2;
    P2C2R_QUALITY_FAST = 1;
    P2C2R_QUALITY_BALANCED = 2;
    P2C2R_QUALITY_QUALITY = 3;
    P2C2R_PIXEL_RGBA8 = 1;
    P2C2R_PIXEL_RGB8 = 2;
    P2C2R_PIXEL_JPEG = 16;
    P2C2R_PIXEL_PNG = 17;
    P2C2R_EVENT_STATE = 1;
    P2C2R_EVENT_PEERS = 2;
    P2C2R_EVENT_PEER_JOINED = 6;
    P2C2R_EVENT_PEER_LEFT = 7;
    P2C2R_EVENT_PEER_FAILED = 9;
    P2C2R_EVENT_ACCEPTS = 10;
    P2C2R_EVENT_CERTIFICATE = 11;
    P2C2R_MODE_ALWAYS = 0;
    P2C2R_MODE_IDLE = 1;
    P2C2R_MODE_WHILE_GAMING = 2;
    P2C2R_MODE_SCHEDULE = 3;
    P2C2R_STATE_CONNECTING = 0;
    P2C2R_STATE_CONNECTED = 1;
    P2C2R_STATE_CLOSED = 2;
    P2C2R_COORDINATOR_PLAINTEXT_ANYWHERE = 1;
}

/// Handles: never looked into.
macro_rules! opaque {
    ($($name:ident)*) => {
        $(#[repr(C)]
        pub struct $name {
            _private: [u8; 0],
        })*
    };
}

opaque! {
    p2c2r_runtime p2c2r_client p2c2r_peer p2c2r_coordinator p2c2r_frames p2c2r_result p2c2r_job
}

// ---- host functions ---------------------------------------------------------------------------

pub type p2c2r_release_fn =
    Option<unsafe extern "C" fn(user: *mut c_void, data: *const c_void, size: usize)>;
pub type p2c2r_event_fn =
    Option<unsafe extern "C" fn(user: *mut c_void, event: *const p2c2r_event)>;
pub type p2c2r_log_fn = Option<
    unsafe extern "C" fn(
        user: *mut c_void,
        level: i32,
        room: *const c_char,
        text: *const c_char,
        size: usize,
    ),
>;
pub type p2c2r_notify_fn = Option<unsafe extern "C" fn(user: *mut c_void)>;
pub type p2c2r_lock_fn = Option<unsafe extern "C" fn(user: *mut c_void, lock: i32)>;
pub type p2c2r_proc = Option<unsafe extern "C" fn()>;
pub type p2c2r_thread_fn =
    Option<unsafe extern "C" fn(user: *mut c_void, name: *const c_char, starts: i32)>;
pub type p2c2r_done_fn =
    Option<unsafe extern "C" fn(user: *mut c_void, task: p2c2r_task, result: *mut p2c2r_result)>;
pub type p2c2r_part_fn = Option<
    unsafe extern "C" fn(
        user: *mut c_void,
        task: p2c2r_task,
        part: *const p2c2r_part,
        result: *const p2c2r_result,
    ),
>;
pub type p2c2r_run_fn =
    Option<unsafe extern "C" fn(user: *mut c_void, job: *mut p2c2r_job) -> p2c2r_status>;
pub type p2c2r_cancel_fn = Option<unsafe extern "C" fn(user: *mut c_void, job: *mut p2c2r_job)>;
pub type p2c2r_destroy_fn = Option<unsafe extern "C" fn(user: *mut c_void)>;
pub type p2c2r_capture_fn =
    Option<unsafe extern "C" fn(user: *mut c_void, out: *mut p2c2r_image) -> p2c2r_status>;
pub type p2c2r_display_fn = Option<
    unsafe extern "C" fn(user: *mut c_void, image: *const p2c2r_image, answer: *const p2c2r_answer),
>;
pub type p2c2r_fallback_fn = Option<
    unsafe extern "C" fn(
        user: *mut c_void,
        frame: u64,
        left_us: u32,
        out: *mut p2c2r_bytes,
    ) -> p2c2r_status,
>;
