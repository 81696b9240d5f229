//! Answers that the filter gives itself.

use irsa_core::{Readiness, Refusal};
use proxy_wasm::types::Action;

use crate::host::{self, HostError};

/// Answers a refused request. Its caller returns [`Action::Pause`]: nothing of it goes on.
pub(crate) fn refuse(refusal: &Refusal) -> Action {
    let reason = refusal.reason.as_str();
    host::show("meshbridge.reason", reason.as_bytes());
    let headers = vec![("x-meshbridge-error", reason), ("content-type", "application/json")];
    if let Err(HostError) = host::respond(refusal.reason.status(), headers, refusal.body().as_bytes()) {
        log::error!("a refusal ({reason}) could not be sent; the request ends by Envoy's timers");
    }
    Action::Pause
}

/// Answers a readiness probe.
pub(crate) fn probe(readiness: &Readiness) -> Action {
    let headers = vec![("content-type", "application/json"), ("cache-control", "no-store")];
    if let Err(HostError) = host::respond(readiness.status(), headers, readiness.body().as_bytes()) {
        log::error!("the answer to a probe could not be sent");
    }
    Action::Pause
}
