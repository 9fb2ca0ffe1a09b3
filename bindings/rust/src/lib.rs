//! P2C2R from Rust: the C interface of the library in safe clothes, without logic of its own.
//!
//! ```no_run
//! use p2c2r::{Client, ClientConfig, Coordinator, Peer, PeerConfig, Runtime, TaskDesc};
//!
//! fn main() -> p2c2r::Result<()> {
//!     let runtime = Runtime::new(Default::default())?;
//!     let coordinator = Coordinator::new(&runtime, Default::default())?;
//!     coordinator.start()?;
//!     let local = Some(&coordinator);
//!     let peer = Peer::new(&runtime, PeerConfig { local, ..Default::default() })?;
//!     peer.start()?;
//!     let client = Client::new(&runtime, ClientConfig { local, ..Default::default() })?;
//!     client.connect(5000)?;
//!     let answer = client.submit_and_wait(TaskDesc::new("echo").data(&b"hello"[..]))?;
//!     println!("{}", String::from_utf8_lossy(answer.data()));
//!     Ok(())
//! }
//! ```
//!
//! Names, units and defaults are those of p2c2r.h.
//!
//! # Ownership
//!
//! A handle keeps what it stands on alive: a client its runtime and its coordinator. The last one
//! that goes destroys it, which waits; the library refuses that inside its callbacks and on its
//! threads, and then the handle is leaked, not freed under somebody's feet. So a closure that is
//! given to the library should not own the runtime, client or peer that it is called by.
//!
//! # Callbacks
//!
//! Closures run where the header says, on threads of the library among others, so they are `Send`
//! and mostly `Sync`. A panic does not cross the border: in an executor it is `E_EXECUTOR` with the
//! panic's text, elsewhere the call counts as made. Both need unwinding; with `panic = "abort"` a
//! panic ends the process as anywhere else.

#![deny(unsafe_op_in_unsafe_fn)]

mod border;
mod bytes;
mod client;
mod constants;
mod coordinator;
mod credentials;
mod error;
mod executor;
mod frames;
mod job;
#[cfg(test)]
mod layout_test;
mod peer;
mod result;
mod role;
mod runtime;
pub mod sys;
mod task;

pub use bytes::Payload;
pub use client::{Client, ClientConfig, ClientStats};
pub use constants::*;
pub use coordinator::{Coordinator, CoordinatorConfig, CoordinatorStats};
pub use credentials::Credentials;
pub use error::{Error, Result, Status};
pub use executor::ExecutorDesc;
pub use frames::{Answer, FrameForm, Frames, FramesConfig};
pub use job::{Job, JobError, PendingJob};
pub use peer::{Capabilities, Peer, PeerConfig, PeerStats};
pub use result::{Image, ImageView, ResultInfo, TaskResult};
pub use role::Event;
pub use runtime::{now_us, params_from_json, params_to_json, version_text, Runtime, RuntimeConfig};
pub use task::{Content, Params, Part, Split, Task, TaskDesc};
