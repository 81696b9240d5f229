//! What the end-to-end tests and the demo stand on: certificates, a raw HTTP client, and a strict double of AWS.

pub mod aws;
pub mod bench;
pub mod client;
pub mod demo;
pub mod envoy;
pub mod herd;
pub mod ingress;
pub mod pki;
