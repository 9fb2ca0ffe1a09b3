//! Closures as executors.
use std::os::raw::c_void;

use crate::border::{c_text, given, guarded, lent, taken};
use crate::error::{Result, Status, Why};
use crate::job::{Job, JobError, PendingJob};
use crate::runtime::Runtime;
use crate::sys;

type NowFn = Box<dyn Fn(&mut Job) -> std::result::Result<(), JobError> + Send + Sync>;
type LaterFn = Box<dyn Fn(PendingJob) + Send + Sync>;
type CancelFn = Box<dyn Fn(&Job) + Send + Sync>;

/// The name and properties of an executor.
pub struct ExecutorDesc {
    task_type: String,
    flags: i32,
    parallel_max: u32,
    cancel: Option<CancelFn>,
}

impl ExecutorDesc {
    pub fn new(task_type: &str) -> ExecutorDesc {
        ExecutorDesc { task_type: task_type.to_string(), flags: 0, parallel_max: 0, cancel: None }
    }

    /// It needs the GPU.
    pub fn gpu(mut self) -> Self {
        self.flags |= sys::P2C2R_EXECUTOR_GPU;
        self
    }

    /// It takes microseconds and runs on the loop's thread.
    pub fn short(mut self) -> Self {
        self.flags |= sys::P2C2R_EXECUTOR_SHORT;
        self
    }

    /// It gives the same bytes on every machine.
    pub fn exact(mut self) -> Self {
        self.flags |= sys::P2C2R_EXECUTOR_EXACT;
        self
    }

    /// Runs at the same time; 0: as many as there are workers.
    pub fn parallel_max(mut self, count: u32) -> Self {
        self.parallel_max = count;
        self
    }

    /// Runs when a job is not wanted any more; on any thread, also while the executor runs.
    pub fn on_cancel(mut self, cancel: impl Fn(&Job) + Send + Sync + 'static) -> Self {
        self.cancel = Some(Box::new(cancel));
        self
    }
}

enum Run {
    Now(NowFn),
    Later(LaterFn),
}

struct HostExecutor {
    run: Run,
    cancel: Option<CancelFn>,
}

unsafe extern "C" fn run(user: *mut c_void, raw: *mut sys::p2c2r_job) -> i32 {
    // SAFETY: `user` lives until destroy, the job until this returns, or longer where it is
    // retained.
    let executor = unsafe { lent::<HostExecutor>(user) };
    match &executor.run {
        Run::Now(function) => {
            let mut job = unsafe { Job::from_raw(raw) };
            match guarded(|| function(&mut job)) {
                Ok(Ok(())) => sys::P2C2R_OK,
                Ok(Err(error)) => job.explain(&error),
                Err(text) => {
                    let text = format!("panicked: {text}");
                    job.explain(&JobError::new(Status::EXECUTOR, "", &text))
                }
            }
        }
        Run::Later(function) => {
            let job = unsafe { PendingJob::from_raw(raw) };
            // Where it panics, the job was dropped on the way, which ends it.
            let _ = guarded(|| function(job));
            sys::P2C2R_PENDING
        }
    }
}

unsafe extern "C" fn cancel(user: *mut c_void, raw: *mut sys::p2c2r_job) {
    // SAFETY: as in run.
    let (executor, job) = unsafe { (lent::<HostExecutor>(user), Job::from_raw(raw)) };
    if let Some(function) = &executor.cancel {
        let _ = guarded(|| function(&job));
    }
}

unsafe extern "C" fn destroy(user: *mut c_void) {
    // SAFETY: the last use of user.
    let _ = guarded(|| drop(unsafe { taken::<HostExecutor>(user) }));
}

fn add(runtime: &Runtime, desc: ExecutorDesc, function: Run) -> Result<()> {
    let task_type = c_text("task_type", &desc.task_type)?;
    let has_cancel = desc.cancel.is_some();
    let user = given(Box::new(HostExecutor { run: function, cancel: desc.cancel }));
    let raw = sys::p2c2r_executor_desc {
        flags: desc.flags as u32,
        parallel_max: desc.parallel_max,
        task_type: task_type.as_ptr(),
        run: Some(run),
        cancel: if has_cancel { Some(cancel) } else { None },
        destroy: Some(destroy),
        user,
        ..Default::default()
    };
    let mut why = Why::new();
    let status = unsafe { sys::p2c2r_runtime_add_executor(runtime.raw(), &raw, why.out()) };
    if let Err(error) = why.check(status) {
        // SAFETY: on error the library has not taken it.
        drop(unsafe { taken::<HostExecutor>(user) });
        return Err(error);
    }
    Ok(())
}

impl Runtime {
    /// Makes a closure the executor of a task type for all roles here. It runs on threads of the
    /// library, several at once. Peers that are made later offer it.
    pub fn add_executor<F>(&self, desc: ExecutorDesc, run: F) -> Result<()>
    where
        F: Fn(&mut Job) -> std::result::Result<(), JobError> + Send + Sync + 'static,
    {
        add(self, desc, Run::Now(Box::new(run)))
    }

    /// The same, for answers that come later: the closure hands each job to whoever finishes it.
    pub fn add_pending_executor<F>(&self, desc: ExecutorDesc, run: F) -> Result<()>
    where
        F: Fn(PendingJob) + Send + Sync + 'static,
    {
        add(self, desc, Run::Later(Box::new(run)))
    }
}
