//! An answer for every frame.
use std::os::raw::c_void;
use std::ptr::{self, NonNull};

use crate::border::{given, guarded, lent, taken};
use crate::bytes::{Payload, RawPayload};
use crate::client::Client;
use crate::constants::{Quality, Source};
use crate::error::{check, Result, Status, Why};
use crate::result::{image_struct, view_of, Image, ImageView, TaskResult};
use crate::sys;
use crate::task::{part_of, Part, RawDesc, TaskDesc};

type CaptureFn = Box<dyn Fn() -> Option<Image<'static>> + Send + Sync>;
type DisplayFn = Box<dyn Fn(Option<&ImageView<'_>>, &Answer) + Send + Sync>;
type FallbackFn = Box<dyn Fn(u64, u32) -> Option<Payload<'static>> + Send + Sync>;
type FramePartFn = Box<dyn Fn(u64, Part, TaskResult) + Send + Sync>;

/// As p2c2r_frames_config. The functions run inside `step` and `pull`; None of capture is "no frame
/// now", None of fallback "no answer of mine".
#[derive(Default)]
pub struct FramesConfig {
    pub budget_us: u32,
    pub pipeline_max: u32,
    pub window: u32,
    pub age_max: u32,
    /// None: balanced.
    pub quality: Option<Quality>,
    pub no_local: bool,
    pub no_previous: bool,
    pub output_width: u32,
    pub output_height: u32,
    pub capture: Option<CaptureFn>,
    pub display: Option<DisplayFn>,
    pub fallback: Option<FallbackFn>,
    /// The number of a frame that is cut (`TaskDesc::split`), and a part of it that came before its
    /// pull returned.
    pub part: Option<FramePartFn>,
}

/// What `pull` says; `result` is None only with `Source::None`.
#[derive(Debug)]
pub struct Answer {
    pub source: Source,
    pub quality: Quality,
    pub quality_next: Quality,
    pub frame: u64,
    pub answers_frame: u64,
    pub used_us: u32,
    pub late_count: u32,
    pub result: Option<TaskResult>,
    pub age_us: u64,
    pub parts: u32,
    pub parts_came: u32,
}

/// One way to compute a frame's answer here: the frame's task with these params instead, in the form
/// that its own have.
#[derive(Clone, Copy, Debug)]
pub struct FrameForm<'a> {
    pub quality: Quality,
    pub params: &'a [u8],
}

fn answer_of(raw: &sys::p2c2r_answer, result: Option<TaskResult>) -> Answer {
    Answer {
        source: raw.source.into(),
        quality: raw.quality.into(),
        quality_next: raw.quality_next.into(),
        frame: raw.frame,
        answers_frame: raw.answers_frame,
        used_us: raw.used_us,
        late_count: raw.late_count,
        result,
        age_us: raw.age_us,
        parts: raw.parts,
        parts_came: raw.parts_came,
    }
}

struct Hooks {
    capture: Option<CaptureFn>,
    display: Option<DisplayFn>,
    fallback: Option<FallbackFn>,
    part: Option<FramePartFn>,
}

unsafe extern "C" fn capture(user: *mut c_void, out: *mut sys::p2c2r_image) -> i32 {
    // SAFETY: here and below, user lives as long as the frames, the rest until this returns.
    let hooks = unsafe { lent::<Hooks>(user) };
    let image = match hooks.capture.as_ref().map(guarded) {
        Some(Ok(Some(image))) => image,
        Some(Err(_)) => return sys::P2C2R_E_EXECUTOR,
        _ => return sys::P2C2R_E_AGAIN,
    };
    let empty = Image { data: (&[][..]).into(), ..image };
    let payload = RawPayload::new(image.data);
    // SAFETY: struct_size says what the library has room for.
    unsafe {
        let struct_size = (*out).struct_size;
        *out = image_struct(&empty, *payload.bytes);
        (*out).struct_size = struct_size;
    }
    payload.kept();
    sys::P2C2R_OK
}

unsafe extern "C" fn display(
    user: *mut c_void,
    image: *const sys::p2c2r_image,
    raw: *const sys::p2c2r_answer,
) {
    let (hooks, raw) = unsafe { (lent::<Hooks>(user), &*raw) };
    // The result is lent: a reference of its own.
    let again = if raw.result.is_null() {
        ptr::null_mut()
    } else {
        unsafe { sys::p2c2r_result_retain(raw.result) }
    };
    let answer = answer_of(raw, unsafe { TaskResult::from_raw(again) });
    let view = unsafe { image.as_ref().map(|image| view_of(image)) };
    if let Some(function) = &hooks.display {
        let _ = guarded(|| function(view.as_ref(), &answer));
    }
}

unsafe extern "C" fn fallback(
    user: *mut c_void,
    frame: u64,
    left_us: u32,
    out: *mut sys::p2c2r_bytes,
) -> i32 {
    let hooks = unsafe { lent::<Hooks>(user) };
    match hooks.fallback.as_ref().map(|function| guarded(|| function(frame, left_us))) {
        Some(Ok(Some(data))) => {
            let payload = RawPayload::new(data);
            unsafe { *out = *payload.bytes };
            payload.kept();
            sys::P2C2R_OK
        }
        Some(Err(_)) => sys::P2C2R_E_EXECUTOR,
        _ => sys::P2C2R_E_AGAIN,
    }
}

unsafe extern "C" fn part(
    user: *mut c_void,
    frame: u64,
    raw: *const sys::p2c2r_part,
    result: *const sys::p2c2r_result,
) {
    let (hooks, part) = unsafe { (lent::<Hooks>(user), part_of(&*raw)) };
    // Counted, so it may be kept for longer than this call.
    let result = unsafe { TaskResult::from_raw(sys::p2c2r_result_retain(result)) };
    if let (Some(function), Some(result)) = (&hooks.part, result) {
        let _ = guarded(|| function(frame, part, result));
    }
}

/// A stream of frames of a client.
#[derive(Debug)]
pub struct Frames {
    handle: NonNull<sys::p2c2r_frames>,
    hooks: *mut c_void,
    tells_parts: bool,
    _client: Client,
}

// SAFETY: the library allows its handles on any thread; the hooks are Send and Sync.
unsafe impl Send for Frames {}
unsafe impl Sync for Frames {}

impl Frames {
    pub fn new(client: &Client, config: FramesConfig) -> Result<Frames> {
        let mut flags = 0;
        if config.no_local {
            flags |= sys::P2C2R_FRAMES_NO_LOCAL;
        }
        if config.no_previous {
            flags |= sys::P2C2R_FRAMES_NO_PREVIOUS;
        }
        let mut raw = sys::p2c2r_frames_config {
            budget_us: config.budget_us,
            pipeline_max: config.pipeline_max,
            window: config.window,
            age_max: config.age_max,
            quality: config.quality.map_or(0, i32::from),
            flags: flags as u32,
            output_width: config.output_width,
            output_height: config.output_height,
            ..Default::default()
        };
        let hooks = Hooks {
            capture: config.capture,
            display: config.display,
            fallback: config.fallback,
            part: config.part,
        };
        let tells_parts = hooks.part.is_some();
        if hooks.capture.is_some() {
            raw.capture = Some(capture);
        }
        if hooks.display.is_some() {
            raw.display = Some(display);
        }
        if hooks.fallback.is_some() {
            raw.fallback = Some(fallback);
        }
        raw.user = given(Box::new(hooks));
        let mut handle = ptr::null_mut();
        let mut why = Why::new();
        let status =
            unsafe { sys::p2c2r_frames_create(client.raw(), &raw, &mut handle, why.out()) };
        match why.check(status).map(|_| NonNull::new(handle)) {
            Ok(Some(handle)) => {
                Ok(Frames { handle, hooks: raw.user, tells_parts, _client: client.clone() })
            }
            failed => {
                // SAFETY: nothing was made that could call them.
                drop(unsafe { taken::<Hooks>(raw.user) });
                Err(failed.err().unwrap_or_else(|| Status::INTERNAL.into()))
            }
        }
    }

    fn desc<'a>(&self, desc: TaskDesc<'a>) -> Result<RawDesc<'a>> {
        let mut desc = RawDesc::new(desc, None)?;
        if self.tells_parts && desc.raw.split != sys::P2C2R_SPLIT_NEVER {
            desc.raw.part = Some(part);
            desc.raw.user = self.hooks;
        }
        Ok(desc)
    }

    /// Submits the task of the next frame and says the frame's number. Never blocks.
    pub fn push(&self, desc: TaskDesc<'_>) -> Result<u64> {
        let desc = self.desc(desc)?;
        let (mut frame, mut why) = (0, Why::new());
        let status = unsafe {
            sys::p2c2r_frames_push(self.handle.as_ptr(), &desc.raw, &mut frame, why.out())
        };
        why.check(status)?;
        desc.accepted();
        Ok(frame)
    }

    /// As `push`, with the quality that the task's params ask for (None: the advised one) and other
    /// forms, of which this machine computes one when no answer has come in time.
    pub fn push_forms(
        &self,
        desc: TaskDesc<'_>,
        quality: Option<Quality>,
        forms: &[FrameForm<'_>],
    ) -> Result<u64> {
        let desc = self.desc(desc)?;
        let raw: Vec<sys::p2c2r_frame_form> = forms
            .iter()
            .map(|form| sys::p2c2r_frame_form {
                quality: form.quality.into(),
                params: form.params.as_ptr().cast(),
                params_size: form.params.len(),
                ..Default::default()
            })
            .collect();
        let (mut frame, mut why) = (0, Why::new());
        let status = unsafe {
            sys::p2c2r_frames_push_forms(
                self.handle.as_ptr(),
                &desc.raw,
                quality.map_or(0, i32::from),
                raw.as_ptr(),
                raw.len() as u32,
                &mut frame,
                why.out(),
            )
        };
        why.check(status)?;
        desc.accepted();
        Ok(frame)
    }

    /// By the budget's end (0: the config's) the best answer there is. Blocks.
    pub fn pull(&self, frame: u64, budget_us: u32) -> Result<Answer> {
        Self::ask(|out| unsafe {
            sys::p2c2r_frames_pull(self.handle.as_ptr(), frame, budget_us, out)
        })
    }

    /// capture, push as `upscale`, pull, display, all here. Blocks.
    pub fn step(&self, budget_us: u32) -> Result<Answer> {
        Self::ask(|out| unsafe { sys::p2c2r_frames_step(self.handle.as_ptr(), budget_us, out) })
    }

    fn ask(call: impl FnOnce(*mut sys::p2c2r_answer) -> i32) -> Result<Answer> {
        let mut raw = sys::p2c2r_answer::default();
        let status = call(&mut raw);
        let result = unsafe { TaskResult::from_raw(raw.result) };
        check(status)?;
        Ok(answer_of(&raw, result))
    }
}

impl Drop for Frames {
    fn drop(&mut self) {
        let status = unsafe { sys::p2c2r_frames_destroy(self.handle.as_ptr()) };
        // Stale: it went with its client. Anything else: it lives on, and so must its functions.
        if status == sys::P2C2R_OK || status == sys::P2C2R_E_STALE {
            drop(unsafe { taken::<Hooks>(self.hooks) });
        }
    }
}
