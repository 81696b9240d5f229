//! What the end-to-end tests and the demo stand on: certificates, a raw HTTP client, and a strict double of AWS.

pub mod aws;
pub mod bench;
pub mod child;
pub mod client;
mod cut;
pub mod demo;
pub mod egress;
pub mod envoy;
pub mod herd;
pub mod ingress;
pub mod lambda;
pub mod mesh;
pub mod pki;
pub mod router;
pub mod secrets;
