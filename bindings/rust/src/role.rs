//! What client, peer and coordinator have in common.
use std::fmt;
use std::os::raw::c_void;
use std::ptr::{self, NonNull};

use crate::border::{c_str_at, given, guarded, lent, taken};
use crate::constants::EventType;
use crate::coordinator::Coordinator;
use crate::error::{check, Result, Status, Why};
use crate::runtime::Runtime;
use crate::sys;

/// What happened to a role; its texts live while the callback runs.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    pub event_type: EventType,
    pub status: Status,
    pub number: u64,
    pub subject: &'a str,
    pub text: &'a str,
}

pub(crate) type EventFn = Box<dyn Fn(&Event<'_>) + Send + Sync>;

unsafe extern "C" fn event(user: *mut c_void, raw: *const sys::p2c2r_event) {
    // SAFETY: user lives as long as the role, the event until this returns.
    let (function, raw) = unsafe { (lent::<EventFn>(user), &*raw) };
    let event = Event {
        event_type: raw.r#type.into(),
        status: Status(raw.status),
        number: raw.number,
        subject: unsafe { c_str_at(raw.subject) },
        text: unsafe { c_str_at(raw.text) },
    };
    let _ = guarded(|| function(&event));
}

/// The event function of a config and its user, which Role takes back.
pub(crate) struct EventHook {
    pub function: sys::p2c2r_event_fn,
    pub user: *mut c_void,
}

impl EventHook {
    pub fn new(function: Option<EventFn>) -> EventHook {
        match function {
            Some(function) => EventHook { function: Some(event), user: given(Box::new(function)) },
            None => EventHook { function: None, user: ptr::null_mut() },
        }
    }

    /// The role is gone, or never was.
    fn drop(&mut self) {
        if !self.user.is_null() {
            // SAFETY: nobody calls it any more.
            drop(unsafe { taken::<EventFn>(self.user) });
            self.user = ptr::null_mut();
        }
    }
}

/// A handle below a runtime, destroyed when the last of its users goes.
pub(crate) struct Role<H> {
    handle: NonNull<H>,
    destroy: unsafe extern "C" fn(*mut H) -> i32,
    event: EventHook,
    _coordinator: Option<Coordinator>, // goes after the role, and the runtime after both
    _runtime: Runtime,
}

// SAFETY: the library allows its handles on any thread; the event function is Send and Sync.
unsafe impl<H> Send for Role<H> {}
unsafe impl<H> Sync for Role<H> {}

impl<H> Role<H> {
    /// `create` fills in the handle.
    pub fn new(
        runtime: &Runtime,
        coordinator: Option<&Coordinator>,
        mut event: EventHook,
        destroy: unsafe extern "C" fn(*mut H) -> i32,
        create: impl FnOnce(*mut *mut H, *mut sys::p2c2r_error) -> i32,
    ) -> Result<Role<H>> {
        let mut handle = ptr::null_mut();
        let mut why = Why::new();
        let status = create(&mut handle, why.out());
        let made = why
            .check(status)
            .and_then(|_| NonNull::new(handle).ok_or_else(|| Status::INTERNAL.into()));
        let handle = match made {
            Ok(handle) => handle,
            Err(error) => {
                event.drop();
                return Err(error);
            }
        };
        let (_coordinator, _runtime) = (coordinator.cloned(), runtime.clone());
        Ok(Role { handle, destroy, event, _coordinator, _runtime })
    }

    pub fn raw(&self) -> *mut H {
        self.handle.as_ptr()
    }

    /// Destroys it now; every later call says `STALE`.
    pub fn close(&self) -> Result<()> {
        // SAFETY: a handle that was destroyed is told apart by the library.
        let status = unsafe { (self.destroy)(self.raw()) };
        if status == sys::P2C2R_E_STALE {
            return Ok(());
        }
        check(status).map(|_| ())
    }
}

impl<H> fmt::Debug for Role<H> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:p}", self.handle)
    }
}

impl<H> Drop for Role<H> {
    fn drop(&mut self) {
        // Refused inside a callback: then the role lives on, and so must its event function.
        if self.close().is_ok() {
            self.event.drop();
        }
    }
}
