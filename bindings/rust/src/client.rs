//! The one who asks: a game.
use std::ptr;
use std::sync::Arc;

use crate::border::{c_option, c_pointer, c_text};
use crate::bytes::{Payload, RawPayload};
use crate::constants::{Deliver, Quality};
use crate::coordinator::{raw_of, Coordinator};
use crate::credentials::{Credentials, RawCredentials};
use crate::error::{check, Error, Result, Status, Why};
use crate::result::{image_struct, written, Image, TaskResult};
use crate::role::{EventFn, EventHook, Role};
use crate::runtime::Runtime;
use crate::sys;
use crate::task::{Content, Part, RawDesc, Task, TaskDesc, TaskFns};

/// As p2c2r_client_config; `local` and `coordinator_url` None: all runs on this machine.
#[derive(Default)]
pub struct ClientConfig<'a> {
    pub tasks_max: u32,
    pub bytes_max: u64,
    pub deliver: Deliver,
    pub connect_timeout_ms: u32,
    pub reconnect_attempts: u32,
    pub local: Option<&'a Coordinator>,
    pub coordinator_url: Option<&'a str>,
    pub client_id: Option<&'a str>,
    /// For `p2c2r://`: whom to believe, and what to show.
    pub credentials: Option<&'a Credentials>,
    /// JSON.
    pub options: Option<&'a str>,
    pub event: Option<EventFn>,
}

pub type ClientStats = sys::p2c2r_client_stats;

/// A client; clones are the same one.
#[derive(Clone, Debug)]
pub struct Client(Arc<Role<sys::p2c2r_client>>);

impl Client {
    /// Connects in the background.
    pub fn new(runtime: &Runtime, config: ClientConfig<'_>) -> Result<Client> {
        let url = c_option("coordinator_url", config.coordinator_url)?;
        let client_id = c_option("client_id", config.client_id)?;
        let options = c_option("options", config.options)?;
        let credentials = config.credentials.map(RawCredentials::new).transpose()?;
        let event = EventHook::new(config.event);
        let raw = sys::p2c2r_client_config {
            tasks_max: config.tasks_max,
            bytes_max: config.bytes_max,
            deliver: config.deliver as i32,
            connect_timeout_ms: config.connect_timeout_ms,
            reconnect_attempts: config.reconnect_attempts,
            local: raw_of(config.local),
            coordinator_url: c_pointer(&url),
            client_id: c_pointer(&client_id),
            options: c_pointer(&options),
            event: event.function,
            user: event.user,
            credentials: RawCredentials::pointer(&credentials),
            ..Default::default()
        };
        let destroy = sys::p2c2r_client_destroy;
        let role = Role::new(runtime, config.local, event, destroy, |out, why| unsafe {
            sys::p2c2r_client_create(runtime.raw(), &raw, out, why)
        })?;
        Ok(Client(Arc::new(role)))
    }

    pub(crate) fn raw(&self) -> *mut sys::p2c2r_client {
        self.0.raw()
    }

    /// Waits until connected. Blocks.
    pub fn connect(&self, timeout_ms: u32) -> Result<()> {
        let mut why = Why::new();
        let status = unsafe { sys::p2c2r_client_connect(self.raw(), timeout_ms, why.out()) };
        why.check(status)?;
        Ok(())
    }

    // ---- tasks --------------------------------------------------------------------------------

    /// Keeps bytes as a content that tasks may refer to, and begins to send them. Hashes them here.
    pub fn put<'a>(&self, data: impl Into<Payload<'a>>) -> Result<Content> {
        let payload = RawPayload::new(data.into());
        let (mut id, mut why) = (0, Why::new());
        let status =
            unsafe { sys::p2c2r_client_put(self.raw(), &*payload.bytes, &mut id, why.out()) };
        why.check(status)?;
        payload.kept();
        Ok(Content { client: self.clone(), id })
    }

    /// The data of a result as a content. Those that stayed away (`TaskDesc::resident`) are not
    /// brought for it, and a task that names them when they are gone ends as `CONTENT`.
    pub fn put_result(&self, result: &TaskResult) -> Result<Content> {
        let (mut id, mut why) = (0, Why::new());
        let status =
            unsafe { sys::p2c2r_client_put_result(self.raw(), result.raw(), &mut id, why.out()) };
        why.check(status)?;
        Ok(Content { client: self.clone(), id })
    }

    pub(crate) fn get_content(&self, content: u64, timeout_ms: u32) -> Result<TaskResult> {
        let (mut out, mut why) = (ptr::null_mut(), Why::new());
        let status = unsafe {
            sys::p2c2r_client_get_content(self.raw(), content, timeout_ms, &mut out, why.out())
        };
        why.check(status)?;
        unsafe { written(out) }
    }

    pub(crate) fn drop_content(&self, content: u64) {
        // A client that was destroyed has none any more.
        let _ = unsafe { sys::p2c2r_client_drop(self.raw(), content) };
    }

    /// Never blocks. The answer comes by the task.
    pub fn submit(&self, desc: TaskDesc<'_>) -> Result<Task> {
        let id = self.submit_raw(RawDesc::new(desc, None)?)?;
        Ok(Task { client: self.clone(), id })
    }

    /// Never blocks. The answer goes to `done`, once and nowhere else, where the client delivers.
    /// The number is the task's, for `cancel` and `depends_on`.
    pub fn submit_with<F>(&self, desc: TaskDesc<'_>, done: F) -> Result<u64>
    where
        F: FnOnce(u64, TaskResult) + Send + 'static,
    {
        let functions = TaskFns { done: Box::new(done), part: None };
        self.submit_raw(RawDesc::new(desc, Some(functions))?)
    }

    /// The same of a task that is cut: `part` is called for each part that came, before `done`.
    pub fn submit_in_parts<P, F>(&self, desc: TaskDesc<'_>, part: P, done: F) -> Result<u64>
    where
        P: FnMut(u64, Part, TaskResult) + Send + 'static,
        F: FnOnce(u64, TaskResult) + Send + 'static,
    {
        let functions = TaskFns { done: Box::new(done), part: Some(Box::new(part)) };
        self.submit_raw(RawDesc::new(desc, Some(functions))?)
    }

    fn submit_raw(&self, desc: RawDesc<'_>) -> Result<u64> {
        let (mut id, mut why) = (0, Why::new());
        let status = unsafe { sys::p2c2r_client_submit(self.raw(), &desc.raw, &mut id, why.out()) };
        why.check(status)?;
        desc.accepted();
        Ok(id)
    }

    /// Submits in order: the tasks that were accepted, and the error of the first one that was not.
    pub fn submit_many(&self, descs: Vec<TaskDesc<'_>>) -> (Vec<Task>, Option<Error>) {
        let mut filled = Vec::with_capacity(descs.len());
        for desc in descs {
            match RawDesc::new(desc, None) {
                Ok(desc) => filled.push(desc),
                Err(error) => return (Vec::new(), Some(error)),
            }
        }
        let raw: Vec<sys::p2c2r_task_desc> = filled.iter().map(|desc| desc.raw).collect();
        let mut ids = vec![0; raw.len()];
        let (mut accepted, mut why) = (0, Why::new());
        let status = unsafe {
            sys::p2c2r_client_submit_many(
                self.raw(),
                raw.as_ptr(),
                raw.len() as u32,
                ids.as_mut_ptr(),
                &mut accepted,
                why.out(),
            )
        };
        filled.drain(..accepted as usize).for_each(RawDesc::accepted);
        ids.truncate(accepted as usize);
        let tasks = ids.into_iter().map(|id| Task { client: self.clone(), id }).collect();
        (tasks, why.check(status).err())
    }

    /// The good result, or the error. Blocks.
    pub fn submit_and_wait(&self, desc: TaskDesc<'_>) -> Result<TaskResult> {
        self.wait_raw(RawDesc::new(desc, None)?)
    }

    /// The same; the result's bytes are written to `output` as well. A larger result is `SIZE`.
    pub fn submit_and_wait_into(
        &self,
        desc: TaskDesc<'_>,
        output: &mut [u8],
    ) -> Result<TaskResult> {
        let mut desc = RawDesc::new(desc, None)?;
        // Borrowed until the task has ended, which is when this returns.
        desc.raw.output = output.as_mut_ptr().cast();
        desc.raw.output_size = output.len();
        self.wait_raw(desc)
    }

    fn wait_raw(&self, desc: RawDesc<'_>) -> Result<TaskResult> {
        let mut out = ptr::null_mut();
        let mut why = Why::new();
        let status = unsafe {
            sys::p2c2r_client_submit_and_wait(self.raw(), &desc.raw, &mut out, why.out())
        };
        why.check(status)?;
        desc.accepted();
        unsafe { written(out) }?.check()
    }

    pub(crate) fn poll(&self, task: u64) -> Result<Option<TaskResult>> {
        let mut out = ptr::null_mut();
        check(unsafe { sys::p2c2r_client_poll(self.raw(), task, &mut out) })?;
        Ok(unsafe { TaskResult::from_raw(out) })
    }

    pub(crate) fn get_result(&self, task: u64, timeout_us: u64) -> Result<Option<TaskResult>> {
        let mut out = ptr::null_mut();
        check(unsafe { sys::p2c2r_client_get_result(self.raw(), task, timeout_us, &mut out) })?;
        Ok(unsafe { TaskResult::from_raw(out) })
    }

    /// The index of one of these tasks that has ended, or None when the time has passed. Blocks.
    pub fn wait_any(&self, tasks: &[&Task], timeout_us: u64) -> Result<Option<usize>> {
        let ids: Vec<u64> = tasks.iter().map(|task| task.id).collect();
        let mut which = 0;
        let status = check(unsafe {
            sys::p2c2r_client_wait(
                self.raw(),
                ids.as_ptr(),
                ids.len() as u32,
                timeout_us,
                &mut which,
            )
        })?;
        Ok((status == Status::OK).then_some(which as usize))
    }

    /// A request: the task still ends.
    pub fn cancel(&self, task: u64) -> Result<()> {
        check(unsafe { sys::p2c2r_client_cancel(self.raw(), task) })?;
        Ok(())
    }

    /// Only for tasks without `done`: its closure would never be dropped.
    pub(crate) fn forget(&self, task: u64) -> Result<()> {
        check(unsafe { sys::p2c2r_client_forget(self.raw(), task) })?;
        Ok(())
    }

    /// Of tasks that were submitted for one purpose keeps `task` (None: none) and forgets the
    /// others, which are stopped where they run.
    pub fn keep(&self, task: Option<&Task>, tasks: &[&Task]) -> Result<()> {
        let ids: Vec<u64> = tasks.iter().map(|task| task.id).collect();
        let mut why = Why::new();
        let status = unsafe {
            sys::p2c2r_client_keep(
                self.raw(),
                task.map_or(0, |task| task.id),
                ids.as_ptr(),
                ids.len() as u32,
                why.out(),
            )
        };
        why.check(status)?;
        Ok(())
    }

    /// As `Runtime::dispatch`, of this client only.
    pub fn dispatch(&self, callbacks_max: u32, budget_us: u32) -> Result<u32> {
        let mut run = 0;
        check(unsafe {
            sys::p2c2r_client_dispatch(self.raw(), callbacks_max, budget_us, &mut run)
        })?;
        Ok(run)
    }

    // ---- pictures -----------------------------------------------------------------------------

    /// Submits a picture to be made width x height; the task's result has the `image`.
    pub fn submit_frame_for_upscaling(
        &self,
        frame: Image<'_>,
        width: u32,
        height: u32,
        quality: Quality,
    ) -> Result<Task> {
        let empty = Image { data: (&[][..]).into(), ..frame };
        let payload = RawPayload::new(frame.data);
        let image = image_struct(&empty, *payload.bytes);
        let (mut id, mut why) = (0, Why::new());
        let status = unsafe {
            sys::p2c2r_client_submit_frame_for_upscaling(
                self.raw(),
                &image,
                width,
                height,
                quality.into(),
                &mut id,
                why.out(),
            )
        };
        why.check(status)?;
        payload.kept();
        Ok(Task { client: self.clone(), id })
    }

    /// As `Task::wait`, of a frame; its `image` is there as soon as this returns, or its error.
    pub fn get_upscaled_frame(&self, task: &Task, timeout_us: u64) -> Result<Option<TaskResult>> {
        let mut view = sys::p2c2r_image::default();
        let mut out = ptr::null_mut();
        check(unsafe {
            sys::p2c2r_client_get_upscaled_frame(
                self.raw(),
                task.id,
                timeout_us,
                &mut view,
                &mut out,
            )
        })?;
        unsafe { TaskResult::from_raw(out) }.map(TaskResult::check).transpose()
    }

    // ---- questions ----------------------------------------------------------------------------

    pub fn stats(&self) -> Result<ClientStats> {
        let mut stats = ClientStats::default();
        check(unsafe { sys::p2c2r_client_stats_get(self.raw(), &mut stats) })?;
        Ok(stats)
    }

    /// Asks the coordinator: "status", "peers", "gamers", "tasks", "explain". Blocks.
    pub fn call(&self, name: &str, args_json: Option<&str>, timeout_ms: u32) -> Result<TaskResult> {
        let (name, args) = (c_text("name", name)?, c_option("args_json", args_json)?);
        let mut out = ptr::null_mut();
        let mut why = Why::new();
        let status = unsafe {
            sys::p2c2r_client_call(
                self.raw(),
                name.as_ptr(),
                c_pointer(&args),
                timeout_ms,
                &mut out,
                why.out(),
            )
        };
        why.check(status)?;
        unsafe { written(out) }
    }

    /// Destroys it now, for all clones: every task ends, each `done` runs, and later calls say
    /// `STALE`. Blocks.
    pub fn close(&self) -> Result<()> {
        self.0.close()
    }
}
