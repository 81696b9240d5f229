//! The readiness probe: a plugin configured with `health_of` alone answers every request itself.

use std::rc::Rc;

use irsa_core::session::{Now, Shared};
use irsa_core::{Readiness, Reason, shared_key};
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use crate::{answers, host};

/// Judges the session of the signing plugin of this name.
pub(crate) struct Probe {
    pub(crate) of: Rc<str>,
}

impl Context for Probe {}

impl HttpContext for Probe {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        let readiness = match host::shared(&shared_key::of_plugin(&self.of)) {
            (Some(session), _) => {
                let (value, version) = host::shared(&String::from_utf8_lossy(&session));
                let now = Now { wall_ms: host::wall_ms(), steady_ms: 0 };
                Readiness::of_session(now, Shared { value: value.as_ref().map(|value| value.as_slice()), version })
            }
            // No signing plugin of this name has started in this Envoy, with this vm_id.
            (None, _) => Readiness::NotReady(Reason::NoCredentials),
        };
        answers::probe(&readiness)
    }
}
