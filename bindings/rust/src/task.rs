//! Tasks: what is asked, and what was accepted.
use std::ffi::CString;
use std::os::raw::c_void;
use std::ptr;

use crate::border::{c_text, given, guarded, taken};
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

/// A task to be; what is not said is the type's default.
pub struct TaskDesc<'a> {
    task_type: &'a str,
    data: Option<Payload<'a>>,
    params: Params<'a>,
    depends_on: &'a [u64],
    patches: Vec<sys::p2c2r_patch>,
    raw: sys::p2c2r_task_desc,
}

impl<'a> TaskDesc<'a> {
    pub fn new(task_type: &'a str) -> Self {
        let raw = Default::default();
        let (data, params, patches) = (None, Params::None, Vec::new());
        TaskDesc { task_type, data, params, depends_on: &[], patches, raw }
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

unsafe extern "C" fn done(user: *mut c_void, task: u64, result: *mut sys::p2c2r_result) {
    // SAFETY: each accepted task is told once; its result is ours.
    let (function, result) = unsafe { (taken::<DoneFn>(user), TaskResult::from_raw(result)) };
    if let Some(result) = result {
        let _ = guarded(|| function(task, result));
    }
}

/// A p2c2r_task_desc and what it points to, for one call. After a call that accepted it:
/// `accepted`. Dropped, everything is the host's as before.
pub(crate) struct RawDesc<'a> {
    pub raw: sys::p2c2r_task_desc,
    payload: Option<RawPayload>,
    _task_type: CString,
    _slices: TaskDesc<'a>,
}

impl<'a> RawDesc<'a> {
    pub fn new(mut desc: TaskDesc<'a>, function: Option<DoneFn>) -> Result<RawDesc<'a>> {
        let task_type = c_text("task_type", desc.task_type)?;
        let payload = desc.data.take().map(RawPayload::new);
        let mut raw = desc.raw;
        raw.task_type = task_type.as_ptr();
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
        if let Some(function) = function {
            raw.done = Some(done);
            raw.user = given(Box::new(function));
        }
        Ok(RawDesc { raw, payload, _task_type: task_type, _slices: desc })
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
            drop(unsafe { taken::<DoneFn>(self.raw.user) });
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
