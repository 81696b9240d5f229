//! The ingress's main job, on a real Envoy against the strict double of AWS.

mod bodies;
mod callers;
mod configurations;
mod credentials;
mod herds;
mod hostile;
mod outages;
mod routing;
mod serves;
mod support;
mod traps;
