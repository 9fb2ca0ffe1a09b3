//! What the tests share: a small machine in this process, and waiting for what must come.
#![allow(dead_code)] // each test program uses a part
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use p2c2r::{
    Client, ClientConfig, Coordinator, CoordinatorConfig, Gpu, Peer, PeerConfig, Result, Runtime,
    RuntimeConfig, Status,
};

/// Reached only when what must come does not.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub fn received<T>(from: &Receiver<T>) -> T {
    match from.recv_timeout(PATIENCE) {
        Ok(value) => value,
        Err(RecvTimeoutError::Timeout) => panic!("what was waited for has not come"),
        Err(RecvTimeoutError::Disconnected) => panic!("nobody is left who could send it"),
    }
}

pub fn quiet_runtime() -> Runtime {
    Runtime::new(RuntimeConfig { gpu: Gpu::Off, ..Default::default() }).expect("a runtime")
}

pub struct Machine {
    pub client: Client,
    pub peer: Peer,
    pub coordinator: Coordinator,
    pub runtime: Runtime,
}

/// Coordinator, peer and client; executors have been added to the runtime before.
pub fn machine_on(runtime: Runtime, config: ClientConfig<'_>) -> Machine {
    let limits = CoordinatorConfig { task_timeout_ms: 60_000, ..Default::default() };
    let coordinator = Coordinator::new(&runtime, limits).expect("a coordinator");
    coordinator.start().expect("it starts");
    let local = Some(&coordinator);
    let peer = Peer::new(&runtime, PeerConfig { local, ..Default::default() }).expect("a peer");
    peer.start().expect("it starts");
    let client = Client::new(&runtime, ClientConfig { local, ..config }).expect("a client");
    client.connect(5000).expect("it connects");
    Machine { client, peer, coordinator, runtime }
}

pub fn machine() -> Machine {
    machine_on(quiet_runtime(), ClientConfig::default())
}

/// The error of a call that must fail with this status.
pub fn fails<T: std::fmt::Debug>(status: Status, result: Result<T>) -> p2c2r::Error {
    let error = result.expect_err("the call must fail");
    assert_eq!(error.status, status, "{error}");
    error
}

/// Holds executors until it is opened.
#[derive(Clone, Default)]
pub struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    pub fn open(&self) {
        *self.0 .0.lock().unwrap() = true;
        self.0 .1.notify_all();
    }

    pub fn pass(&self) {
        let open = self.0 .0.lock().unwrap();
        let waited = self.0 .1.wait_timeout_while(open, PATIENCE, |open| !*open).unwrap();
        assert!(!waited.1.timed_out(), "nobody opened the gate");
    }
}
