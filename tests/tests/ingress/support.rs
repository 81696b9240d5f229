//! What the tests of the ingress have in common.

use std::time::Duration;

use e2e::ingress::{Ingress, Placement, Topology, World};
use serde_json::{Value, json};

/// The host name of the shipped S3 backend, once its placeholder is replaced.
pub(crate) const S3_HOST: &str = "docs.s3.us-west-2.amazonaws.com";
/// The host name of the shipped API Gateway backend.
pub(crate) const API_HOST: &str = "abc123.execute-api.us-west-2.amazonaws.com";
/// Both places that the filter may have.
pub(crate) const PLACEMENTS: [Placement; 2] = [Placement::Upstream, Placement::Downstream];
/// Longer than any start or recovery takes.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// An ingress that has its credentials.
pub(crate) fn ready(world: &World, topology: Topology, placement: Placement, changes: &Value) -> Ingress {
    let ingress = world.start_with(topology, placement, changes);
    ingress.wait_for_readiness(200, SOON);
    ingress
}

/// The same with the shipped configuration of the plugin.
pub(crate) fn ready_as_shipped(world: &World, topology: Topology, placement: Placement) -> Ingress {
    ready(world, topology, placement, &json!({}))
}

/// Waits until that many requests have been held since the start.
pub(crate) fn wait_for_held(ingress: &Ingress, count: u64) {
    ingress
        .envoy
        .wait_until("a held request", SOON, || {
            let stats = ingress.envoy.stats("wasmcustom.meshbridge_irsa.*held").unwrap_or_default();
            stats.values().sum::<u64>() >= count
        })
        .unwrap_or_else(|e| panic!("{e}"));
}
