//! One request: Envoy's callbacks in, the core's [`Step`] carried out.

use std::cell::RefCell;
use std::rc::Rc;

use irsa_core::{Arrival, Body, CanonicalTarget, Changes, Placement, Reason, Refusal, Step};
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use crate::answers;
use crate::host::{self, Headers, HostError};
use crate::worker::{Held, Worker, verified_before};

pub(crate) struct Stream {
    id: u32,
    worker: Rc<Worker>,
    phase: Phase,
}

/// How far the request is. Whatever comes of it before it is signed, or after it was refused, stays here: also when the
/// answer to its caller could not be sent.
enum Phase {
    New,
    /// Envoy holds its headers. The root's tick may have decided about it meanwhile.
    Held(Rc<RefCell<Held>>),
    Signed,
    Refused,
}

impl Stream {
    pub(crate) fn new(id: u32, worker: Rc<Worker>) -> Self {
        Self { id, worker, phase: Phase::New }
    }

    /// More of the body, or its end. `size` is what Envoy has buffered of it by now.
    fn on_more(&mut self, size: usize, ends: bool) -> Action {
        let held = match &self.phase {
            Phase::Held(held) => Rc::clone(held),
            Phase::Signed => return Action::Continue,
            Phase::New | Phase::Refused => return Action::Pause,
        };
        let step = self.take_body(&mut held.borrow_mut(), size, ends);
        match step {
            Step::Hold => {
                self.worker.count_waiting(self.id, &mut held.borrow_mut());
                self.worker.schedule();
                Action::Pause
            }
            step => {
                self.worker.forget(self.id);
                let action = carry_out(&self.worker, step, &held.borrow());
                self.decide(action)
            }
        }
    }

    /// Remembers what became of the request.
    fn decide(&mut self, action: Action) -> Action {
        self.phase = if action == Action::Continue { Phase::Signed } else { Phase::Refused };
        action
    }

    fn take_body(&self, held: &mut Held, size: usize, ends: bool) -> Step {
        let now = self.worker.now();
        self.worker.look_for_credentials(now);
        let mut ingress = self.worker.ingress.borrow_mut();
        held.body_seen = true;
        let Held { headers, exchange, .. } = held;
        let taken = usize::try_from(exchange.body_taken()).unwrap_or(usize::MAX);
        if size > taken {
            let Ok(piece) = host::request_body(taken, size - taken) else {
                return Step::Reject(Reason::HostError.into());
            };
            let step = ingress.on_body(now, self.id, exchange, headers, &piece);
            if !matches!(step, Step::Hold) {
                return step;
            }
        }
        if ends { ingress.on_end(now, self.id, exchange, headers) } else { Step::Hold }
    }
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _: usize, end_of_stream: bool) -> Action {
        let Ok(headers) = host::request_headers() else {
            self.phase = Phase::Refused;
            return reject(&self.worker, &Reason::HostError.into());
        };
        let peer_uri = host::property(&["connection", "uri_san_peer_certificate"]);
        // Only an earlier attempt by this filter takes this header off. Each property costs as much as a signature: those
        // that most requests do not need are not read.
        let is_retry = !peer_uri.is_empty() && !headers.iter().any(|(name, _)| name == "x-forwarded-client-cert");
        let verified_before = if is_retry { verified_before() } else { None };
        let now = self.worker.now();
        self.worker.look_for_credentials(now);
        let arrival = Arrival {
            headers: &headers,
            peer_uri: (!peer_uri.is_empty()).then_some(&peer_uri),
            body: if end_of_stream { Body::None } else { Body::Follows },
            placement: placement(&headers),
            verified_before: verified_before.as_deref(),
        };
        let (exchange, step) = self.worker.ingress.borrow_mut().on_headers(now, self.id, &arrival);
        let action = match step {
            Step::Forward(changes) => forward(&self.worker, &changes, &headers),
            Step::Hold => {
                let held = Held { headers, exchange, counted_as_waiting: false, body_seen: false };
                let held = self.worker.hold(self.id, held);
                self.worker.count_waiting(self.id, &mut held.borrow_mut());
                self.phase = Phase::Held(held);
                self.worker.schedule();
                return Action::Pause;
            }
            Step::Reject(refusal) => reject(&self.worker, &refusal),
            // A new request was not signed before.
            Step::Pass => reject(&self.worker, &Reason::HostError.into()),
        };
        self.decide(action)
    }

    fn on_http_request_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        self.on_more(size, end_of_stream)
    }

    fn on_http_request_trailers(&mut self, _: usize) -> Action {
        self.on_more(0, true)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if let Phase::Held(held) = &self.phase {
            if held.borrow().exchange.is_open() {
                self.worker.on_abandoned(&held.borrow());
            }
            self.worker.forget(self.id);
        }
    }
}

/// Where the filter stands, as far as it makes a difference for this request.
fn placement(headers: &Headers) -> Placement {
    let path = headers.iter().find(|(name, _)| name == ":path").map_or(&[][..], |(_, path)| path);
    // A request that has an upstream host is in its cluster; in a listener it has none yet.
    if CanonicalTarget::path_may_be_reread(path) && host::property(&["upstream", "address"]).is_empty() {
        Placement::Listener
    } else {
        Placement::Cluster
    }
}

/// Carries out a step in the context of the request itself.
fn carry_out(worker: &Worker, step: Step, held: &Held) -> Action {
    match step {
        Step::Forward(changes) => forward(worker, &changes, &held.headers),
        Step::Reject(refusal) => reject(worker, &refusal),
        Step::Hold => Action::Pause,
        Step::Pass => Action::Continue,
    }
}

/// Carries out a step from the root's tick, where Envoy has to be told to go on.
pub(crate) fn carry_out_later(worker: &Worker, step: Step, held: &Held) {
    if carry_out(worker, step, held) == Action::Continue
        && let Err(HostError) = host::resume_request()
    {
        log::error!("a request could not be resumed; it ends by Envoy's timers");
    }
}

fn forward(worker: &Worker, changes: &Changes, headers: &Headers) -> Action {
    match worker.rewrite(changes, headers) {
        Ok(()) => Action::Continue,
        Err(HostError) => reject(worker, &Reason::HostError.into()),
    }
}

fn reject(worker: &Worker, refusal: &Refusal) -> Action {
    worker.metrics.refused(refusal.reason);
    answers::refuse(refusal)
}
