//! A helper's machine.
use std::ptr;
use std::sync::Arc;

use crate::border::{c_option, c_pointer, c_str_at};
use crate::constants::Deliver;
use crate::coordinator::{raw_of, Coordinator};
use crate::credentials::{Credentials, RawCredentials};
use crate::error::{check, Result, Status, Why};
use crate::role::{EventFn, EventHook, Role};
use crate::runtime::Runtime;
use crate::sys;

/// What a peer offers; asked of one: zero and "" are "as detected".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    pub cpu_cores: u32,
    pub ram_mb: u32,
    pub gpu_vram_mb: u32,
    pub gpu: bool,
    pub network_kbps: u32,
    pub gpu_model: String,
    /// "upscale,echo"
    pub task_types: String,
    pub location: String,
    /// Thousandths of any one machine's speed; 0: not known.
    pub speed_milli: u32,
}

/// As p2c2r_peer_config.
#[derive(Default)]
pub struct PeerConfig<'a> {
    pub max_concurrent_tasks: u32,
    pub prefetch_tasks: u32,
    pub deliver: Deliver,
    pub reconnect_attempts: u32,
    pub local: Option<&'a Coordinator>,
    pub coordinator_url: Option<&'a str>,
    pub peer_id: Option<&'a str>,
    /// For `p2c2r://`: whom to believe, and what to show.
    pub credentials: Option<&'a Credentials>,
    /// JSON.
    pub options: Option<&'a str>,
    pub capabilities: Option<&'a Capabilities>,
    pub event: Option<EventFn>,
}

pub type PeerStats = sys::p2c2r_peer_stats;

/// A peer; clones are the same one.
#[derive(Clone, Debug)]
pub struct Peer(Arc<Role<sys::p2c2r_peer>>);

impl Peer {
    pub fn new(runtime: &Runtime, config: PeerConfig<'_>) -> Result<Peer> {
        let url = c_option("coordinator_url", config.coordinator_url)?;
        let peer_id = c_option("peer_id", config.peer_id)?;
        let options = c_option("options", config.options)?;
        let credentials = config.credentials.map(RawCredentials::new).transpose()?;
        let given = config.capabilities.cloned().unwrap_or_default();
        let unless_empty = |text: &'static str, value: &str| {
            c_option(text, if value.is_empty() { None } else { Some(value) })
        };
        let gpu_model = unless_empty("gpu_model", &given.gpu_model)?;
        let task_types = unless_empty("task_types", &given.task_types)?;
        let location = unless_empty("location", &given.location)?;
        let capabilities = sys::p2c2r_capabilities {
            cpu_cores: given.cpu_cores,
            ram_mb: given.ram_mb,
            gpu_vram_mb: given.gpu_vram_mb,
            gpu: given.gpu as i32,
            network_kbps: given.network_kbps,
            gpu_model: c_pointer(&gpu_model),
            task_types: c_pointer(&task_types),
            location: c_pointer(&location),
            speed_milli: given.speed_milli,
            ..Default::default()
        };
        let event = EventHook::new(config.event);
        let raw = sys::p2c2r_peer_config {
            max_concurrent_tasks: config.max_concurrent_tasks,
            deliver: config.deliver as i32,
            reconnect_attempts: config.reconnect_attempts,
            prefetch_tasks: config.prefetch_tasks,
            local: raw_of(config.local),
            coordinator_url: c_pointer(&url),
            peer_id: c_pointer(&peer_id),
            options: c_pointer(&options),
            capabilities: config.capabilities.map_or(ptr::null(), |_| &capabilities),
            event: event.function,
            user: event.user,
            credentials: RawCredentials::pointer(&credentials),
            ..Default::default()
        };
        let destroy = sys::p2c2r_peer_destroy;
        let role = Role::new(runtime, config.local, event, destroy, |out, why| unsafe {
            sys::p2c2r_peer_create(runtime.raw(), &raw, out, why)
        })?;
        Ok(Peer(Arc::new(role)))
    }

    fn raw(&self) -> *mut sys::p2c2r_peer {
        self.0.raw()
    }

    /// Connects and takes tasks, from here on by itself.
    pub fn start(&self) -> Result<()> {
        let mut why = Why::new();
        let status = unsafe { sys::p2c2r_peer_start(self.raw(), why.out()) };
        why.check(status)?;
        Ok(())
    }

    pub fn pause(&self) -> Result<()> {
        check(unsafe { sys::p2c2r_peer_pause(self.raw()) })?;
        Ok(())
    }

    pub fn resume(&self) -> Result<()> {
        check(unsafe { sys::p2c2r_peer_resume(self.raw()) })?;
        Ok(())
    }

    /// The owner is using the machine, or no longer. Never waits.
    pub fn activity(&self, active: bool) -> Result<()> {
        check(unsafe { sys::p2c2r_peer_activity(self.raw(), active as i32) })?;
        Ok(())
    }

    /// The machine has been measured: in thousandths of any one machine's.
    pub fn set_speed(&self, speed_milli: u32) -> Result<()> {
        check(unsafe { sys::p2c2r_peer_set_speed(self.raw(), speed_milli) })?;
        Ok(())
    }

    /// Why no task is taken, or with what limits; empty: neither.
    pub fn why(&self) -> Result<String> {
        let mut room = [0u8; 1024];
        let mut size = room.len();
        check(unsafe { sys::p2c2r_peer_why(self.raw(), room.as_mut_ptr().cast(), &mut size) })?;
        Ok(String::from_utf8_lossy(&room[..size.saturating_sub(1)]).into_owned())
    }

    /// Pauses and waits until nothing runs. Blocks.
    pub fn drain(&self, timeout_ms: u32) -> Result<()> {
        check(unsafe { sys::p2c2r_peer_drain(self.raw(), timeout_ms) })?;
        Ok(())
    }

    pub fn capabilities(&self) -> Result<Capabilities> {
        let mut raw = sys::p2c2r_capabilities::default();
        check(unsafe { sys::p2c2r_peer_capabilities(self.raw(), &mut raw) })?;
        // SAFETY: the texts live as long as the peer.
        let [gpu_model, task_types, location] = [raw.gpu_model, raw.task_types, raw.location]
            .map(|text| unsafe { c_str_at(text) }.to_string());
        Ok(Capabilities {
            cpu_cores: raw.cpu_cores,
            ram_mb: raw.ram_mb,
            gpu_vram_mb: raw.gpu_vram_mb,
            gpu: raw.gpu != 0,
            network_kbps: raw.network_kbps,
            gpu_model,
            task_types,
            location,
            speed_milli: raw.speed_milli,
        })
    }

    pub fn peer_id(&self) -> Result<String> {
        let mut size = 0;
        let status = unsafe { sys::p2c2r_peer_id(self.raw(), ptr::null_mut(), &mut size) };
        if status != sys::P2C2R_E_SIZE {
            check(status)?;
        }
        let mut room = vec![0u8; size];
        check(unsafe { sys::p2c2r_peer_id(self.raw(), room.as_mut_ptr().cast(), &mut size) })?;
        room.truncate(size.saturating_sub(1)); // the zero
        String::from_utf8(room).map_err(|_| Status::INTERNAL.into())
    }

    pub fn stats(&self) -> Result<PeerStats> {
        let mut stats = PeerStats::default();
        check(unsafe { sys::p2c2r_peer_stats_get(self.raw(), &mut stats) })?;
        Ok(stats)
    }

    /// Destroys it now, for all clones; later calls say `STALE`. Blocks.
    pub fn close(&self) -> Result<()> {
        self.0.close()
    }
}
