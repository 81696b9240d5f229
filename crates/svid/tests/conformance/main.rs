//! A case for every MUST of SPIFFE's X509-SVID: one that is accepted, and those that are refused, with the reason.
#![cfg(not(target_arch = "wasm32"))]
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "in tests a panic is the verdict, and the helpers are part of them"
)]

mod chains;
mod documents;
mod leaves;
mod mutations;
mod pki;
