//! Bytes on their way in.
use std::os::raw::c_void;
use std::ptr;

use crate::border::{given, guarded, taken};
use crate::sys;

type Owner = Box<dyn AsRef<[u8]> + Send + Sync>;

/// Bytes for a task or of an executor: a slice is copied by the library before the call returns,
/// what is owned (`Vec<u8>`, or anything through `lend`) is read where it lies and dropped, on any
/// thread, when nobody needs it any more. If the call fails, it is dropped at once.
pub enum Payload<'a> {
    Copied(&'a [u8]),
    Lent(Owner),
}

impl Payload<'static> {
    /// Lends anything that shows the same bytes each time, an `Arc<[u8]>` for one.
    pub fn lend(owner: impl AsRef<[u8]> + Send + Sync + 'static) -> Self {
        Payload::Lent(Box::new(owner))
    }
}

impl<'a> From<&'a [u8]> for Payload<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Payload::Copied(bytes)
    }
}

impl<'a> From<&'a Vec<u8>> for Payload<'a> {
    fn from(bytes: &'a Vec<u8>) -> Self {
        Payload::Copied(bytes)
    }
}

impl<'a> From<&'a str> for Payload<'a> {
    fn from(text: &'a str) -> Self {
        Payload::Copied(text.as_bytes())
    }
}

impl From<Vec<u8>> for Payload<'static> {
    fn from(bytes: Vec<u8>) -> Self {
        Payload::lend(bytes)
    }
}

/// A p2c2r_bytes for one call. After a call that said OK: `kept`. Dropped, it is the host's as
/// before.
pub(crate) struct RawPayload {
    /// Boxed, for a task's struct points to it.
    pub bytes: Box<sys::p2c2r_bytes>,
}

unsafe extern "C" fn release(user: *mut c_void, _data: *const c_void, _size: usize) {
    // SAFETY: `user` was given by RawPayload, and the library calls this once.
    let _ = guarded(|| drop(unsafe { taken::<Owner>(user) }));
}

impl RawPayload {
    /// The slice of `Copied` must live until the call has returned.
    pub fn new(payload: Payload<'_>) -> RawPayload {
        let bytes = match payload {
            Payload::Copied(bytes) => sys::p2c2r_bytes {
                data: bytes.as_ptr().cast(),
                size: bytes.len(),
                release: None,
                user: ptr::null_mut(),
            },
            Payload::Lent(owner) => {
                // First into its last place, then asked where its bytes are.
                let owner = Box::new(owner);
                let bytes: &[u8] = (**owner).as_ref();
                let (data, size) = (bytes.as_ptr().cast(), bytes.len());
                sys::p2c2r_bytes { data, size, release: Some(release), user: given(owner) }
            }
        };
        RawPayload { bytes: Box::new(bytes) }
    }

    /// The library has them now.
    pub fn kept(mut self) {
        self.bytes.release = None;
    }
}

impl Drop for RawPayload {
    fn drop(&mut self) {
        if self.bytes.release.is_some() {
            // SAFETY: the library did not take it.
            drop(unsafe { taken::<Owner>(self.bytes.user) });
        }
    }
}
