//! proxy-wasm filter: signs authorised mesh requests with SigV4, with credentials of the pod's role.
//!
//! This package only carries out what `irsa-core` decides. `host.rs` is the one file that calls Envoy.

#![expect(missing_docs, reason = "the one public function is the entry that the macro of the SDK makes")]

mod answers;
mod health;
mod host;
mod metrics;
mod root;
mod stream;
mod worker;

proxy_wasm::main! {{
    host::start(|id| Box::new(root::Root::new(id)));
}}
