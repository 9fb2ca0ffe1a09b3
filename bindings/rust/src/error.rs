//! Errors of the library.
use std::fmt;
use std::os::raw::c_char;

use crate::border::c_str_at;
use crate::sys;

/// A status by its number; `name` is "E_BUSY".
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Status(pub i32);

macro_rules! statuses {
    ($($name:ident = $number:ident,)*) => {
        impl Status {
            $(pub const $name: Status = Status(sys::$number);)*
        }
    };
}

statuses! {
    OK = P2C2R_OK,
    PENDING = P2C2R_PENDING,
    ARGUMENT = P2C2R_E_ARGUMENT,
    STATE = P2C2R_E_STATE,
    STALE = P2C2R_E_STALE,
    VERSION = P2C2R_E_VERSION,
    MEMORY = P2C2R_E_MEMORY,
    AGAIN = P2C2R_E_AGAIN,
    BUSY = P2C2R_E_BUSY,
    TIMEOUT = P2C2R_E_TIMEOUT,
    DEADLINE = P2C2R_E_DEADLINE,
    CANCELLED = P2C2R_E_CANCELLED,
    DISCONNECTED = P2C2R_E_DISCONNECTED,
    CLOSED = P2C2R_E_CLOSED,
    AUTH = P2C2R_E_AUTH,
    DENIED = P2C2R_E_DENIED,
    TASK_TYPE = P2C2R_E_TASK_TYPE,
    PARAMS = P2C2R_E_PARAMS,
    LIMIT = P2C2R_E_LIMIT,
    SIZE = P2C2R_E_SIZE,
    DISPUTED = P2C2R_E_DISPUTED,
    EXECUTOR = P2C2R_E_EXECUTOR,
    DEVICE = P2C2R_E_DEVICE,
    NO_DEVICE = P2C2R_E_NO_DEVICE,
    SANDBOX = P2C2R_E_SANDBOX,
    CONTENT = P2C2R_E_CONTENT,
    KERNEL = P2C2R_E_KERNEL,
    IO = P2C2R_E_IO,
    EXISTS = P2C2R_E_EXISTS,
    UNSUPPORTED = P2C2R_E_UNSUPPORTED,
    PROTOCOL = P2C2R_E_PROTOCOL,
    INTERNAL = P2C2R_E_INTERNAL,
}

impl Status {
    pub fn is_ok(self) -> bool {
        self == Status::OK
    }

    pub fn name(self) -> &'static str {
        // SAFETY: a static text for every number.
        unsafe { c_str_at(sys::p2c2r_status_name(self.0)) }
    }

    /// One sentence.
    pub fn text(self) -> &'static str {
        // SAFETY: as above.
        unsafe { c_str_at(sys::p2c2r_status_text(self.0)) }
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl fmt::Display for Status {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// What went wrong: the field it is about or "", a text with what, which and how much, and for
/// `BUSY` when to try again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    pub status: Status,
    pub field: String,
    pub text: String,
    pub retry_after_ms: u32,
}

pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub fn new(status: Status, field: &str, text: &str) -> Error {
        Error { status, field: field.to_string(), text: text.to_string(), retry_after_ms: 0 }
    }
}

impl From<Status> for Error {
    fn from(status: Status) -> Error {
        Error::new(status, "", status.text())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.status, self.text)
    }
}

impl std::error::Error for Error {}

/// The p2c2r_error of one call.
pub(crate) struct Why(sys::p2c2r_error);

impl Why {
    pub fn new() -> Why {
        Why(sys::p2c2r_error { status: 0, retry_after_ms: 0, field: [0; 56], text: [0; 192] })
    }

    pub fn out(&mut self) -> *mut sys::p2c2r_error {
        &mut self.0
    }

    /// What the call said, with the detail it told.
    pub fn check(&self, status: i32) -> Result<Status> {
        if status >= 0 || self.0.status != status {
            return check(status);
        }
        Err(Error {
            status: Status(status),
            field: field_text(&self.0.field),
            text: field_text(&self.0.text),
            retry_after_ms: self.0.retry_after_ms,
        })
    }
}

/// `OK` and `PENDING`, or the error.
pub(crate) fn check(status: i32) -> Result<Status> {
    if status < 0 {
        return Err(Status(status).into());
    }
    Ok(Status(status))
}

fn field_text(chars: &[c_char]) -> String {
    let bytes: Vec<u8> = chars.iter().map(|&c| c as u8).take_while(|&c| c != 0).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}
