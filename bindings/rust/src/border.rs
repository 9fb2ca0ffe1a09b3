//! What both sides of the border need: texts in and out, and closures that the library calls.
use std::any::Any;
use std::ffi::{CStr, CString};
use std::os::raw::{c_char, c_void};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::{mem, ptr, slice};

use crate::error::{Error, Result, Status};

/// A const char* of a text; the error names the field that holds a zero.
pub(crate) fn c_text(field: &str, text: &str) -> Result<CString> {
    CString::new(text)
        .map_err(|_| Error::new(Status::ARGUMENT, field, &format!("{field} holds a zero byte")))
}

/// The same of a text that may be missing; keep the result while its pointer is used.
pub(crate) fn c_option(field: &str, text: Option<&str>) -> Result<Option<CString>> {
    text.map(|text| c_text(field, text)).transpose()
}

pub(crate) fn c_pointer(text: &Option<CString>) -> *const c_char {
    text.as_ref().map_or(ptr::null(), |text| text.as_ptr())
}

/// # Safety
/// `data` is NULL or points to `size` bytes that live and do not change as long as 'a.
pub(crate) unsafe fn bytes_at<'a>(data: *const c_void, size: usize) -> &'a [u8] {
    if data.is_null() || size == 0 {
        return &[];
    }
    // SAFETY: the caller's promise, here and below.
    unsafe { slice::from_raw_parts(data.cast(), size) }
}

/// UTF-8 of the library, which checks what comes from elsewhere; "" should it ever not be.
///
/// # Safety
/// As `bytes_at`.
pub(crate) unsafe fn text_at<'a>(text: *const c_char, size: usize) -> &'a str {
    let bytes = unsafe { bytes_at(text.cast(), size) };
    std::str::from_utf8(bytes).unwrap_or("")
}

/// A zero-terminated text of the library.
///
/// # Safety
/// `text` is NULL or lives as long as 'a.
pub(crate) unsafe fn c_str_at<'a>(text: *const c_char) -> &'a str {
    if text.is_null() {
        return "";
    }
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str().unwrap_or("")
}

/// Runs a closure of the host's. A panic has been told by the panic hook; here it ends, as its
/// text.
pub(crate) fn guarded<T>(call: impl FnOnce() -> T) -> std::result::Result<T, String> {
    catch_unwind(AssertUnwindSafe(call)).map_err(panic_text)
}

fn panic_text(payload: Box<dyn Any + Send>) -> String {
    let payload = match payload.downcast::<&str>() {
        Ok(text) => return text.to_string(),
        Err(payload) => payload,
    };
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => {
            mem::forget(payload); // of a host's own type: dropping it might panic again
            "of an unknown kind".to_string()
        }
    }
}

/// Gives a value to the library as `user`; it comes back by `taken`.
pub(crate) fn given<T>(value: Box<T>) -> *mut c_void {
    Box::into_raw(value).cast()
}

/// # Safety
/// `user` comes from `given::<T>`, and nobody uses it from here on.
pub(crate) unsafe fn taken<T>(user: *mut c_void) -> Box<T> {
    unsafe { Box::from_raw(user.cast()) }
}

/// # Safety
/// As `lent`, and nobody else uses it as long as 'a.
pub(crate) unsafe fn lent_mut<'a, T>(user: *mut c_void) -> &'a mut T {
    unsafe { &mut *user.cast() }
}

/// # Safety
/// `user` comes from `given::<T>` and is not taken back as long as 'a.
pub(crate) unsafe fn lent<'a, T>(user: *mut c_void) -> &'a T {
    unsafe { &*user.cast() }
}
