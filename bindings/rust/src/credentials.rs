//! Whom a client or peer believes to be its coordinator, and what it shows there.
use std::ffi::CString;
use std::fmt;
use std::ptr;

use crate::border::{c_option, c_pointer};
use crate::error::{Error, Result, Status};
use crate::sys;

/// As p2c2r_credentials. `Debug` shows no secret.
#[derive(Clone, Default)]
pub struct Credentials {
    /// SHA-256 of the coordinator's public key; None: `ca_file` decides.
    pub server_pin: Option<[u8; 32]>,
    pub ca_file: Option<String>,
    /// A private key, as the call "keys.new" of a runtime makes.
    pub identity_file: Option<String>,
    /// For software that has no key.
    pub token: Option<[u8; 32]>,
    /// The secret of a join code: enrols the key of `identity_file` once.
    pub invite: Option<[u8; 16]>,
}

impl Credentials {
    /// Bytes from the hexadecimal text in which pins, tokens and invitations are told.
    pub fn from_hex<const N: usize>(text: &str) -> Result<[u8; N]> {
        let wrong = || {
            let why = format!("is not {} hexadecimal digits", 2 * N);
            Error::new(Status::ARGUMENT, "credentials", &why)
        };
        let digits = text.as_bytes();
        if digits.len() != 2 * N {
            return Err(wrong());
        }
        let mut bytes = [0; N];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
            let value = |digit: u8| (digit as char).to_digit(16).ok_or_else(wrong);
            *byte = (value(pair[0])? << 4 | value(pair[1])?) as u8;
        }
        Ok(bytes)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Credentials")
            .field("server_pin", &self.server_pin)
            .field("ca_file", &self.ca_file)
            .field("identity_file", &self.identity_file)
            .finish_non_exhaustive()
    }
}

/// For one call: what the struct points to.
pub(crate) struct RawCredentials {
    raw: sys::p2c2r_credentials,
    _texts: [Option<CString>; 2],
}

impl RawCredentials {
    /// Points into `given`, which must outlive the call.
    pub fn new(given: &Credentials) -> Result<RawCredentials> {
        let ca_file = c_option("ca_file", given.ca_file.as_deref())?;
        let identity_file = c_option("identity_file", given.identity_file.as_deref())?;
        let raw = sys::p2c2r_credentials {
            server_pin: given.server_pin.unwrap_or_default(),
            ca_file: c_pointer(&ca_file),
            identity_file: c_pointer(&identity_file),
            token: given.token.as_ref().map_or(ptr::null(), |bytes| bytes.as_ptr().cast()),
            token_size: given.token.map_or(0, |bytes| bytes.len()),
            invite: given.invite.as_ref().map_or(ptr::null(), |bytes| bytes.as_ptr().cast()),
            invite_size: given.invite.map_or(0, |bytes| bytes.len()),
            ..Default::default()
        };
        Ok(RawCredentials { raw, _texts: [ca_file, identity_file] })
    }

    /// For a config; keep the value while the pointer is used.
    pub fn pointer(credentials: &Option<RawCredentials>) -> *const sys::p2c2r_credentials {
        credentials.as_ref().map_or(ptr::null(), |credentials| &credentials.raw)
    }
}
