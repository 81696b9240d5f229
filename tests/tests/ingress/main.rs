//! The ingress's main job, on a real Envoy against the strict double of AWS.

mod serves;
