//! The runtime: what the roles of this process stand on.
use std::os::raw::{c_char, c_void};
use std::ptr::{self, NonNull};
use std::sync::Arc;

use crate::border::{c_option, c_pointer, c_str_at, c_text, given, guarded, lent, taken, text_at};
use crate::bytes::{Payload, RawPayload};
use crate::constants::{Deliver, Gpu, LogLevel, RunMode};
use crate::error::{check, Result, Status, Why};
use crate::result::{written, TaskResult};
use crate::sys;

type LogFn = Box<dyn Fn(LogLevel, &str, &str) + Send + Sync>;
type NotifyFn = Box<dyn Fn() + Send + Sync>;
type ThreadFn = Box<dyn Fn(&str, bool) + Send + Sync>;

/// As p2c2r_runtime_config; the default of each field is the library's.
#[derive(Default)]
pub struct RuntimeConfig<'a> {
    pub run_mode: RunMode,
    pub deliver: Deliver,
    /// None: `Info`.
    pub log_level: Option<LogLevel>,
    pub gpu: Gpu,
    pub gpu_index: u32,
    /// 0: one per core; `NONE`: only `Runtime::work`.
    pub worker_threads: u32,
    pub memory_max: u64,
    pub cache_dir: Option<&'a str>,
    /// JSON.
    pub options: Option<&'a str>,
    /// Level, room and text; on any thread. It must be quick and must not call the library.
    pub log: Option<LogFn>,
    /// Something waits for dispatch or poll; on any thread, as `log`.
    pub notify: Option<NotifyFn>,
    /// At both ends of each thread of the library: its name, and whether it starts.
    pub thread: Option<ThreadFn>,
}

struct Hooks {
    log: Option<LogFn>,
    notify: Option<NotifyFn>,
    thread: Option<ThreadFn>,
}

unsafe extern "C" fn log(
    user: *mut c_void,
    level: i32,
    room: *const c_char,
    text: *const c_char,
    size: usize,
) {
    // SAFETY: here and below, user lives as long as the runtime, texts until this returns.
    let (hooks, room, text) = unsafe { (lent::<Hooks>(user), c_str_at(room), text_at(text, size)) };
    if let Some(function) = &hooks.log {
        let _ = guarded(|| function(level.into(), room, text));
    }
}

unsafe extern "C" fn notify(user: *mut c_void) {
    if let Some(function) = &unsafe { lent::<Hooks>(user) }.notify {
        let _ = guarded(function);
    }
}

unsafe extern "C" fn thread(user: *mut c_void, name: *const c_char, starts: i32) {
    let (hooks, name) = unsafe { (lent::<Hooks>(user), c_str_at(name)) };
    if let Some(function) = &hooks.thread {
        let _ = guarded(|| function(name, starts != 0));
    }
}

#[derive(Debug)]
struct Inner {
    handle: NonNull<sys::p2c2r_runtime>,
    hooks: *mut c_void,
}

// SAFETY: the library allows its handles on any thread; the hooks are Send and Sync.
unsafe impl Send for Inner {}
unsafe impl Sync for Inner {}

impl Drop for Inner {
    fn drop(&mut self) {
        let status = unsafe { sys::p2c2r_runtime_destroy(self.handle.as_ptr()) };
        // Refused inside a callback, or while a role lives that was: then its hooks live on, too.
        if status == sys::P2C2R_OK {
            // SAFETY: no thread of it is left.
            drop(unsafe { taken::<Hooks>(self.hooks) });
        }
    }
}

/// A runtime; clones are the same one. It is destroyed when the last of them and of its roles goes.
#[derive(Clone, Debug)]
pub struct Runtime(Arc<Inner>);

impl Runtime {
    pub fn new(config: RuntimeConfig<'_>) -> Result<Runtime> {
        let cache_dir = c_option("cache_dir", config.cache_dir)?;
        let options = c_option("options", config.options)?;
        let hooks = Hooks { log: config.log, notify: config.notify, thread: config.thread };
        let mut raw = sys::p2c2r_runtime_config {
            abi_version: sys::P2C2R_ABI_VERSION,
            run_mode: config.run_mode as i32,
            deliver: config.deliver as i32,
            log_level: config.log_level.map_or(0, i32::from),
            gpu: config.gpu as i32,
            gpu_index: config.gpu_index,
            worker_threads: config.worker_threads,
            memory_max: config.memory_max,
            cache_dir: c_pointer(&cache_dir),
            options: c_pointer(&options),
            ..Default::default()
        };
        if hooks.log.is_some() {
            raw.log = Some(log);
        }
        if hooks.notify.is_some() {
            raw.notify = Some(notify);
        }
        if hooks.thread.is_some() {
            raw.thread = Some(thread);
        }
        raw.user = given(Box::new(hooks));
        let mut handle = ptr::null_mut();
        let mut why = Why::new();
        let status = unsafe { sys::p2c2r_runtime_create(&raw, &mut handle, why.out()) };
        let made = why.check(status).map(|_| NonNull::new(handle));
        match made {
            Ok(Some(handle)) => Ok(Runtime(Arc::new(Inner { handle, hooks: raw.user }))),
            failed => {
                // SAFETY: there is no runtime that could call them.
                drop(unsafe { taken::<Hooks>(raw.user) });
                Err(failed.err().unwrap_or_else(|| Status::INTERNAL.into()))
            }
        }
    }

    pub(crate) fn raw(&self) -> *mut sys::p2c2r_runtime {
        self.0.handle.as_ptr()
    }

    /// Turns the loop once and dispatches; only with `RunMode::Manual`. Blocks.
    pub fn poll(&self, timeout_ms: u32) -> Result<()> {
        check(unsafe { sys::p2c2r_runtime_poll(self.raw(), timeout_ms) })?;
        Ok(())
    }

    /// Runs waiting callbacks of all roles here, at most so many and for about so long (0: no
    /// limit); says how many ran.
    pub fn dispatch(&self, callbacks_max: u32, budget_us: u32) -> Result<u32> {
        let mut run = 0;
        check(unsafe {
            sys::p2c2r_runtime_dispatch(self.raw(), callbacks_max, budget_us, &mut run)
        })?;
        Ok(run)
    }

    /// Lends this thread to executors; false when no job came. Blocks.
    pub fn work(&self, jobs_max: u32, timeout_ms: u32) -> Result<bool> {
        let status = unsafe { sys::p2c2r_runtime_work(self.raw(), jobs_max, timeout_ms) };
        if status == sys::P2C2R_E_AGAIN {
            return Ok(false);
        }
        check(status).map(|_| true)
    }

    /// For a foreign loop: poll when the descriptor is readable or so many ms have passed (-1:
    /// none).
    pub fn backend(&self) -> Result<(i32, i32)> {
        let (mut fd, mut timeout_ms) = (-1, -1);
        check(unsafe { sys::p2c2r_runtime_backend(self.raw(), &mut fd, &mut timeout_ms) })?;
        Ok((fd, timeout_ms))
    }

    pub fn wake(&self) -> Result<()> {
        check(unsafe { sys::p2c2r_runtime_wake(self.raw()) })?;
        Ok(())
    }

    /// A named question or command, as "devices", "task_types", "exec". Blocks.
    pub fn call<'a>(
        &self,
        name: &str,
        args_json: Option<&str>,
        input: Option<Payload<'a>>,
        timeout_ms: u32,
    ) -> Result<TaskResult> {
        let (name, args) = (c_text("name", name)?, c_option("args_json", args_json)?);
        let payload = input.map(RawPayload::new);
        let bytes = payload.as_ref().map_or(ptr::null(), |payload| &*payload.bytes);
        let mut out = ptr::null_mut();
        let mut why = Why::new();
        let status = unsafe {
            sys::p2c2r_runtime_call(
                self.raw(),
                name.as_ptr(),
                c_pointer(&args),
                bytes,
                timeout_ms,
                &mut out,
                why.out(),
            )
        };
        why.check(status)?;
        if let Some(payload) = payload {
            payload.kept();
        }
        unsafe { written(out) }
    }

    /// Returns when no run of the executor is left; `TIMEOUT` while jobs still run. Blocks.
    pub fn remove_executor(&self, task_type: &str, timeout_ms: u32) -> Result<()> {
        let task_type = c_text("task_type", task_type)?;
        check(unsafe {
            sys::p2c2r_runtime_remove_executor(self.raw(), task_type.as_ptr(), timeout_ms)
        })?;
        Ok(())
    }

    /// Destroys every role; what is left of them says `STALE`. `TIMEOUT`: an executor runs on;
    /// close again. Blocks.
    pub fn close(&self, timeout_ms: u32) -> Result<()> {
        check(unsafe { sys::p2c2r_runtime_close(self.raw(), timeout_ms) })?;
        Ok(())
    }
}

/// Version, compiler and parts of the library.
pub fn version_text() -> &'static str {
    // SAFETY: a static text.
    unsafe { c_str_at(sys::p2c2r_version_text()) }
}

/// The monotonic clock of every point in time that comes out.
pub fn now_us() -> u64 {
    unsafe { sys::p2c2r_now_us() }
}

/// Calls a function that says how much room it needs, then once more with that room.
fn converted(call: impl Fn(*mut u8, *mut usize, *mut sys::p2c2r_error) -> i32) -> Result<Vec<u8>> {
    let mut size = 0;
    let mut why = Why::new();
    let status = call(ptr::null_mut(), &mut size, why.out());
    if status != sys::P2C2R_E_SIZE {
        why.check(status)?;
    }
    let mut room = vec![0; size];
    let status = call(room.as_mut_ptr(), &mut size, why.out());
    why.check(status)?;
    room.truncate(size);
    Ok(room)
}

/// MessagePack of a map in JSON text.
pub fn params_from_json(json: &str) -> Result<Vec<u8>> {
    converted(|out, size, why| unsafe {
        sys::p2c2r_params_from_json(json.as_ptr().cast(), json.len(), out.cast(), size, why)
    })
}

/// JSON text of a map in MessagePack.
pub fn params_to_json(params: &[u8]) -> Result<String> {
    let json = converted(|out, size, why| unsafe {
        sys::p2c2r_params_to_json(params.as_ptr().cast(), params.len(), out.cast(), size, why)
    })?;
    String::from_utf8(json).map_err(|_| Status::INTERNAL.into())
}
