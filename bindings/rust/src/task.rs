//! Tasks: what is asked, and what was accepted.
use std::ffi::CString;
use std::os::raw::c_void;
use std::ptr;

use crate::border::{c_option, c_pointer, c_str_at, c_text, given, guarded, lent_mut, taken};
use crate::bytes::{Payload, RawPayload};
use crate::client::Client;
use crate::constants::{Circle, Place, Verify};
use crate::error::{Error, Result, Status};
use crate::result::TaskResult;
use crate::sys;

/// A map for a task.
#[derive(Clone, Copy, Debug)]
pub enum Params<'a> {
    None,
    Json(&'a str),
    MessagePack(&'a [u8]),
}

/// Into how many parts a task is cut, for several peers at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Split {
    #[default]
    Never,
    /// As many as pay.
    Auto,
    /// So many, or as many pieces as the task has.
    Parts(u16),
}

/// Which part of a task that was cut: its units are the `unit_count` of the whole's `units`
/// smallest pieces that begin at `first_unit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    pub index: u32,
    pub count: u32,
    pub first_unit: u64,
    pub unit_count: u64,
    pub units: u64,
    /// "rows", ...
    pub unit_name: &'static str,
}

/// A task to be; what is not said is the type's default.
pub struct TaskDesc<'a> {
    task_type: &'a str,
    data: Option<Payload<'a>>,
    params: Params<'a>,
    depends_on: &'a [u64],
    split_by: Option<&'a str>,
    patches: Vec<sys::p2c2r_patch>,
    raw: sys::p2c2r_task_desc,
}

impl<'a> TaskDesc<'a> {
    pub fn new(task_type: &'a str) -> Self {
        let raw = Default::default();
        let (data, params, patches) = (None, Params::None, Vec::new());
        TaskDesc { task_type, data, params, depends_on: &[], split_by: None, patches, raw }
    }

    pub fn data(mut self, data: impl Into<Payload<'a>>) -> Self {
        self.data = Some(data.into());
        self
    }

    /// The data is this content, and not bytes.
    pub fn content(mut self, content: &'a Content) -> Self {
        self.raw.content = content.id;
        self
    }

    /// For this task alone the content has other bytes at `offset`.
    pub fn patch(mut self, offset: u64, bytes: &'a [u8]) -> Self {
        let (data, size) = (bytes.as_ptr().cast(), bytes.len());
        self.patches.push(sys::p2c2r_patch { offset, data, size });
        self
    }

    pub fn params_json(mut self, json: &'a str) -> Self {
        self.params = Params::Json(json);
        self
    }

    pub fn params(mut self, params: Params<'a>) -> Self {
        self.params = params;
        self
    }

    /// From now; 0: the type's.
    pub fn deadline_us(mut self, deadline_us: u64) -> Self {
        self.raw.deadline_us = deadline_us;
        self
    }

    /// -128 .. 127, higher is more urgent among the tasks of one account.
    pub fn priority(mut self, priority: i32) -> Self {
        self.raw.priority = priority;
        self
    }

    pub fn verify(mut self, verify: Verify) -> Self {
        self.raw.verify = verify as i32;
        self
    }

    pub fn place(mut self, place: Place) -> Self {
        self.raw.place = place as i32;
        self
    }

    pub fn circle(mut self, circle: Circle) -> Self {
        self.raw.circle = circle as i32;
        self
    }

    /// This machine starts to compute when the remote answer would be too late otherwise.
    pub fn local_at_deadline(mut self) -> Self {
        self.raw.flags |= sys::P2C2R_TASK_LOCAL_AT_DEADLINE as u32;
        self
    }

    /// Computed anew, also where an equal task's answer is known.
    pub fn no_cache(mut self) -> Self {
        self.raw.flags |= sys::P2C2R_TASK_NO_CACHE as u32;
        self
    }

    /// Cut for several peers; the result is that of the whole, byte for byte.
    pub fn split(mut self, split: Split) -> Self {
        self.raw.split = match split {
            Split::Never => sys::P2C2R_SPLIT_NEVER,
            Split::Auto => sys::P2C2R_SPLIT_AUTO,
            Split::Parts(count) => count.into(),
        };
        self
    }

    /// How it is cut: "rows", ...; else the type's preferred way.
    pub fn split_by(mut self, way: &'a str) -> Self {
        self.split_by = Some(way);
        self
    }

    /// The data of the result stay where later tasks can use them: see `Client::put_result`.
    pub fn resident(mut self) -> Self {
        self.raw.flags |= sys::P2C2R_TASK_RESIDENT as u32;
        self
    }

    /// Tasks of the same client that must end well first.
    pub fn depends_on(mut self, tasks: &'a [u64]) -> Self {
        self.depends_on = tasks;
        self
    }
}

pub(crate) type DoneFn = Box<dyn FnOnce(u64, TaskResult) + Send>;
pub(crate) type PartFn = Box<dyn FnMut(u64, Part, TaskResult) + Send>;

/// What a task calls.
pub(crate) struct TaskFns {
    pub done: DoneFn,
    pub part: Option<PartFn>,
}

unsafe extern "C" fn done(user: *mut c_void, task: u64, result: *mut sys::p2c2r_result) {
    // SAFETY: each accepted task is told once; its result is ours.
    let (functions, result) = unsafe { (taken::<TaskFns>(user), TaskResult::from_raw(result)) };
    if let Some(result) = result {
        let _ = guarded(|| (functions.done)(task, result));
    }
}

unsafe extern "C" fn part(
    user: *mut c_void,
    task: u64,
    raw: *const sys::p2c2r_part,
    result: *const sys::p2c2r_result,
) {
    // SAFETY: a task's parts are told one after another, before its end; the part lives until this
    // returns and the text for ever; the result is counted.
    let (functions, raw) = unsafe { (lent_mut::<TaskFns>(user), &*raw) };
    let result = unsafe { TaskResult::from_raw(sys::p2c2r_result_retain(result)) };
    let (function, result) = match (functions.part.as_mut(), result) {
        (Some(function), Some(result)) => (function, result),
        _ => return,
    };
    let part = unsafe { part_of(raw) };
    let _ = guarded(|| function(task, part, result));
}

/// # Safety
/// `raw` is one that the library tells.
pub(crate) unsafe fn part_of(raw: &sys::p2c2r_part) -> Part {
    Part {
        index: raw.index,
        count: raw.count,
        first_unit: raw.first_unit,
        unit_count: raw.unit_count,
        units: raw.units,
        // SAFETY: the text is static.
        unit_name: unsafe { c_str_at(raw.unit_name) },
    }
}

/// A p2c2r_task_desc and what it points to, for one call. After a call that accepted it:
/// `accepted`. Dropped, everything is the host's as before.
pub(crate) struct RawDesc<'a> {
    pub raw: sys::p2c2r_task_desc,
    payload: Option<RawPayload>,
    _task_type: CString,
    _split_by: Option<CString>,
    _slices: TaskDesc<'a>,
}

impl<'a> RawDesc<'a> {
    pub fn new(mut desc: TaskDesc<'a>, functions: Option<TaskFns>) -> Result<RawDesc<'a>> {
        let task_type = c_text("task_type", desc.task_type)?;
        let split_by = c_option("split_by", desc.split_by)?;
        let payload = desc.data.take().map(RawPayload::new);
        let mut raw = desc.raw;
        raw.task_type = task_type.as_ptr();
        raw.split_by = c_pointer(&split_by);
        let params: &[u8] = match desc.params {
            Params::None => &[],
            Params::Json(json) => {
                raw.params_format = sys::P2C2R_FORMAT_JSON;
                json.as_bytes()
            }
            Params::MessagePack(packed) => packed,
        };
        raw.params = params.as_ptr().cast();
        raw.params_size = params.len();
        raw.data = payload.as_ref().map_or(ptr::null(), |payload| &*payload.bytes);
        raw.depends_on = desc.depends_on.as_ptr();
        raw.depends_count = u32::try_from(desc.depends_on.len())
            .map_err(|_| Error::new(Status::ARGUMENT, "depends_on", "too many tasks"))?;
        raw.patches = desc.patches.as_ptr();
        raw.patch_count = desc.patches.len();
        if let Some(functions) = functions {
            raw.done = Some(done);
            if functions.part.is_some() {
                raw.part = Some(part);
            }
            raw.user = given(Box::new(functions));
        }
        let (_task_type, _split_by) = (task_type, split_by);
        Ok(RawDesc { raw, payload, _task_type, _split_by, _slices: desc })
    }

    pub fn accepted(mut self) {
        self.raw.done = None;
        if let Some(payload) = self.payload.take() {
            payload.kept();
        }
    }
}

impl Drop for RawDesc<'_> {
    fn drop(&mut self) {
        if self.raw.done.is_some() {
            // SAFETY: the task was not accepted, so it is never told.
            drop(unsafe { taken::<TaskFns>(self.raw.user) });
        }
    }
}

/// An input that stays: it travels once, and tasks refer to it. Dropped, no further task may; those
/// that were submitted go on.
#[derive(Debug)]
pub struct Content {
    pub(crate) client: Client,
    pub(crate) id: u64,
}

impl Content {
    /// Its bytes, as the data of a result. Blocks where they are away.
    pub fn get(&self, timeout_ms: u32) -> Result<TaskResult> {
        self.client.get_content(self.id, timeout_ms)
    }
}

impl Drop for Content {
    fn drop(&mut self) {
        self.client.drop_content(self.id);
    }
}

/// A task that was accepted: it ends once, however that may be. Dropping this changes nothing for
/// it; its result then waits until the client goes.
#[derive(Clone, Debug)]
pub struct Task {
    pub(crate) client: Client,
    pub(crate) id: u64,
}

impl Task {
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The result, or None while it runs. The answer comes once: then `STALE`.
    pub fn poll(&self) -> Result<Option<TaskResult>> {
        self.client.poll(self.id)
    }

    /// The result, good or bad, or None when the time has passed. Blocks.
    pub fn wait(&self, timeout_us: u64) -> Result<Option<TaskResult>> {
        self.client.get_result(self.id, timeout_us)
    }

    /// The good result, or the error; blocks until it has ended.
    pub fn result(&self) -> Result<TaskResult> {
        match self.wait(sys::P2C2R_FOREVER)? {
            Some(result) => result.check(),
            None => Err(Status::TIMEOUT.into()),
        }
    }

    /// A request: the task still ends. `STALE` when it has ended.
    pub fn cancel(&self) -> Result<()> {
        self.client.cancel(self.id)
    }

    /// Cancels; nothing is told any more.
    pub fn forget(&self) -> Result<()> {
        self.client.forget(self.id)
    }
}
