//! The ingress's main job, on a real Envoy against the strict double of AWS.

mod bodies;
mod callers;
mod credentials;
mod outages;
mod serves;
mod support;
