//! The one who places tasks.
use std::ptr;
use std::sync::Arc;

use crate::border::{c_option, c_pointer, c_text};
use crate::constants::Deliver;
use crate::error::{check, Result, Why};
use crate::result::{written, TaskResult};
use crate::role::{EventFn, EventHook, Role};
use crate::runtime::Runtime;
use crate::sys;

/// As p2c2r_coordinator_config, but that without a `listen_port` it serves this process only.
#[derive(Default)]
pub struct CoordinatorConfig<'a> {
    /// 0: 8765; `ANY`: one that is free.
    pub listen_port: Option<u32>,
    pub listen_address: Option<&'a str>,
    pub prometheus_port: u32,
    pub max_peers: u32,
    pub task_timeout_ms: u32,
    pub heartbeat_interval_ms: u32,
    pub memory_max: u64,
    pub deliver: Deliver,
    /// Allow a plaintext address that is not loopback.
    pub plaintext_anywhere: bool,
    /// JSON.
    pub options: Option<&'a str>,
    /// With both files, PEM, connections are TLS.
    pub certificate_file: Option<&'a str>,
    pub key_file: Option<&'a str>,
    /// Who may come in; the calls "key.add", "key.token" and "key.invite" let in.
    pub access_file: Option<&'a str>,
    pub audit_file: Option<&'a str>,
    pub event: Option<EventFn>,
}

pub type CoordinatorStats = sys::p2c2r_coordinator_stats;

/// A coordinator; clones are the same one.
#[derive(Clone, Debug)]
pub struct Coordinator(Arc<Role<sys::p2c2r_coordinator>>);

impl Coordinator {
    pub fn new(runtime: &Runtime, config: CoordinatorConfig<'_>) -> Result<Coordinator> {
        let address = c_option("listen_address", config.listen_address)?;
        let options = c_option("options", config.options)?;
        let certificate_file = c_option("certificate_file", config.certificate_file)?;
        let key_file = c_option("key_file", config.key_file)?;
        let access_file = c_option("access_file", config.access_file)?;
        let audit_file = c_option("audit_file", config.audit_file)?;
        let event = EventHook::new(config.event);
        let mut raw = sys::p2c2r_coordinator_config {
            listen_port: config.listen_port.unwrap_or(sys::P2C2R_NONE),
            max_peers: config.max_peers,
            task_timeout_ms: config.task_timeout_ms,
            heartbeat_interval_ms: config.heartbeat_interval_ms,
            prometheus_port: config.prometheus_port,
            memory_max: config.memory_max,
            deliver: config.deliver as i32,
            listen_address: c_pointer(&address),
            options: c_pointer(&options),
            event: event.function,
            user: event.user,
            certificate_file: c_pointer(&certificate_file),
            key_file: c_pointer(&key_file),
            access_file: c_pointer(&access_file),
            audit_file: c_pointer(&audit_file),
            ..Default::default()
        };
        if config.plaintext_anywhere {
            raw.flags |= sys::P2C2R_COORDINATOR_PLAINTEXT_ANYWHERE as u32;
        }
        let destroy = sys::p2c2r_coordinator_destroy;
        let role = Role::new(runtime, None, event, destroy, |out, why| unsafe {
            sys::p2c2r_coordinator_create(runtime.raw(), &raw, out, why)
        })?;
        Ok(Coordinator(Arc::new(role)))
    }

    fn raw(&self) -> *mut sys::p2c2r_coordinator {
        self.0.raw()
    }

    /// Listens; the error names the address and port when they cannot be had.
    pub fn start(&self) -> Result<()> {
        let mut why = Why::new();
        let status = unsafe { sys::p2c2r_coordinator_start(self.raw(), why.out()) };
        why.check(status)?;
        Ok(())
    }

    /// The ports it listens on, for tasks and for monitoring; 0: none.
    pub fn ports(&self) -> Result<(u32, u32)> {
        let (mut port, mut monitoring) = (0, 0);
        check(unsafe { sys::p2c2r_coordinator_port(self.raw(), &mut port, &mut monitoring) })?;
        Ok((port, monitoring))
    }

    pub fn stats(&self) -> Result<CoordinatorStats> {
        let mut stats = CoordinatorStats::default();
        check(unsafe { sys::p2c2r_coordinator_stats_get(self.raw(), &mut stats) })?;
        Ok(stats)
    }

    /// A named question or command, as "status", "peers", "explain". Blocks.
    pub fn call(&self, name: &str, args_json: Option<&str>, timeout_ms: u32) -> Result<TaskResult> {
        let (name, args) = (c_text("name", name)?, c_option("args_json", args_json)?);
        let mut out = ptr::null_mut();
        let mut why = Why::new();
        let status = unsafe {
            sys::p2c2r_coordinator_call(
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

    /// Admits nothing new and waits until no task is pending. Blocks.
    pub fn drain(&self, timeout_ms: u32) -> Result<()> {
        check(unsafe { sys::p2c2r_coordinator_drain(self.raw(), timeout_ms) })?;
        Ok(())
    }

    /// Destroys it now, for all clones; later calls say `STALE`. Blocks.
    pub fn close(&self) -> Result<()> {
        self.0.close()
    }
}

/// The handle for a config's `local`.
pub(crate) fn raw_of(coordinator: Option<&Coordinator>) -> *mut sys::p2c2r_coordinator {
    coordinator.map_or(ptr::null_mut(), |coordinator| coordinator.raw())
}
