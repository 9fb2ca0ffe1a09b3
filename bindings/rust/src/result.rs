//! What came of a task.
use std::fmt;
use std::ptr::NonNull;

use crate::border::{bytes_at, text_at};
use crate::bytes::Payload;
use crate::constants::{Pixel, Source};
use crate::error::{check, Error, Result, Status, Why};
use crate::sys;

/// status, source, attempts, total_us, queue_us, processing_us, network_us, retry_after_ms, bytes_received,
/// resident_size.
pub type ResultInfo = sys::p2c2r_result_info;

/// A picture on its way in.
pub struct Image<'a> {
    pub format: Pixel,
    pub width: u32,
    pub height: u32,
    /// Bytes from one raw row to the next; 0: no padding.
    pub stride: u32,
    pub data: Payload<'a>,
}

/// A picture that is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageView<'a> {
    pub format: Pixel,
    pub width: u32,
    pub height: u32,
    pub stride: u32,
    pub data: &'a [u8],
}

/// # Safety
/// The bytes of the image live and do not change as long as 'a.
pub(crate) unsafe fn view_of<'a>(image: &sys::p2c2r_image) -> ImageView<'a> {
    ImageView {
        format: image.format.into(),
        width: image.width,
        height: image.height,
        stride: image.stride,
        data: unsafe { bytes_at(image.bytes.data, image.bytes.size) },
    }
}

/// The end of a task, good or bad: counted and immutable. It may outlive client and runtime.
pub struct TaskResult(NonNull<sys::p2c2r_result>);

// SAFETY: results are immutable, counted with atomics, and usable from any thread.
unsafe impl Send for TaskResult {}
unsafe impl Sync for TaskResult {}

impl TaskResult {
    /// # Safety
    /// `handle` is NULL or a reference that becomes this object's.
    pub(crate) unsafe fn from_raw(handle: *mut sys::p2c2r_result) -> Option<TaskResult> {
        NonNull::new(handle).map(TaskResult)
    }

    pub(crate) fn raw(&self) -> *const sys::p2c2r_result {
        self.0.as_ptr()
    }

    pub fn status(&self) -> Status {
        // SAFETY: here and below, the reference keeps the result alive.
        Status(unsafe { sys::p2c2r_result_status(self.raw()) })
    }

    pub fn is_ok(&self) -> bool {
        self.status().is_ok()
    }

    /// This result, or its error.
    pub fn check(self) -> Result<TaskResult> {
        if self.is_ok() {
            return Ok(self);
        }
        Err(Error {
            status: self.status(),
            field: self.text(sys::P2C2R_TEXT_FIELD).to_string(),
            text: self.message().to_string(),
            retry_after_ms: self.info().retry_after_ms,
        })
    }

    pub fn info(&self) -> ResultInfo {
        let mut info = ResultInfo::default();
        // It fails only for what is no result, or in a child process; then all is zero.
        unsafe { sys::p2c2r_result_info_get(self.raw(), &mut info) };
        info
    }

    pub fn source(&self) -> Source {
        self.info().source.into()
    }

    /// The bytes, where they lie.
    pub fn data(&self) -> &[u8] {
        let mut size = 0;
        unsafe {
            let data = sys::p2c2r_result_data(self.raw(), &mut size);
            bytes_at(data, size)
        }
    }

    fn fields(&self, format: i32) -> &[u8] {
        let mut size = 0;
        unsafe {
            let fields = sys::p2c2r_result_fields(self.raw(), format, &mut size);
            bytes_at(fields, size)
        }
    }

    /// The map form as JSON text; "" when there is none.
    pub fn fields_json(&self) -> &str {
        std::str::from_utf8(self.fields(sys::P2C2R_FORMAT_JSON)).unwrap_or("")
    }

    /// The map form as it travelled.
    pub fn fields_msgpack(&self) -> &[u8] {
        self.fields(sys::P2C2R_FORMAT_MSGPACK)
    }

    fn text(&self, which: i32) -> &str {
        let mut size = 0;
        unsafe {
            let text = sys::p2c2r_result_text(self.raw(), which, &mut size);
            text_at(text, size)
        }
    }

    pub fn message(&self) -> &str {
        self.text(sys::P2C2R_TEXT_MESSAGE)
    }

    pub fn task_id(&self) -> &str {
        self.text(sys::P2C2R_TEXT_TASK_ID)
    }

    pub fn task_type(&self) -> &str {
        self.text(sys::P2C2R_TEXT_TASK_TYPE)
    }

    pub fn algorithm(&self) -> &str {
        self.text(sys::P2C2R_TEXT_ALGORITHM)
    }

    /// SHA-256 of the pixels of an image, else of the fields followed by the data.
    pub fn digest(&self) -> Result<[u8; 32]> {
        let mut digest = [0; 32];
        check(unsafe { sys::p2c2r_result_digest(self.raw(), digest.as_mut_ptr()) })?;
        Ok(digest)
    }

    /// The picture of an image result; `STATE` for another one.
    pub fn image(&self) -> Result<ImageView<'_>> {
        let mut image = sys::p2c2r_image::default();
        check(unsafe { sys::p2c2r_result_image(self.raw(), &mut image) })?;
        // SAFETY: its bytes live as long as the result.
        Ok(unsafe { view_of(&image) })
    }

    /// Makes `state`, which the delta in this result is against, the state after it. When it fails
    /// `state` is as it was.
    pub fn apply_delta(&self, state: &mut [u8]) -> Result<()> {
        let mut why = Why::new();
        let (at, mut size) = (state.as_mut_ptr(), state.len());
        // SAFETY: in place is allowed, and nothing of the result is borrowed mutably.
        let status = unsafe {
            sys::p2c2r_result_apply_delta(
                self.raw(),
                at.cast(),
                state.len(),
                at.cast(),
                &mut size,
                why.out(),
            )
        };
        why.check(status).map(drop)
    }
}

impl Clone for TaskResult {
    /// Another reference; nothing is copied.
    fn clone(&self) -> Self {
        let again = unsafe { sys::p2c2r_result_retain(self.raw()) };
        // NULL only in a child process, where the old one is as useless, and as harmless.
        TaskResult(NonNull::new(again).unwrap_or(self.0))
    }
}

impl Drop for TaskResult {
    fn drop(&mut self) {
        unsafe { sys::p2c2r_result_release(self.raw()) };
    }
}

impl fmt::Debug for TaskResult {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("TaskResult")
            .field("task_id", &self.task_id())
            .field("status", &self.status())
            .field("message", &self.message())
            .field("size", &self.data().len())
            .finish()
    }
}

/// Takes over what a call wrote into its `out`.
///
/// # Safety
/// As `TaskResult::from_raw`.
pub(crate) unsafe fn written(out: *mut sys::p2c2r_result) -> Result<TaskResult> {
    unsafe { TaskResult::from_raw(out) }.ok_or_else(|| Status::INTERNAL.into())
}

/// A p2c2r_image of an Image whose bytes are given apart.
pub(crate) fn image_struct(image: &Image<'_>, bytes: sys::p2c2r_bytes) -> sys::p2c2r_image {
    sys::p2c2r_image {
        format: image.format.into(),
        width: image.width,
        height: image.height,
        stride: image.stride,
        bytes,
        ..Default::default()
    }
}
