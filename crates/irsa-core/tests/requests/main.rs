//! Requests as Envoy hands them over: the order of decisions, the fate of every header, bodies, waiting, and whatever
//! hostile callers may send.
#![cfg(not(target_arch = "wasm32"))]
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "in tests a panic is the verdict, and the helpers are part of them"
)]

mod bodies;
mod callers;
mod headers;
mod order;
mod properties;
mod support;
mod waiting;
