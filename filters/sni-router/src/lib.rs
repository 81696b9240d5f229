//! proxy-wasm network filter: routes TLS connections by the name that the client asks for, terminates nothing.
//!
//! This package only carries out what `sni-core` decides. `host.rs` is the one file that calls Envoy.

#![expect(missing_docs, reason = "the one public function is the entry that the macro of the SDK makes")]

mod connection;
mod host;
mod root;
mod worker;

proxy_wasm::main! {{
    host::start(|_| Box::new(root::Root::default()));
}}
