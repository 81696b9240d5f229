//! One Envoy with a listener for each variant, over plain TCP on loopback, all before the same backend.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::traffic::Traffic;
use super::verify;
use crate::ingress::{Placement, Shipped, World};

/// What stands between caller and backend.
#[derive(Clone, Debug)]
pub(super) struct Variant {
    /// Name of listener and cluster.
    pub(super) name: String,
    pub(super) filter: Filter,
    pub(super) placement: Placement,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    None,
    /// Envoy's own `aws_request_signing`.
    Native,
    /// irsa-signer from this artefact; the first is the one that is judged.
    Signer(PathBuf),
}

/// No filter; then each filter as shipped, in the backend's cluster (where Envoy's own may stand as well); then each in
/// the listener.
pub(super) fn variants(artefacts: &[PathBuf]) -> Vec<Variant> {
    let mut all = vec![Variant { name: "none".into(), filter: Filter::None, placement: Placement::Upstream }];
    for placement in [Placement::Upstream, Placement::Downstream] {
        let signers = artefacts.iter().cloned().map(Filter::Signer);
        for filter in std::iter::once(Filter::Native).chain(signers) {
            all.push(Variant { name: format!("variant-{}", all.len()), filter, placement });
        }
    }
    all
}

/// The bootstrap configuration. What the signer needs besides its backend (STS, the token) is taken from the shipped file.
pub(super) fn bootstrap(
    world: &World,
    traffic: Traffic,
    variants: &[Variant],
    backend: SocketAddr,
) -> Result<Value, String> {
    let mut shipped = world.shipped(traffic.topology());
    // A port without TLS has no callers to verify; what that check costs is not measured.
    shipped.configure(&json!({ "unauthenticated_callers": "allow", "callers": null, "trust_domain": null }));
    let native = traffic.native(&verify::static_credentials(world)?);
    let mut listeners = vec![token_listener(&mut shipped)];
    let mut clusters = vec![shipped.cluster("sts").clone(), shipped.cluster("irsa-token").clone()];
    for (number, variant) in variants.iter().enumerate() {
        let filter = match &variant.filter {
            Filter::None => None,
            Filter::Native => Some(json!({ "name": "envoy.filters.http.aws_request_signing", "typed_config": native })),
            Filter::Signer(artefact) => Some(plugin(&mut shipped, artefact, number)),
        };
        let (in_cluster, in_listener) = match variant.placement {
            Placement::Upstream => (filter, None),
            Placement::Downstream => (None, filter),
        };
        listeners.push(listener(&variant.name, in_listener));
        clusters.push(cluster(&variant.name, backend, in_cluster));
    }
    Ok(json!({
        "node": { "id": "bench", "cluster": "bench" },
        "static_resources": { "listeners": listeners, "clusters": clusters },
    }))
}

fn token_listener(shipped: &mut Shipped) -> Value {
    let listeners = shipped.value().pointer("/static_resources/listeners").and_then(Value::as_array);
    let token = listeners.and_then(|all| all.iter().find(|listener| listener["name"] == "irsa-token"));
    token.cloned().unwrap_or_default()
}

/// The shipped plugin from this artefact, in a VM of its own.
fn plugin(shipped: &mut Shipped, artefact: &Path, number: usize) -> Value {
    let mut plugin = shipped.signer().clone();
    if let Some(config) = plugin.pointer_mut("/typed_config/config") {
        config["name"] = json!(format!("bench-{number}"));
        config["vm_config"]["vm_id"] = json!(format!("bench-{number}"));
        config["vm_config"]["code"] = json!({ "local": { "filename": artefact } });
    }
    plugin
}

fn listener(name: &str, filter: Option<Value>) -> Value {
    let router = json!({
        "name": "envoy.filters.http.router",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
            "suppress_envoy_headers": true,
        },
    });
    let filters: Vec<Value> = filter.into_iter().chain([router]).collect();
    json!({
        "name": name,
        "address": { "socket_address": { "address": "127.0.0.1", "port_value": 0 } },
        "filter_chains": [{ "filters": [{
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                "stat_prefix": name,
                "use_remote_address": true,
                // The request brings what Envoy would set here after mTLS.
                "forward_client_cert_details": "ALWAYS_FORWARD_ONLY",
                "normalize_path": false,
                "merge_slashes": false,
                "path_with_escaped_slashes_action": "KEEP_UNCHANGED",
                "stream_idle_timeout": "30s",
                "route_config": { "virtual_hosts": [{
                    "name": name,
                    "domains": ["*"],
                    "routes": [{ "match": { "prefix": "/" }, "route": { "cluster": name, "timeout": "30s" } }],
                }] },
                "http_filters": filters,
            },
        }] }],
    })
}

fn cluster(name: &str, backend: SocketAddr, filter: Option<Value>) -> Value {
    let codec = json!({
        "name": "envoy.filters.http.upstream_codec",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec",
        },
    });
    let filters: Vec<Value> = filter.into_iter().chain([codec]).collect();
    let address = json!({ "address": backend.ip().to_string(), "port_value": backend.port() });
    json!({
        "name": name,
        "type": "STATIC",
        "connect_timeout": "5s",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{ "lb_endpoints": [{ "endpoint": { "address": { "socket_address": address } } }] }],
        },
        "typed_extension_protocol_options": { "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            "explicit_http_config": { "http_protocol_options": {} },
            "http_filters": filters,
        } },
    })
}
