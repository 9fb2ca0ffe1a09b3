//! What an executor sees of its job.
use std::any::Any;
use std::ffi::CString;
use std::ops::Deref;
use std::os::raw::c_void;
use std::ptr::{self, NonNull};
use std::slice;

use crate::border::{bytes_at, c_str_at};
use crate::bytes::{Payload, RawPayload};
use crate::error::{check, Error, Result, Status};
use crate::sys;

/// How a job failed: status, the params field it is about or "", and a sentence. Any error becomes
/// one with `?`: an `Error` of this package keeps its status and field, others are `EXECUTOR`.
#[derive(Clone, Debug)]
pub struct JobError {
    pub status: Status,
    pub field: String,
    pub text: String,
}

impl JobError {
    pub fn new(status: Status, field: &str, text: &str) -> JobError {
        JobError { status, field: field.to_string(), text: text.to_string() }
    }
}

impl<E: std::error::Error + 'static> From<E> for JobError {
    fn from(error: E) -> JobError {
        match (&error as &dyn Any).downcast_ref::<Error>() {
            Some(own) => JobError::new(own.status, &own.field, &own.text),
            None => JobError::new(Status::EXECUTOR, "", &error.to_string()),
        }
    }
}

/// A job while its executor runs; or what a `PendingJob` shows of itself.
#[derive(Debug)]
pub struct Job(NonNull<sys::p2c2r_job>);

// SAFETY: the library allows every function of a job on any thread; what writes takes &mut.
unsafe impl Send for Job {}
unsafe impl Sync for Job {}

impl Job {
    /// # Safety
    /// `raw` is a job that lives as long as this object.
    pub(crate) unsafe fn from_raw(raw: *mut sys::p2c2r_job) -> Job {
        Job(NonNull::new(raw).expect("the library gives a job"))
    }

    fn raw(&self) -> *mut sys::p2c2r_job {
        self.0.as_ptr()
    }

    /// The task's bytes, where they lie.
    pub fn input(&self) -> &[u8] {
        let mut size = 0;
        // SAFETY: here and below, the job lives, and its input with it.
        unsafe {
            let data = sys::p2c2r_job_input(self.raw(), 0, &mut size);
            bytes_at(data, size)
        }
    }

    fn params(&self, format: i32) -> Result<&[u8]> {
        let mut size = 0;
        unsafe {
            let data = sys::p2c2r_job_params(self.raw(), format, &mut size);
            if data.is_null() {
                return Err(Error::new(Status::PARAMS, "params", "the params are not a map"));
            }
            Ok(bytes_at(data, size))
        }
    }

    /// The params as JSON text, "{}" when there are none.
    pub fn params_json(&self) -> Result<&str> {
        Ok(std::str::from_utf8(self.params(sys::P2C2R_FORMAT_JSON)?).unwrap_or("{}"))
    }

    /// The params as they travelled.
    pub fn params_msgpack(&self) -> Result<&[u8]> {
        self.params(sys::P2C2R_FORMAT_MSGPACK)
    }

    pub fn task_type(&self) -> &str {
        unsafe { c_str_at(sys::p2c2r_job_task_type(self.raw())) }
    }

    fn state(&self) -> i32 {
        unsafe { sys::p2c2r_job_state(self.raw()) as i32 }
    }

    /// Nobody wants the answer any more: ask between slices of work.
    pub fn cancelled(&self) -> bool {
        self.state() & sys::P2C2R_JOB_CANCELLED != 0
    }

    /// The owner of the machine wants it: begin nothing more until this is false again.
    pub fn must_yield(&self) -> bool {
        self.state() & sys::P2C2R_JOB_YIELD != 0
    }

    /// The role it ran for is gone; `finish` will say `STALE`.
    pub fn orphan(&self) -> bool {
        self.state() & sys::P2C2R_JOB_ORPHAN != 0
    }

    /// Microseconds until its deadline; None: it has none.
    pub fn left_us(&self) -> Option<u64> {
        let left = unsafe { sys::p2c2r_job_left_us(self.raw()) };
        (left != sys::P2C2R_FOREVER).then_some(left)
    }

    /// The same number for each object of the same job.
    pub fn key(&self) -> usize {
        self.raw() as usize
    }

    /// The result's bytes, zeroed, to be filled in place. Again: what was there before is dropped.
    pub fn output(&mut self, size: usize) -> Result<&mut [u8]> {
        let mut data: *mut c_void = ptr::null_mut();
        check(unsafe { sys::p2c2r_job_output_alloc(self.raw(), size, &mut data) })?;
        if size == 0 {
            return Ok(&mut []);
        }
        // SAFETY: it is this job's until the job ends, which takes &mut of it or is over.
        Ok(unsafe { slice::from_raw_parts_mut(data.cast(), size) })
    }

    /// The result's bytes as they are.
    pub fn give_output<'a>(&mut self, data: impl Into<Payload<'a>>) -> Result<()> {
        let payload = RawPayload::new(data.into());
        check(unsafe { sys::p2c2r_job_output_adopt(self.raw(), &*payload.bytes) })?;
        payload.kept();
        Ok(())
    }

    fn set_fields(&mut self, format: i32, data: &[u8]) -> Result<()> {
        let pointer = data.as_ptr().cast();
        check(unsafe { sys::p2c2r_job_output_fields(self.raw(), format, pointer, data.len()) })?;
        Ok(())
    }

    /// The map form of the result, beside or instead of the bytes.
    pub fn set_fields_json(&mut self, json: &str) -> Result<()> {
        self.set_fields(sys::P2C2R_FORMAT_JSON, json.as_bytes())
    }

    pub fn set_fields_msgpack(&mut self, fields: &[u8]) -> Result<()> {
        self.set_fields(sys::P2C2R_FORMAT_MSGPACK, fields)
    }

    /// Tells the detail of a failure and says its status, which is never OK or PENDING.
    pub(crate) fn explain(&mut self, error: &JobError) -> i32 {
        let [field, text] =
            [&error.field, &error.text].map(|text| CString::new(text.replace('\0', " ")));
        if let (Ok(field), Ok(text)) = (field, text) {
            unsafe { sys::p2c2r_job_explain(self.raw(), field.as_ptr(), text.as_ptr()) };
        }
        if error.status.0 < 0 {
            error.status.0
        } else {
            sys::P2C2R_E_EXECUTOR
        }
    }
}

/// A job that ends by `finish`, on any thread and whenever that may be. Dropped unfinished, as when
/// a thread panics with it, it fails as `EXECUTOR`.
#[derive(Debug)]
pub struct PendingJob {
    job: Job,
    finished: bool,
}

impl PendingJob {
    /// # Safety
    /// `raw` is a job inside run, which returns PENDING.
    pub(crate) unsafe fn from_raw(raw: *mut sys::p2c2r_job) -> PendingJob {
        // SAFETY: the reference keeps it alive until drop.
        let job = unsafe { Job::from_raw(sys::p2c2r_job_retain(raw)) };
        PendingJob { job, finished: false }
    }

    /// Ends it: with the output that was set, or as failed. `STALE` when its role is gone.
    pub fn finish(mut self, end: std::result::Result<(), JobError>) -> Result<()> {
        self.end(end)
    }

    fn end(&mut self, end: std::result::Result<(), JobError>) -> Result<()> {
        self.finished = true;
        let status = match end {
            Ok(()) => sys::P2C2R_OK,
            Err(error) => self.job.explain(&error),
        };
        check(unsafe { sys::p2c2r_job_finish(self.job.raw(), status) })?;
        Ok(())
    }

    /// As `Job::output`.
    pub fn output(&mut self, size: usize) -> Result<&mut [u8]> {
        self.job.output(size)
    }

    /// As `Job::give_output`.
    pub fn give_output<'a>(&mut self, data: impl Into<Payload<'a>>) -> Result<()> {
        self.job.give_output(data)
    }

    /// As `Job::set_fields_json`.
    pub fn set_fields_json(&mut self, json: &str) -> Result<()> {
        self.job.set_fields_json(json)
    }

    /// As `Job::set_fields_msgpack`.
    pub fn set_fields_msgpack(&mut self, fields: &[u8]) -> Result<()> {
        self.job.set_fields_msgpack(fields)
    }
}

/// What can be asked of every job. There is no way to a `&mut Job` of it: swapped with the one of a
/// running executor, each would end the other's job.
impl Deref for PendingJob {
    type Target = Job;

    fn deref(&self) -> &Job {
        &self.job
    }
}

impl Drop for PendingJob {
    fn drop(&mut self) {
        if !self.finished {
            let text = if std::thread::panicking() {
                "a thread panicked that had the job"
            } else {
                "the job was dropped without an answer"
            };
            // An orphan has nobody to tell.
            let _ = self.end(Err(JobError::new(Status::EXECUTOR, "", text)));
        }
        unsafe { sys::p2c2r_job_release(self.job.raw()) };
    }
}
