//! One connection: decided when it is new, and then left to Envoy.

use std::rc::Rc;

use proxy_wasm::traits::{Context, StreamContext};
use proxy_wasm::types::Action;
use sni_core::{Refusal, Step};

use crate::host::{self, HostError};
use crate::worker::Worker;

pub(crate) struct Connection {
    worker: Option<Rc<Worker>>,
}

impl Connection {
    pub(crate) fn new(worker: Option<Rc<Worker>>) -> Self {
        Self { worker }
    }
}

impl Context for Connection {}

impl StreamContext for Connection {
    /// tcp_proxy connects as soon as it hears of the connection, so all is decided here and now.
    fn on_new_connection(&mut self) -> Action {
        // The connection may outlive the table by days; it needs none from here on.
        match self.worker.take() {
            Some(worker) => decide(&worker),
            None => close(),
        }
    }
}

fn decide(worker: &Worker) -> Action {
    let Ok(name) = host::requested_server_name() else { return refuse(worker, Refusal::HostError, b"") };
    match worker.router.route(&name) {
        Step::Route(cluster) => match worker.send_to(cluster) {
            Ok(()) => Action::Continue,
            Err(HostError) => refuse(worker, Refusal::HostError, &name),
        },
        Step::Close(refusal) => refuse(worker, refusal, &name),
    }
}

fn refuse(worker: &Worker, refusal: Refusal, name: &[u8]) -> Action {
    worker.tell(refusal, name);
    close()
}

fn close() -> Action {
    if let Err(HostError) = host::close() {
        // No cluster is set, so tcp_proxy finds only its default one, which has no endpoints.
        log::error!("a connection could not be closed");
    }
    Action::Pause
}
